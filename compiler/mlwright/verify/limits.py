"""What the API server refuses of single values: sizes, quantities, ports, environment entries."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from mlwright.diag import Diagnostic
from mlwright.emit import json
from mlwright.regex import lazy
from mlwright.span import Path
from mlwright.verify.finding import finding, shown
from mlwright.verify.manifest import Manifest, Place, Rule, is_open, of_value
from mlwright.verify.shape import mapping, mappings

_CONTENT = 1024 * 1024
_OBJECT = 1536 * 1024
_HOLDERS = frozenset({("resources",), ("podResources",), ("resourcesPerNode",)})
_QUANTITY = lazy(r"[+-]?(\d+\.?\d*|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?")
_UNITS = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_BINARY = {f"{letter}i": 1024.0**power for power, letter in enumerate("KMGTPE", 1)}
_VARIABLE = lazy(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_PORT_NAME = lazy(r"(?=.{1,15}$)(?=.*[a-z])(?!.*--)[a-z0-9]([-a-z0-9]*[a-z0-9])?")


def check(manifest: Manifest) -> Iterator[Diagnostic]:
    """VER012 too large, VER013 a quantity, VER014 a port, VER015 an environment entry."""
    yield from _size(manifest)
    for key, places in manifest.places.items():
        if look := _RULES.get(key):
            for place in places:
                yield from look(manifest, place)


def _size(manifest: Manifest) -> Iterator[Diagnostic]:
    if manifest.size < _CONTENT // 8 or manifest.outer is not None:
        return  # an estimate, and no character takes more than six once it is written
    if manifest.kind not in ("ConfigMap", "Secret"):
        size = len(json.canonical(manifest.data).encode("utf-8", "surrogatepass"))
        if size > _OBJECT:
            message = f"{manifest} takes {size} bytes, and Kubernetes stores {_OBJECT}"
            yield finding("VER012", manifest, manifest.at, message, "split what it is made of into several")
        return
    content = {**mapping(manifest.data.get("data")), **mapping(manifest.data.get("binaryData"))}
    taken = sum(len(key) + len(_text(value)) for key, value in content.items())
    if taken > _CONTENT:
        message = f"{manifest} holds {taken} bytes, and Kubernetes takes {_CONTENT}"
        yield finding(
            "VER012", manifest, (*manifest.at, "data"), message, "keep large files in storage or in the image"
        )


def _text(value: Any) -> bytes:
    return (value if isinstance(value, str) else json.inert(value)).encode("utf-8", "surrogatepass")


def _amounts(manifest: Manifest, place: Place) -> Iterator[Diagnostic]:
    """What a container asks for or is limited to."""
    if place.path[-2:-1] in _HOLDERS and isinstance(place.value, dict):
        for resource, value in place.value.items():
            yield from _quantity(manifest, (*place.path, resource), value)
        if place.path[-1] == "requests" and isinstance(limits := place.holder.get("limits"), dict):
            yield from _within(manifest, place, limits)


def _quota(manifest: Manifest, place: Place) -> Iterator[Diagnostic]:
    if manifest.kind == "ResourceQuota" and isinstance(place.value, dict):
        for resource, value in place.value.items():
            yield from _quantity(manifest, (*place.path, resource), value)


def _volume_size(manifest: Manifest, place: Place) -> Iterator[Diagnostic]:
    yield from _quantity(manifest, place.path, place.value)


def _quantity(manifest: Manifest, path: Path, value: Any) -> Iterator[Diagnostic]:
    if (isinstance(value, str) and is_open(value)) or amount(value) is not None:
        return
    message = f"`{value}` is no amount (`{shown(manifest, path)}` of {manifest})"
    yield finding("VER013", manifest, path, message, "write a number with a unit: `500m`, `2`, `1.5G`, `64Gi`")


def _within(manifest: Manifest, place: Place, limits: dict[str, Any]) -> Iterator[Diagnostic]:
    for resource, value in place.value.items():
        asked, allowed = amount(value), amount(limits.get(resource))
        if asked is not None and allowed is not None and asked > allowed * (1 + 1e-9):
            path = (*place.path, resource)
            message = f"{manifest} requests {value} of {resource} and is limited to {limits[resource]}"
            yield finding("VER013", manifest, path, message, "a request is at most the limit")


def amount(value: Any) -> float | None:
    """A Kubernetes quantity as a number; None for what is none."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    return _amount(value) if isinstance(value, str) else None


@lru_cache(maxsize=1024)
def _amount(value: str) -> float | None:
    if not (found := _QUANTITY.fullmatch(value)):
        return None
    unit = found[2] or ""
    if unit[:1] in ("e", "E") and len(unit) > 1:
        return float(value)
    return float(value.removesuffix(unit)) * {**_UNITS, **_BINARY}[unit]


def _port(manifest: Manifest, place: Place) -> Iterator[Diagnostic]:
    value = place.value
    if isinstance(value, int) and not isinstance(value, bool) and not 0 < value < 65536:
        message = f"`{value}` is no port (`{shown(manifest, place.path)}` of {manifest})"
        yield finding("VER014", manifest, place.path, message, "ports are 1 to 65535")


@of_value
def _port_names(manifest: Manifest, place: Place) -> Iterator[Diagnostic]:
    for position, entry in mappings(place.value):
        name = entry.get("name") if "containerPort" in entry else None
        if isinstance(name, str) and not _PORT_NAME.fullmatch(name):
            path: Path = (*place.path, position, "name")
            message = f"`{name}` is no name for a port (`{shown(manifest, path)}` of {manifest})"
            help = "at most 15 lower-case letters, digits and single `-`, with a letter among them"
            yield finding("VER014", manifest, path, message, help)


@of_value
def _environment(manifest: Manifest, place: Place) -> Iterator[Diagnostic]:
    for position, entry in mappings(place.value):
        name = entry.get("name")
        if not isinstance(name, str) or is_open(name):
            continue
        path: Path = (*place.path, position)
        if not _VARIABLE.fullmatch(name):
            message = f"`{name}` is no name for an environment variable ({manifest})"
            yield finding(
                "VER015", manifest, (*path, "name"), message, "letters, digits, `_`, `-`, `.`, no digit first"
            )
        elif not isinstance(entry.get("value", ""), str):
            message = f"the environment variable `{name}` of {manifest} is `{entry['value']}`, which is not text"
            yield finding("VER015", manifest, (*path, "value"), message, "put it into quotes")
        elif "value" in entry and "valueFrom" in entry and entry["value"]:
            message = f"the environment variable `{name}` of {manifest} has both `value` and `valueFrom`"
            yield finding("VER015", manifest, (*path, "valueFrom"), message, "remove one of them")


_RULES: dict[str, Rule] = {
    **dict.fromkeys(("port", "containerPort", "hostPort", "targetPort", "nodePort"), _port),
    **dict.fromkeys(("limits", "requests"), _amounts),
    "hard": _quota,
    "sizeLimit": _volume_size,
    "ports": _port_names,
    "env": _environment,
}
"""Key -> what is looked at in its value."""
KEYS = frozenset(_RULES)
