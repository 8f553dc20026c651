"""Which projects a change of some files can affect, by what their indexes say that they were made from."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from mlwright.emit import index as indexes
from mlwright.review.staleness import quick
from mlwright.source.files import Disk
from mlwright.source.projects import SPEC, projects

_KIND = re.compile(rb"^kind:\s*[\"']?MLProject\b", re.MULTILINE)


def select(paths: Sequence[str]) -> list[str] | str:
    """The project files that the paths mean, or why they mean none. A path of another file, as pre-commit gives them,
    stands for the projects that it is part of: none is no mistake."""
    named = [path for path in paths if os.path.isdir(path) or posixpath.basename(path.replace(os.sep, "/")) == SPEC]
    others = [posixpath.normpath(path.replace(os.sep, "/")) for path in paths if path not in named]
    found = projects(named) if named or not paths else []
    if isinstance(found, str):
        return found
    if gone := [path for path in others if not os.path.exists(path)]:
        return f"there is no {gone[0]}"
    if others:
        everything = list(Disk(".").walk(".", SPEC))
        alone = [path for path in others if _is_project(path) and not any(affected(everything, [path]))]
        found += [*alone, *affected(everything, set(others).difference(alone))]
    return list(dict.fromkeys(found))


def since(paths: Sequence[str], revision: str) -> list[str] | str:
    """Those of the projects at the paths that what changed since this left `revision` can affect, a project that is
    gone and has left its output there among them; or why this cannot be said."""
    from mlwright.gitops.git import GitError
    from mlwright.gitops.repository import Repository

    folder = next((path if os.path.isdir(path) else os.path.dirname(path) or "." for path in paths), ".")
    try:
        with Repository(folder if os.path.isdir(folder) else ".") as repository:
            changed = repository.changed(repository.compare(revision).since)
            up = os.path.relpath(repository.top, ".").replace(os.sep, "/")
    except GitError as problem:
        return str(problem)
    given = [posixpath.normpath(posixpath.join(up, path)) for path in changed]
    found = select(paths or ["."])
    if isinstance(found, str):
        return found
    left = [path for path in given if posixpath.basename(path) == SPEC and _is_left(path, paths)]
    return [*affected(found, given), *left]


def _is_left(spec: str, paths: Sequence[str]) -> bool:
    """Whether a project file is gone, and its output is not."""
    inside = not paths or any(_any_below(posixpath.normpath(path), {spec}) or path == spec for path in paths)
    place = posixpath.join(posixpath.dirname(spec), quick.MANIFESTS)
    return inside and not os.path.exists(spec) and bool(quick.folders(place))


def affected(specs: Iterable[str], paths: Collection[str], output: str | None = None) -> Iterator[str]:
    """Those of the projects that a change of the files at `paths`, all from the working directory, can affect."""
    given = set(paths)
    for spec in specs:
        if spec in given or _is_touched(spec, given, output):
            yield spec


def _is_touched(spec: str, given: set[str], output: str | None) -> bool:
    base = posixpath.dirname(spec)
    place = output if output is not None else posixpath.join(base, quick.MANIFESTS)
    if _any_below(place, given):
        return True
    names = quick.folders(place)
    for name in names:
        try:
            with open(f"{place}/{name}/{indexes.NAME}", "rb") as stream:
                inputs = indexes.parse(stream.read()).inputs
        except (OSError, indexes.UnreadableIndexError):
            return True
        for path, state in inputs.items():
            full = posixpath.normpath(posixpath.join(base, path))
            folder = full.removesuffix(indexes.BELOW).removesuffix(indexes.HERE)
            if full in given or ((full != folder or state == indexes.FOLDER) and _any_below(folder, given)):
                return True
    return not names and _any_below(base, given)


def _any_below(folder: str, given: set[str]) -> bool:
    return folder in ("", ".") or any(path.startswith(f"{folder}/") for path in given)


def _is_project(path: str) -> bool:
    if not path.endswith((".yaml", ".yml")):
        return False
    try:
        with open(path, "rb") as stream:
            return bool(_KIND.search(stream.read(1 << 20)))
    except OSError:
        return False
