"""What Argo replaces in a text: `{{simple.tags}}` and `{{=expressions}}`, and the names that they read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ROOTS = frozenset({"inputs", "outputs", "tasks", "steps", "workflow", "item", "pod", "node", "retries", "lastRetry"})
"""First words of the variables of expressions; everything else there is a function or a local name."""

_STRINGS = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`")
_CHAIN = re.compile(r"(?<![\w.\]])([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*|\[(?:'[^']*'|\"[^\"]*\"|\d+)\])*)")
_PART = re.compile(r"\.([A-Za-z_]\w*)|\[(?:'([^']*)'|\"([^\"]*)\"|(\d+))\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """One replaced piece of a text: what stands between the braces, and the paths of the variables it reads."""

    text: str
    reads: tuple[tuple[str, ...], ...]
    whole: bool
    """The text is nothing but this tag."""


class Malformed(ValueError):
    """A text that Argo cannot read as a template."""


def tags(text: str) -> Iterator[Tag]:
    """Each tag of `text`, in order. `Malformed` where one never ends, or where Argo may leave it as it is."""
    position = 0
    while (start := text.find("{{", position)) >= 0:
        end = text.find("}}", start)
        if end < 0:
            raise Malformed(f"`{text[start : start + 40]}` is never closed")
        inner = text[start + 2 : end]
        whole = start == 0 and end + 2 == len(text)
        if inner.startswith("="):
            yield Tag(text=inner, reads=tuple(variables(inner[1:])), whole=whole)
        elif not inner or inner != inner.strip() or "{" in inner or len(inner.split()) > 1:
            raise Malformed(f"`{{{{{inner}}}}}` is not the name of a variable")
        else:
            yield Tag(text=inner, reads=(tuple(inner.split(".")),), whole=whole)
        position = end + 2


def variables(expression: str) -> Iterator[tuple[str, ...]]:
    """The paths that an expression reads: `tasks['by-store'].outputs` is ("tasks", "by-store", "outputs").

    A dotted name with a dash is a subtraction to Argo, and so it is here: `tasks.by-store` reads `tasks.by`.
    """
    kept = _STRINGS.sub(
        lambda match: match[0] if expression[match.start() - 1 : match.start()] == "[" else "''", expression
    )
    for match in _CHAIN.finditer(kept):
        if match[1] in ROOTS:
            yield (match[1], *("".join(part) for part in _PART.findall(match[2])))


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a value, keys included, with the path to it."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield f"{path}.{key} (the key)", str(key)
            yield from texts(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from texts(inner, f"{path}[{number}]")
