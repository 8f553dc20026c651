"""Names that hold a digest of their object's content: put in after patches, wherever the object is referred to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

from mlwright.emit import json
from mlwright.emit.kube.names import DIGITS, HASH
from mlwright.target import Document, TextFile

Emitted = list[tuple[str, list[Document | TextFile]]]

_CONTENT = "@content"
_MARKS = (HASH, _CONTENT)


def content(kind: str, name: str) -> str:
    """Text in whose place the digest of an object goes: what holds it changes with that object."""
    return f"{kind}/{name}{_CONTENT}"


def settle(emitted: Sequence[tuple[str, Sequence[Document | TextFile]]]) -> Emitted:
    """The same files with every `NAME@hash` replaced by `NAME-` and ten hex digits over the object of that name, after
    what it refers to has got its own. A name that no object has stays; objects of one name share it. In the same way
    the text of `content` is replaced by the digest of the object that it names."""
    objects = [item for _, items in emitted for item in items if isinstance(item, Document)]
    waiting = {name: item.data for item in objects if (name := _name(item)).endswith(HASH)}
    if not waiting:
        return [(target, list(items)) for target, items in emitted]
    waiting |= {content(str(item.data.get("kind")), _name(item)): item.data for item in objects}
    settled: dict[str, str] = {}
    for name in [name for name in waiting if name.endswith(HASH)]:
        _settle(name, waiting, settled)
    return [
        (
            target,
            [replace(item, data=_filled(item.data, settled)) if isinstance(item, Document) else item for item in items],
        )
        for target, items in emitted
    ]


def _name(document: Document) -> str:
    found = document.data.get("metadata")
    return str(found.get("name", "")) if isinstance(found, dict) else ""


def _settle(name: str, waiting: Mapping[str, dict[str, Any]], settled: dict[str, str]) -> None:
    """Put the final form of `name` into `settled`, and those of all names in its object before."""
    settled[name] = name  # what refers to itself keeps the mark while it is hashed
    for inner in _marked(waiting[name]):
        if inner in waiting and inner not in settled:
            _settle(inner, waiting, settled)
    digest = json.digest(_filled(waiting[name], settled))
    settled[name] = f"{name.removesuffix(HASH)}-{digest[:DIGITS]}" if name.endswith(HASH) else digest[:DIGITS]


def _marked(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if value.endswith(_MARKS) else []
    below = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return [name for item in below for name in _marked(item)]


def _filled(value: Any, names: Mapping[str, str]) -> Any:
    """`value` with the names put in; the very same where it has none."""
    if isinstance(value, str):
        return names.get(value, value) if value.endswith(_MARKS) else value
    if isinstance(value, dict):
        made = None
        for key, item in value.items():
            if (new := _filled(item, names)) is not item:
                made = copy(value) if made is None else made
                made[key] = new
        return value if made is None else made
    if isinstance(value, (list, tuple)):
        items = [_filled(item, names) for item in value]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    return value
