"""Single values against what a schema says of them: choices, patterns, formats, bounds, repeated entries."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from mlwright.emit.json import canonical

_POSIX = {"[:alpha:]": "A-Za-z", "[:alnum:]": "A-Za-z0-9", "[:digit:]": "0-9", "[:lower:]": "a-z", "[:upper:]": "A-Z"}


def problems(node: Mapping[str, Any], value: Any) -> Iterator[str]:
    """What is wrong with a value of the right type, each as the end of a sentence about it."""
    choices = node.get("enum")
    if choices and value not in choices:
        yield f"must be {_listed(choices)}"
        return
    if isinstance(value, str):
        yield from _text(node, value)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield from _number(node, value)
    elif isinstance(value, (list, tuple)):
        yield from _count(node, len(value), "Items", "entries")
    elif isinstance(value, dict):
        yield from _count(node, len(value), "Properties", "fields")


def repeated(node: Mapping[str, Any], value: Iterable[Any]) -> Iterator[tuple[int, str]]:
    """(position, what is wrong) of entries that are there already, where each may be there once."""
    keys = node.get("x-kubernetes-list-map-keys") if node.get("x-kubernetes-list-type") == "map" else None
    if not keys and not node.get("uniqueItems") and node.get("x-kubernetes-list-type") != "set":
        return
    seen: set[str] = set()
    for position, entry in enumerate(value):
        what = {key: entry.get(key) for key in keys} if keys and isinstance(entry, dict) else entry
        text = canonical(what)
        if text in seen:
            named = " and ".join(f"`{key}: {item}`" for key, item in what.items()) if isinstance(what, dict) else ""
            yield position, f"is the second entry with {named}" if named else "is there twice"
        seen.add(text)


def _listed(choices: Iterable[Any]) -> str:
    names = [f"`{'' if choice is None else choice}`" for choice in choices if choice is not None]
    return names[0] if len(names) == 1 else f"one of {', '.join(names)}"


def _text(node: Mapping[str, Any], value: str) -> Iterator[str]:
    yield from _count(node, len(value), "Length", "characters")
    pattern = node.get("pattern")
    if pattern and (compiled := _compiled(pattern)) is not None and not compiled.search(value):
        yield f"must match `{pattern}`"
    fits = _FORMATS.get(str(node.get("format")))
    if fits is not None and not fits(value):
        yield f"must have the form `{node['format']}`"


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """The pattern as Python reads it: Go's `$` and `\\z` are the end of the text alone."""
    text = pattern.replace(r"\z", r"\Z")
    for name, letters in _POSIX.items():
        text = text.replace(name, letters)
    if text.endswith("$") and not text.endswith(r"\$"):
        text = text[:-1] + r"\Z"
    try:
        return re.compile(text)
    except re.error:
        return None


def _number(node: Mapping[str, Any], value: float) -> Iterator[str]:
    low, high = node.get("minimum"), node.get("maximum")
    if low is not None and (value < low or (node.get("exclusiveMinimum") and value == low)):
        yield f"must be {'more than' if node.get('exclusiveMinimum') else 'at least'} {low}"
    if high is not None and (value > high or (node.get("exclusiveMaximum") and value == high)):
        yield f"must be {'less than' if node.get('exclusiveMaximum') else 'at most'} {high}"
    step = node.get("multipleOf")
    if step and value % step:
        yield f"must be a multiple of {step}"
    bits = {"int32": 31, "int64": 63}.get(str(node.get("format")))
    if bits and not -(2**bits) <= value < 2**bits:
        yield f"must fit into {bits + 1} bits"


def _count(node: Mapping[str, Any], count: int, ending: str, what: str) -> Iterator[str]:
    low, high = node.get(f"min{ending}"), node.get(f"max{ending}")
    if low is not None and count < low:
        yield f"must have at least {low} {what}, and has {count}"
    if high is not None and count > high:
        yield f"must have at most {high} {what}, and has {count}"


def _matching(pattern: str) -> Callable[[str], bool]:
    return lambda text: re.fullmatch(pattern, text) is not None


def _is_time(text: str) -> bool:
    from datetime import datetime

    try:
        return "T" in text.upper() and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _is_base64(text: str) -> bool:
    import base64

    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        return False
    return True


def _is_address(version: int, *, network: bool = False) -> Callable[[str], bool]:
    def fits(text: str) -> bool:
        import ipaddress

        try:
            if network:
                return bool(ipaddress.ip_network(text, strict=False))
            return ipaddress.ip_address(text).version == version
        except ValueError:
            return False

    return fits


def _is_uri(text: str) -> bool:
    from urllib.parse import urlsplit

    try:
        return bool(urlsplit(text).scheme) or text.startswith("/")
    except ValueError:
        return False


_FORMATS: dict[str, Callable[[str], bool]] = {
    "date-time": _is_time,
    "date": _matching(r"\d{4}-\d\d-\d\d"),
    "duration": _matching(r"[+-]?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+|0|\d+ ?(nanos?|micros?|millis?|s|sec|m|h|d|w)\w*"),
    "byte": _is_base64,
    "ipv4": _is_address(4),
    "ipv6": _is_address(6),
    "cidr": _is_address(0, network=True),
    "uri": _is_uri,
    "uuid": _matching(r"(?i)[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}"),
    "email": _matching(r"[^@\s]+@[^@\s]+"),
    "k8s-short-name": _matching(r"(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?"),
    "k8s-long-name": _matching(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"),
}
"""The formats that the API server looks at; it takes any text for others."""
