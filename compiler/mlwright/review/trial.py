"""What would change if a value were another: the surest way to tell which lines it decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlwright.emit import files as rendering
from mlwright.regex import lazy
from mlwright.source.tree import Json, Map, Node, Plain, Scalar, Seq, at, plain
from mlwright.span import Path
from mlwright.target import Document, TextFile

Emitted = Sequence[tuple[str, Sequence[Document | TextFile]]]
_DIGEST = lazy(r"(?<![0-9a-f])[0-9a-f]{10,64}(?![0-9a-f])")
_NUMBER = lazy(r"\d+")


def others(tree: Node, path: Path, choices: Sequence[str] = ()) -> Iterator[Plain]:
    """Changes to lay over an environment's tree, each of which gives the scalar at `path` another value, the likeliest
    to be sound first. `choices` are the words that the field takes. Nothing for what is no scalar."""
    node = at(tree, path)
    if isinstance(node, Scalar) and node.value is not None:
        yield from (laid(tree, path, value) for value in _values(node.value, choices))


def _values(value: Json, choices: Sequence[str]) -> Iterator[Json]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, value - 1, value * 2)
    elif isinstance(value, float):
        yield from (value * 1.25, value * 0.75) if value else (0.5, 0.01)
    elif isinstance(value, str):
        yield from (word for word in choices if word != value)
        if "${" in value:
            return
        if found := list(_NUMBER.finditer(value)):
            last = found[-1]
            yield f"{value[: last.start()]}{int(last[0]) + 1}{value[last.end() :]}"
        yield from (f"{value}x", f"x{value}")


def laid(tree: Node, path: Path, value: Json) -> Plain:
    """The mapping that gives the value at `path` when it is laid over `tree`; a list is repeated with the one entry
    changed."""
    for depth, part in enumerate(path):
        node = at(tree, path[:depth])
        if isinstance(part, int) and isinstance(node, Seq):
            whole = plain(node)
            _put(whole, path[depth:], value)
            return _nested(path[:depth], whole)
    return _nested(path, value)


def _nested(path: Path, value: Json) -> Plain:
    made: Any = value
    for part in reversed(path):
        made = {str(part): made}
    return made  # type: ignore[no-any-return]


def _put(holder: Any, path: Path, value: Json) -> None:
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = value


def scalars(tree: Node, path: Path, most: int) -> list[Path]:
    """The paths of the scalars at and below `path`, `most` of them."""
    found: list[Path] = []
    _scalars(at(tree, path), path, most, found)
    return found


def _scalars(node: Node | None, path: Path, most: int, found: list[Path]) -> None:
    if len(found) >= most or node is None:
        return
    if isinstance(node, Scalar):
        found.append(path)
    elif isinstance(node, Map):
        for key, entry in node.entries.items():
            if not key.startswith("x-"):
                _scalars(entry.node, (*path, key), most, found)
    else:
        for index, item in enumerate(node.items):
            _scalars(item, (*path, index), most, found)


def differing(before: Emitted, after: Emitted, *, joined: bool = True) -> dict[str, list[Path]]:
    """File to the paths in `before` that are other in `after`, or gone; for a text file the number of each line. What
    differs only in a digest of something else does not count, nor, without `joined`, what something only joins."""
    known = {f"{target}/{item.path}": item for target, items in after for item in items}
    found: dict[str, list[Path]] = {}
    for target, items in before:
        for item in items:
            file = f"{target}/{item.path}"
            other = known.get(file)
            paths: list[Path] = []
            if type(other) is not type(item):
                paths.append(())
            elif isinstance(item, Document) and isinstance(other, Document):
                if item.data is not other.data:
                    _differ(item.data, other.data, (), paths, joined)
            elif isinstance(item, TextFile) and isinstance(other, TextFile) and item.text != other.text:
                paths += _lines(rendering.text(item), rendering.text(other))
            if paths:
                found[file] = paths
    return found


def _differ(one: Any, other: Any, path: Path, found: list[Path], joined: bool) -> None:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        gone = [key for key in one if key not in other]
        for key in one:
            if key not in other:
                found.append((*path, key))
            else:
                _differ(one[key], other[key], (*path, key), found, joined)
        if joined and not gone and len(other) > len(one) and not found:
            found.append(path)
    elif isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        if len(one) != len(other):
            if joined or any(item not in other for item in one):
                found.append(path)
            return
        for index, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            _differ(mine, theirs, (*path, index), found, joined)
    elif one != other and not (isinstance(one, str) and isinstance(other, str) and _same(one, other)):
        found.append(path)


def _same(one: str, other: str) -> bool:
    return _DIGEST.sub("", one) == _DIGEST.sub("", other)


def _lines(one: str, other: str) -> Iterator[Path]:
    from difflib import SequenceMatcher

    mine, theirs = one.splitlines(), other.splitlines()
    for kind, start, end, begin, stop in SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes():
        if kind in ("replace", "delete") and not _same("\n".join(mine[start:end]), "\n".join(theirs[begin:stop])):
            yield from ((number + 1,) for number in range(start, end))
