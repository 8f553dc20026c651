"""Committed output whose difference between two revisions is not what the project's change means."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

import yaml

from mlwright import __version__
from mlwright.build import Emitted
from mlwright.emit import files as rendering
from mlwright.emit.index import (
    ABSENT,
    BELOW,
    FILE,
    FOLDER,
    HERE,
    NAME,
    Index,
    UnreadableIndexError,
    listing,
    parse,
    sha256,
)
from mlwright.emit.json import canonical
from mlwright.emit.kube import kustomize
from mlwright.record import dataclass
from mlwright.review.fields import Difference, Neutral, differences
from mlwright.review.model import Beyond, FieldChange
from mlwright.source.files import FileMissing, FileTree, NotAFile, Unreadable
from mlwright.target import ListKeys

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NOTHING = Neutral(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The output of one environment in one revision. `committed` and `made` give the content of a file, as it is in
    the repository and as this compiler makes it; None where there is none. `index` says what was committed, `current`
    that this came from the inputs of the revision, `compiler` that this very compiler made it."""

    committed: Callable[[str], bytes | None]
    made: Callable[[str], bytes | None]
    index: Index
    current: bool
    compiler: bool


def beyond(
    files: Iterable[str], base: Side | None, head: Side, *, called: str, list_keys: Callable[[str], ListKeys]
) -> Iterator[Beyond]:
    """Those of `files`, paths below the output folder, that change in the repository in another way than the project
    means, or should change and do not. Without `base` nothing was committed there. `called` begins their names."""
    for file in files:
        now, wanted = head.committed(file), head.made(file)
        if base is None:
            if now != wanted and (file in head.index.files or now is None):
                yield Beyond(file=called + file, why=_why(head, file, now))
            continue
        before, meant = base.committed(file), base.made(file)
        if (now == wanted and before == meant) or (before == now and meant == wanted):
            continue
        if file not in base.index.files and file not in head.index.files and wanted is None:
            continue  # somebody else's
        applied = _fields(file, before, now, list_keys)
        expected = _fields(file, meant, wanted, list_keys)
        if applied.keys() == expected.keys():
            continue
        fields = [item for key, item in applied.items() if key not in expected] or list(expected.values())
        why = _why(head, file, now) if now != wanted else _why(base, file, before)
        yield Beyond(file=called + file, why=why, fields=tuple(map(_shown, fields)))


def side(files: FileTree, beside: str, folder: str, emitted: Emitted) -> Side | None:
    """What `files` have of the output in `folder`, and what this compiler makes of it (`emitted`); None where nothing
    is committed there. `beside` is the folder of the project."""

    def committed(path: str) -> bytes | None:
        try:
            return files.read(f"{folder}/{path}")
        except (FileMissing, NotAFile, Unreadable):
            return None

    try:
        index = parse(committed(NAME) or b"")
    except UnreadableIndexError:
        return None
    items = {item.path: item for item in kustomize.environment(emitted)}
    items |= {f"{target}/{item.path}": item for target, found in emitted for item in found}
    current = all(_state(files, posixpath.join(beside, path), was) == was for path, was in index.inputs.items())
    return Side(
        committed=committed,
        made=lambda path: rendering.text(items[path]).encode() if path in items else None,
        index=index,
        current=current,
        compiler=index.compiler == __version__,
    )


def _state(files: FileTree, path: str, was: str) -> str:
    """What an input is, said in the way that its index said it."""
    place = posixpath.normpath(path)
    if path.endswith(BELOW):
        top = posixpath.normpath(path.removesuffix(BELOW))
        return listing(posixpath.relpath(item, top) for item in files.walk(top))
    if path.endswith(HERE):
        return listing(files.files(path.removesuffix(HERE)))
    if files.isdir(place):
        return FOLDER
    if was in (ABSENT, FILE, FOLDER):
        return FILE if files.exists(place) else ABSENT
    try:
        return sha256(files.read(place))
    except (FileMissing, NotAFile, Unreadable):
        return ABSENT


def _why(side: Side, file: str, data: bytes | None) -> Literal["hand", "compiler", "stale"]:
    listed = side.index.files.get(file)
    edited = listed is not None and (data is None or sha256(data) != listed)
    if edited or (side.current and side.compiler):
        return "hand"
    return "compiler" if side.current else "stale"


def _fields(
    file: str, old: bytes | None, new: bytes | None, list_keys: Callable[[str], ListKeys]
) -> dict[str, Difference]:
    """What differs between two contents of a file, by what it is."""
    keys = list_keys(file.partition("/")[0])
    found: dict[str, Difference] = {}
    for one in differences(_value(file, old), _value(file, new), keys, (), _NOTHING):
        found[canonical([list(one.path), one.before, one.after, one.added, one.removed])] = one
    return found


def _value(file: str, data: bytes | None) -> Any:
    """The content by its meaning, where it has one."""
    if data is None:
        return None
    text = data.decode("utf-8", "replace")
    try:
        if file.endswith((".yaml", ".yml")):
            return yaml.load(text, _LOADER)
        return json.loads(text) if file.endswith(".json") else text
    except (yaml.YAMLError, ValueError, RecursionError):
        return text


def _shown(one: Difference) -> FieldChange:
    return FieldChange(path=one.path, before=one.before, after=one.after, added=one.added, removed=one.removed)
