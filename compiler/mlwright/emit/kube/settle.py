"""Names that hold a digest of their object's content: put in after patches, wherever the object is referred to."""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

from mlwright.emit import json
from mlwright.emit.kube.names import DIGITS, HASH
from mlwright.record import replace
from mlwright.span import Path
from mlwright.target import Document, Embedded, TextFile

Emitted = list[tuple[str, list[Document | TextFile]]]
Marks = Sequence[tuple[Path, str]]
_Waiting = tuple[dict[str, Any], Marks]
"""An object whose name waits for its digest, and the marks in it."""

_CONTENT = "@content"
_MARKS = (HASH, _CONTENT)
_BYTES = tuple(mark.encode() for mark in _MARKS)
_HOLDERS = (dict, list, tuple)


def content(kind: str, name: str) -> str:
    """Text in whose place the digest of an object goes: what holds it changes with that object."""
    return f"{kind}/{name}{_CONTENT}"


def settle(emitted: Sequence[tuple[str, Sequence[Document | TextFile]]]) -> Emitted:
    """The same files with every `NAME@hash` replaced by `NAME-` and ten hex digits over the object of that name, after
    what it refers to has got its own. A name that no object has stays; objects of one name share it, and the digest is
    over all of them. In the same way the text of `content` is replaced by the digest of the object that it names."""
    objects = [item for _, items in emitted for item in items if isinstance(item, Document)]
    if not any(_name(item).endswith(HASH) for item in objects):
        return [(target, list(items)) for target, items in emitted]
    marks = {id(item): _marks(item.data) for item in objects}
    waiting: dict[str, list[_Waiting]] = {}
    for item in objects:
        if (name := _name(item)).endswith(HASH):
            waiting.setdefault(name, []).append((item.data, marks[id(item)]))
    if any(mark.endswith(_CONTENT) for found in marks.values() for _, mark in found):
        waiting |= {
            content(str(item.data.get("kind")), _name(item)): [(item.data, marks[id(item)])] for item in objects
        }
    settled: dict[str, str] = {}
    for name in [name for name in waiting if name.endswith(HASH)]:
        _settle(name, waiting, settled)
    return [
        (
            target,
            [
                replace(item, data=_filled(item.data, marks[id(item)], settled))
                if isinstance(item, Document) and marks[id(item)]
                else item
                for item in items
            ],
        )
        for target, items in emitted
    ]


def _name(document: Document) -> str:
    found = document.data.get("metadata")
    return str(found.get("name", "")) if isinstance(found, dict) else ""


def _settle(name: str, waiting: Mapping[str, Sequence[_Waiting]], settled: dict[str, str]) -> None:
    """Put the final form of `name` into `settled`, and those of all names in its objects before."""
    settled[name] = name  # what refers to itself keeps the mark while it is hashed
    for inner in [inner for _, marks in waiting[name] for _, inner in marks]:
        if inner in waiting and inner not in settled:
            _settle(inner, waiting, settled)
    filled = [_filled(data, marks, settled) for data, marks in waiting[name]]
    digest = json.digest(filled if len(filled) > 1 else filled[0])
    settled[name] = f"{name.removesuffix(HASH)}-{digest[:DIGITS]}" if name.endswith(HASH) else digest[:DIGITS]


def _marks(data: dict[str, Any]) -> Marks:
    """The places in a document that hold a marked name, and the name. Most documents hold none."""
    found: list[tuple[Path, str]] = []
    if not _is_free(data):
        _look(data, (), found)
    return found


def _look(value: Any, path: Path, found: list[tuple[Path, str]]) -> None:
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        kind = type(item)
        if kind is str or isinstance(item, str):
            if "@" in item and item.endswith(_MARKS):
                found.append(((*path, key), item))
        elif item and isinstance(item, _HOLDERS) and not (kind is Embedded and _is_free(dict(item))):
            _look(item, (*path, key), found)


def _is_free(data: dict[str, Any]) -> bool:
    """Whether there is no mark for sure: as bytes, what is made of nothing but plain types is searched at once."""
    try:
        text = marshal.dumps(data)
    except ValueError:
        return False
    return b"@" not in text or not any(mark in text for mark in _BYTES)


def _filled(data: dict[str, Any], marks: Marks, names: Mapping[str, str]) -> dict[str, Any]:
    """A copy with the names put in; what holds none is shared with `data`."""
    made = copy(data)
    copied: dict[Path, Any] = {(): made}
    for path, name in marks:
        if name not in names:
            continue
        for length in range(1, len(path)):
            if path[:length] not in copied:
                inside = copied[path[: length - 1]]
                old = inside[path[length - 1]]
                inside[path[length - 1]] = copied[path[:length]] = (
                    dict(old) if type(old) is dict else list(old) if isinstance(old, (list, tuple)) else copy(old)
                )
        copied[path[:-1]][path[-1]] = names[name]
    return made
