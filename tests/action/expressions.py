"""The part of GitHub's expression language that action.yml uses; anything else is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|([A-Za-z_][A-Za-z0-9_.-]*)|(==|!=|&&|\|\||[!(),]))")


def render(text: str, context: Mapping[str, Any]) -> str:
    """`text` with each `${{ }}` replaced, as the runner does it before anything else sees the text."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: _text(evaluate(found[1], context)), text)


def evaluate(expression: str, context: Mapping[str, Any]) -> Any:
    """The value of an expression. Raises ValueError for what is not understood."""
    tokens: list[str] = []
    at = 0
    body = expression.strip()
    while at < len(body):
        found = _TOKEN.match(body, at)
        if found is None:
            raise ValueError(f"cannot read {body[at:]!r}")
        tokens.append(found[0].strip())
        at = found.end()
    reader = _Reader(tokens, context)
    value = reader.either()
    if reader.left:
        raise ValueError(f"cannot read {reader.left} of {expression!r}")
    return value


class _Reader:
    def __init__(self, tokens: list[str], context: Mapping[str, Any]) -> None:
        self.left = tokens
        self.context = context

    def either(self) -> Any:
        value = self.both()
        while self._take("||"):
            other = self.both()
            value = value or other
        return value

    def both(self) -> Any:
        value = self.compared()
        while self._take("&&"):
            other = self.compared()
            value = value and other
        return value

    def compared(self) -> Any:
        value = self.single()
        for sign in ("==", "!="):
            if self._take(sign):
                same = str(value).lower() == str(self.single()).lower()  # GitHub ignores case
                return same if sign == "==" else not same
        return value

    def single(self) -> Any:
        if self._take("!"):
            return not self.single()
        if self._take("("):
            value = self.either()
            assert self._take(")")
            return value
        token = self.left.pop(0)
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if self._take("("):
            return self._call(token)
        found: Any = self.context
        for part in token.split("."):
            if part not in found and found is self.context:
                raise ValueError(f"there is no context {part!r}")
            found = found.get(part, "") if isinstance(found, Mapping) else ""
        return found

    def _call(self, name: str) -> Any:
        values = []
        while not self._take(")"):
            values.append(self.either())
            self._take(",")
        if name == "startsWith":
            return str(values[0]).lower().startswith(str(values[1]).lower())
        raise ValueError(f"there is no function {name!r} here")

    def _take(self, token: str) -> bool:
        if self.left[:1] == [token]:
            self.left.pop(0)
            return True
        return False


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
