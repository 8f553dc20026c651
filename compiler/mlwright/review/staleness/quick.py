"""Whether outputs are what their indexes say, by digests alone. Nothing is compiled, and nothing heavy is imported.

An index that was edited together with its files passes: who must know renders anew.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256

from mlwright import __version__
from mlwright.emit import index as indexes
from mlwright.emit.index import Index
from mlwright.source.files import Disk

MANIFESTS = "manifests"
_BLOCK = 1 << 16
_KEPT = 2000
"""Contents that are remembered: those of the shipped programs are the same in every output, and quicker to compare than
to digest."""
_MANY = 100
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


def is_current(spec: str, *, env: str | None = None, output: str | None = None) -> bool:
    """True where each output folder of the project holds what its index lists and nothing else, was made by this
    compiler, and all inputs are as they were. False means no more than that a closer look is needed."""
    base = posixpath.dirname(spec) or "."
    place = output if output is not None else f"{base}/{MANIFESTS}"
    found = folders(place)
    names = found if env is None else [name for name in found if name == env]
    seen: dict[str, str] = {}
    for name in names:
        index = _index(f"{place}/{name}")
        if index is None or index.environment != name or index.compiler != __version__ or index.partial:
            return False
        if env is None and list(index.environments) != found:
            return False
        if not is_whole(f"{place}/{name}", index) or changed(base, index.inputs, seen):
            return False
    return bool(names)


def all_current(specs: Sequence[str], *, env: str | None = None, output: str | None = None) -> bool:
    """`is_current` of all of several projects; a second process takes its share of many."""
    look = partial(is_current, env=env, output=output)
    if len(specs) < _MANY:
        return all(map(look, specs))
    from mlwright.apart import each

    return all(each(look, specs))


def folders(place: str) -> list[str]:
    """The names of the folders in `place` that have an index."""
    try:
        names = sorted(os.listdir(place))
    except OSError:
        return []
    return [name for name in names if os.path.lexists(f"{place}/{name}/{indexes.NAME}")]


def is_whole(folder: str, index: Index) -> bool:
    """Whether `folder` holds the files of the index as they were written, and nothing else."""
    try:
        if present(folder) != {*index.files, indexes.NAME}:
            return False
        runs = all(os.name == "nt" or os.stat(f"{folder}/{path}").st_mode & stat.S_IXUSR for path in index.executable)
        return runs and all(_holds(f"{folder}/{path}", sha) for path, sha in index.files.items())
    except OSError:
        return False


def present(folder: str) -> set[str]:
    """The paths of everything below `folder` but folders; links are not followed. Raises OSError."""
    found: set[str] = set()
    start = len(folder) + 1
    todo = [folder]
    while todo:
        with os.scandir(todo.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    todo.append(entry.path)
                else:
                    found.add(entry.path[start:])
    return found if os.sep == "/" else {path.replace(os.sep, "/") for path in found}


def changed(base: str, inputs: Mapping[str, str], seen: dict[str, str] | None = None) -> list[str]:
    """The inputs that are not what they were; `base` is the spec's folder, `seen` what was found before."""
    known = {} if seen is None else seen
    return [path for path, state in inputs.items() if (known.get(path) or _now(base, path, state, known)) != state]


def _now(base: str, path: str, was: str, known: dict[str, str]) -> str:
    known[path] = now = state(base, path, was)
    return now


def state(base: str, path: str, was: str) -> str:
    """What an input is now, said in the way that its index said it."""
    full = f"{base}/{path}"
    if path.endswith(indexes.BELOW) or path == indexes.BELOW[1:]:
        top = posixpath.normpath(full.removesuffix(indexes.BELOW))
        return indexes.listing(os.path.relpath(item, top).replace(os.sep, "/") for item in Disk(".").walk(top))
    if path.endswith(indexes.HERE) or path == indexes.HERE[1:]:
        return indexes.listing(Disk(".").files(full.removesuffix(indexes.HERE)))
    if os.path.isdir(full):
        return indexes.FOLDER
    if was in (indexes.ABSENT, indexes.FILE, indexes.FOLDER):
        return indexes.FILE if os.path.exists(full) else indexes.ABSENT
    try:
        return digest(full)
    except OSError:
        return indexes.ABSENT


def digest(path: str) -> str:
    """The sha256 of a file, in hex. Raises OSError."""
    return sha256(b"".join(_blocks(path, 0))).hexdigest()


_known: dict[str, bytes] = {}


def _holds(path: str, sha: str) -> bool:
    """Whether a file that is no link has the digest. Raises OSError."""
    data = b"".join(_blocks(path, _NO_LINK))
    if _known.get(sha) == data:
        return True
    same = sha256(data).hexdigest() == sha
    if same and len(_known) < _KEPT:
        _known[sha] = data
    return same


def _blocks(path: str, flags: int) -> list[bytes]:
    handle = os.open(path, _READ | flags)
    try:
        found = [os.read(handle, _BLOCK)]
        while len(found[-1]) == _BLOCK:
            found.append(os.read(handle, _BLOCK))
        return found
    finally:
        os.close(handle)


def _index(folder: str) -> Index | None:
    try:
        with open(f"{folder}/{indexes.NAME}", "rb") as stream:
            data = stream.read()
        index = indexes.parse(data)
    except (OSError, indexes.UnreadableIndexError):
        return None
    return index if index.text().encode("utf-8") == data else None
