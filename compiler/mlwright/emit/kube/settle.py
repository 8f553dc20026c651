"""Names that hold a digest of their object's content: put in after patches, wherever the object is referred to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from typing import Any

from mlwright.emit import json
from mlwright.emit.kube.names import DIGITS, HASH
from mlwright.emit.shared import KINDS
from mlwright.record import replace
from mlwright.regex import lazy
from mlwright.target import Document, TextFile

Emitted = list[tuple[str, list[Document | TextFile]]]
Marks = dict[Any, Any]
"""Where marked names are in a document: keys and positions to a name, or to the marks further inside."""

_CONTENT = "@content"
_MARKS = (HASH, _CONTENT)
_END = lazy(f'(?:{HASH}|{_CONTENT})"(?!:)')
"""The end of a value in canonical JSON that may be a marked name."""
_HOLDERS = (dict, list, tuple)


def content(kind: str, name: str) -> str:
    """Text in whose place the digest of an object goes: what holds it changes with that object."""
    return f"{kind}/{name}{_CONTENT}"


def settle(emitted: Sequence[tuple[str, Sequence[Document | TextFile]]]) -> Emitted:
    """The same files with every `NAME@hash` replaced by `NAME-` and ten hex digits over the object of that name, after
    what it refers to has got its own. A name that no object has stays; objects of one name share it, and the digest is
    over all of them. In the same way the text of `content` is replaced by the digest of the object that it names."""
    objects = [item for _, items in emitted for item in items if isinstance(item, Document)]
    texts = {id(item): json.canonical(item.data) for item in objects if _name(item).endswith(HASH)}
    if not texts:
        return [(target, list(items)) for target, items in emitted]
    marks = {id(item): _marks(item, texts.get(id(item), "")) for item in objects}
    waiting: dict[str, list[str]] = {}
    for item in objects:
        if id(item) in texts:
            waiting.setdefault(_name(item), []).append(texts[id(item)])
    if any(map(_asks, marks.values())):
        for item in objects:
            waiting[content(str(item.data.get("kind")), _name(item))] = [json.canonical(item.data)]
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


def _settle(name: str, waiting: Mapping[str, Sequence[str]], settled: dict[str, str]) -> None:
    """Put the final form of `name` into `settled`, and those of all names in its objects before. `waiting` has the
    canonical texts of the objects."""
    settled[name] = name  # what refers to itself keeps the mark while it is hashed
    filled = []
    for text in waiting[name]:
        pieces, done = [], 0
        for start, end in _names(text):
            inner = text[start:end]
            if inner in waiting and inner not in settled:
                _settle(inner, waiting, settled)
            pieces += [text[done:start], settled.get(inner, inner)]
            done = end
        filled.append("".join([*pieces, text[done:]]))
    digest = json.sha256(filled[0] if len(filled) == 1 else f"[{','.join(filled)}]")
    settled[name] = f"{name.removesuffix(HASH)}-{digest[:DIGITS]}" if name.endswith(HASH) else digest[:DIGITS]


def _names(text: str) -> Iterator[tuple[int, int]]:
    """Where marked names stand in canonical JSON. None has anything that JSON escapes, such as a quote."""
    for mark in _END.finditer(text):
        start = text.rindex('"', 0, mark.start())
        if text[start - 1] != "\\":
            yield start + 1, mark.end() - 1


def _marks(item: Document, text: str) -> Marks:
    """The marks in a document; `text` is its canonical text where its own name is one. Most documents hold none, and
    most of those with such a name nothing else."""
    if text and text.count(HASH) + text.count(_CONTENT) == 1:
        return {"metadata": {"name": _name(item)}}
    return _look(item.data)


def _look(value: Any) -> Marks:
    found: Marks = {}
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        kind = type(item)
        if kind is str or isinstance(item, str):
            if "@" in item and item.endswith(_MARKS):
                found[key] = item
        elif (kind is dict or kind is list or (kind not in KINDS and isinstance(item, _HOLDERS))) and (
            inside := _look(item)
        ):
            found[key] = inside
    return found


def _asks(marks: Marks) -> bool:
    """Whether a digest of another object is among the marks."""
    return any(_asks(mark) if isinstance(mark, dict) else mark.endswith(_CONTENT) for mark in marks.values())


def _filled(value: Any, marks: Marks, names: Mapping[str, str]) -> Any:
    """A copy with the names put in; what holds none is shared with `value`."""
    made = dict(value) if type(value) is dict else list(value) if isinstance(value, (list, tuple)) else copy(value)
    for key, mark in marks.items():
        made[key] = _filled(value[key], mark, names) if isinstance(mark, dict) else names.get(mark, mark)
    return made
