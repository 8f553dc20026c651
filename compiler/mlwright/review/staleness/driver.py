"""The merge driver: a file of the output that both sides changed becomes what the merged project compiles to.

git asks about one file at a time, before it has written any other one. So the project is merged here, in memory, and
compiled from that. Where it has a conflict of its own, the output stays in conflict too. The index of an output is only
settled where all its other files come out right; else it stays in conflict, and with it the merge.
"""

from __future__ import annotations

import contextlib
import json
import os
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mlwright import __version__
from mlwright.emit import index as indexes
from mlwright.emit.index import Index
from mlwright.gitops import git
from mlwright.gitops.merges import InConflict, Merged, Question, Sides, blob_id, sides, text_merge
from mlwright.gitops.repository import Repository
from mlwright.record import dataclass
from mlwright.source.files import FileMissing, NotAFile, Unreadable
from mlwright.source.projects import SPEC

_CACHE = "mlwright/merge.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the file becomes. `clean` is False where it stays in conflict, and `why` says why and what to do; it is ""
    where the file is not ours to say anything of."""

    data: bytes
    clean: bool
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """An output folder from the top of the repository, its index on either side, and its project file."""

    folder: str
    spec: str
    index: Index


def answer(folder: str, question: Question, environ: Mapping[str, str]) -> Answer:
    """What becomes of one file. `folder` is in the repository, `environ` what git has told. Raises GitError."""
    with Repository(folder) as repository:
        found = sides(repository, question, environ)
        if found is None:
            left = _left(repository.top, question)
            return Answer(data=left.data, clean=False, why=f"git does not say what is merged: {_LATER}")
        merged = Merged(repository, found)
        place = _place(merged, question.path)
        if place is None:
            return _left(repository.top, question, clean=True)
        files, names, why = _files(repository.top, found, merged, place)
        name = posixpath.relpath(question.path, place.folder)
        if not why and name not in files:
            why = f"the merged project does not make it any more: {_LATER}"
        if not why and name == indexes.NAME:
            why = _others(merged, place, files, len(found.ours)) or _beside(merged, place, names)
        if not why:
            return Answer(data=files[name], clean=True)
        left = _left(repository.top, question)
        return Answer(data=left.data, clean=False, why=why)


_LATER = "once the project is merged, `mlwright check --fix` writes the output anew; then `git add` it"


def _left(top: str, question: Question, *, clean: bool = False) -> Answer:
    """What git itself would have made of the file; a conflict at any rate, unless that may be `clean`."""
    data, merges = text_merge(top, question.base, question.ours, question.theirs)
    return Answer(data=data, clean=clean and merges)


def _place(merged: Merged, path: str) -> _Place | None:
    """The output that a file is part of; None where it is of none, or of one whose project is not to be found."""
    folder = posixpath.dirname(path)
    while folder:
        for index in _parsed(merged, folder):
            if f"/{folder}".endswith(f"/{index.folder}") and SPEC in index.inputs:
                beside = folder.removesuffix(index.folder).rstrip("/")
                return _Place(folder=folder, spec=posixpath.join(beside, SPEC), index=index)
        folder = posixpath.dirname(folder)
    return None


def _files(top: str, found: Sides, merged: Merged, place: _Place) -> tuple[Mapping[str, bytes], Sequence[str], str]:
    """The files of an output of the merged project, its index among them, and the names of all environments, or why
    there are none. git asks about one
    file after the other: what was made for the first one is kept in git's folder for the next."""
    cache = Path(top, git.ask(top, "rev-parse", "--git-path", _CACHE))
    key = [__version__, found.base, found.ours, found.theirs]
    try:
        kept = json.loads(cache.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        kept = None
    if not isinstance(kept, dict) or kept.get("key") != key:
        kept = {"key": key, "outputs": {}}
    if place.folder not in kept["outputs"]:
        files, names, why = _made(merged, place)
        kept["outputs"][place.folder] = {
            "files": {name: data.decode("utf-8") for name, data in files.items()},
            "names": list(names),
            "why": why,
        }
        with contextlib.suppress(OSError):
            cache.parent.mkdir(exist_ok=True)
            cache.write_text(json.dumps(kept), encoding="utf-8")
    output = kept["outputs"][place.folder]
    return {name: text.encode("utf-8") for name, text in output["files"].items()}, output["names"], output["why"]


def _made(merged: Merged, place: _Place) -> tuple[Mapping[str, bytes], Sequence[str], str]:
    from mlwright import build as building
    from mlwright import registry
    from mlwright.analysis import analyse

    name = place.index.environment
    installed = registry.installed()
    try:
        outcome = analyse(merged, place.spec, installed, envs=(name,))
        (analysis,) = outcome.environments or (None,)
        findings = [*outcome.findings, *(analysis.findings if analysis is not None else ())]
        if outcome.usage_error or analysis is None or not analysis.ready:
            return {}, (), _refused(place.spec, outcome.usage_error, findings)
        built = building.build(analysis, installed, folder=place.index.folder, files=merged)
        if not built.ready:
            return {}, (), _refused(place.spec, "", built.findings)
    except InConflict as conflict:
        return {}, (), f"{conflict} has a conflict of its own: resolve that one; {_LATER}"
    index = building.index_of(built, outcome.names, built.files)
    return {**built.files, indexes.NAME: index.text().encode("utf-8")}, outcome.names, ""


def _refused(spec: str, usage: str, findings: object) -> str:
    from mlwright.diag import Diagnostic

    assert isinstance(findings, (list, tuple))
    errors = [item for item in findings if isinstance(item, Diagnostic) and item.severity == "error"]
    said = usage or (f"{errors[0].code}: {errors[0].message}" if errors else "nothing is made of it")
    return f"{spec} does not compile as it is merged ({said}): mend it; {_LATER}"


def _others(merged: Merged, place: _Place, files: Mapping[str, bytes], digits: int) -> str:
    """Why the index cannot be settled: a file that git does not ask about does not come out as the project makes it."""
    listed = {path for index in _parsed(merged, place.folder) for path in index.files}
    wrong = []
    for name in sorted({*files, *listed} - {indexes.NAME}):
        settled = merged.settled(f"{place.folder}/{name}")
        if settled is None and name in files and len(list(merged.either(f"{place.folder}/{name}"))) == 2:
            continue  # both sides changed it: the driver is asked, and answers
        if settled != (blob_id(files[name], digits) if name in files else ""):
            wrong.append(name)
    if not wrong:
        return ""
    more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    return f"{place.folder}/{wrong[0]}{more} is on neither side what the merged project makes: {_LATER}"


def _beside(merged: Merged, place: _Place, names: Sequence[str]) -> str:
    """Why the index of this output cannot be settled: that of another environment, which git does not ask about, was
    made from something else than the merged project."""
    for name in names:
        folder = posixpath.join(posixpath.dirname(place.folder), name)
        settled = merged.settled(f"{folder}/{indexes.NAME}")
        if name == place.index.environment or not settled:
            continue
        index = next(iter(_parsed(merged, folder)), None)
        if index is None or list(index.environments) != sorted(names) or not _holds(merged, place.spec, index):
            return f"{folder} is on neither side what the merged project makes: {_LATER}"
    return ""


def _holds(merged: Merged, spec: str, index: Index) -> bool:
    """Whether the inputs of an index are what they are in the merged project."""
    from mlwright.analysis import Recording

    seen = Recording(merged)
    beside = posixpath.dirname(spec)
    try:
        for path, state in index.inputs.items():
            full = posixpath.normpath(posixpath.join(beside, path))
            if full.endswith(indexes.BELOW):
                seen.walk(full.removesuffix(indexes.BELOW))
            elif full.endswith(indexes.HERE):
                seen.files(full.removesuffix(indexes.HERE))
            elif state in (indexes.ABSENT, indexes.FILE, indexes.FOLDER):
                seen.exists(full)
            else:
                seen.read(full)
            if seen.inputs.get(full) != state:
                return False
    except (InConflict, FileMissing, NotAFile, Unreadable):
        return False
    return True


def _parsed(merged: Merged, folder: str) -> Iterator[Index]:
    """The indexes of an output on our side and on theirs."""
    for data in merged.either(f"{folder}/{indexes.NAME}"):
        with contextlib.suppress(indexes.UnreadableIndexError):
            yield indexes.parse(data)


def attributes(text: str, *, remove: bool = False) -> str:
    """The text of .gitattributes with our lines, or without. Lines that say another thing of the driver are the
    user's, and stay."""
    lines = text.splitlines(keepends=True)
    if remove:
        return "".join(line for line in lines if line.strip() not in LINES)
    if any("merge=mlwright" in line.split() for line in lines):
        return text
    end = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{end}" + "".join(f"{line}\n" for line in LINES)


LINES = (
    "# `mlwright merge-driver install`: output is not edited, and written anew where it conflicts",
    "**/manifests/** -text merge=mlwright linguist-generated",
)


def environment() -> Mapping[str, str]:
    """What git tells a driver."""
    return {name: text for name, text in os.environ.items() if name.startswith("GITHEAD_")}
