"""Rules of schemas (`x-kubernetes-validations`), in the Common Expression Language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_RESERVED = frozenset(
    """true false null in as break const continue else for function if import let loop package namespace return var void
    while""".split()  # noqa: SIM905
)
_SIGNS = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}


class Expressions:
    """Evaluates rules. One about a change (`oldSelf`), or with a function that is not known here, is left to the API
    server."""

    def __init__(self) -> None:
        self._programs: dict[str, Any] = {}
        self._environment: Any = None

    def __call__(self, node: Mapping[str, Any], value: Any) -> Iterator[str]:
        """What the broken rules of a schema say."""
        made: Any = None
        for entry in node["x-kubernetes-validations"]:
            rule = str(entry.get("rule", ""))
            if not rule or re.search(r"\boldSelf\b", rule):
                continue
            if made is None:
                made = _value(node, value)
            if self._broken(rule, made):
                message = str(entry.get("message", "")).strip()
                yield message.splitlines()[0] if message else f"breaks the rule `{' '.join(rule.split())}`"

    def _broken(self, rule: str, value: Any) -> bool:
        import celpy
        from celpy.celparser import CELParseError
        from celpy.evaluation import CELEvalError

        if rule not in self._programs:
            self._environment = self._environment or celpy.Environment()
            try:
                tree = self._environment.compile(rule)
                self._programs[rule] = self._environment.program(tree, functions=_functions())
            except CELParseError:
                self._programs[rule] = None
        if self._programs[rule] is None:
            return False
        try:
            return not self._programs[rule].evaluate({"self": value})
        except CELEvalError:
            return False


def _value(node: Mapping[str, Any], value: Any) -> Any:
    """A value as rules see it: fields by their escaped names, numbers by the type that the schema gives them."""
    from celpy import celtypes

    if isinstance(value, dict):
        known = node.get("properties") or {}
        other = node.get("additionalProperties")
        below = other if isinstance(other, dict) else {}
        return celtypes.MapType(
            {
                celtypes.StringType(_escaped(key) if key in known else key): _value(known.get(key, below), item)
                for key, item in value.items()
            }
        )
    if isinstance(value, (list, tuple)):
        items = node.get("items")
        return celtypes.ListType([_value(items if isinstance(items, dict) else {}, item) for item in value])
    if isinstance(value, bool):
        return celtypes.BoolType(value)
    if isinstance(value, float) or (isinstance(value, int) and node.get("type") == "number"):
        return celtypes.DoubleType(value)
    if isinstance(value, int):
        return celtypes.IntType(value)
    return celtypes.StringType(value) if isinstance(value, str) else None


def _escaped(name: str) -> str:
    if name in _RESERVED:
        return f"__{name}__"
    return re.sub(r"__|[./-]", lambda hit: _SIGNS[hit[0]], name)


def _functions() -> dict[str, Any]:
    """What Kubernetes adds to the language, as far as schemas use it."""
    from ipaddress import ip_address
    from urllib.parse import urlsplit

    from celpy import celtypes

    def holds(test: Any, text: str) -> Any:
        try:
            return celtypes.BoolType(bool(test(str(text))))
        except ValueError:
            return celtypes.BoolType(False)

    def substring(text: str, start: int, end: int | None = None) -> Any:
        return celtypes.StringType(str(text)[int(start) : len(text) if end is None else int(end)])

    return {
        "substring": substring,
        "split": lambda text, by: celtypes.ListType([celtypes.StringType(part) for part in str(text).split(str(by))]),
        "indexOf": lambda text, part: celtypes.IntType(str(text).find(str(part))),
        "lowerAscii": lambda text: celtypes.StringType(str(text).lower()),
        "upperAscii": lambda text: celtypes.StringType(str(text).upper()),
        "url": lambda text: text,
        "getScheme": lambda text: celtypes.StringType(urlsplit(str(text)).scheme),
        "getHost": lambda text: celtypes.StringType(urlsplit(str(text)).netloc),
        "getHostname": lambda text: celtypes.StringType(urlsplit(str(text)).hostname or ""),
        "isURL": lambda text: holds(lambda value: urlsplit(value).scheme, text),
        "isIP": lambda text: holds(ip_address, text),
    }
