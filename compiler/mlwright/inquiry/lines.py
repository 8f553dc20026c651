"""Where a line came from: of an emitted file, or of a project file."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Sequence

from mlwright import build
from mlwright.api import SPEC, Result, only
from mlwright.emit import index as indexes
from mlwright.emit.map import pointer
from mlwright.inquiry.errors import BrokenProjectError, InquiryError
from mlwright.inquiry.fields import Answer, brief, built_of, fields, tried_at, understood
from mlwright.record import dataclass, replace
from mlwright.review import committed
from mlwright.review.provenance import Place, Provenance
from mlwright.source.files import Disk
from mlwright.source.load import load_file
from mlwright.source.tree import Map, Node, Seq
from mlwright.span import Path, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAnswer:
    """What is known of one line of an emitted file. `why` is the reason that a patch gives, `pins` are entries of the
    lock, `notes` what to know of the file; `answer` is about the place that the value came from."""

    file: str
    line: int
    environment: str
    place: Place | None
    why: str = ""
    pins: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    answer: Answer | None = None


def line(
    file: str, number: int, col: int | None = None, *, project: str | None = None, env: str | None = None
) -> LineAnswer | tuple[Answer, ...]:
    """What is known of one line: of an emitted file, or of a project file (or one that it extends), which is the place
    that stands there. Raises InquiryError and BrokenProjectError."""
    found = _output_of(file, project)
    if found is not None:
        spec, environment, folder, inside = found
        if env is not None and env != environment:
            raise InquiryError(f"{file} is of the environment {environment!r}, not of {env!r}")
        return _emitted_line(file, number, col, spec, environment, folder, inside)
    name, data = os.path.basename(file), _read(file)
    spec = file if name == SPEC or (b"MLProject" in data[:4096] and project is None) else ""
    beside = posixpath.join(posixpath.dirname(file), SPEC)
    if name != SPEC and os.path.exists(beside):
        spec = beside
    spec = project or spec
    if not spec:
        raise InquiryError(f"{file} is neither below a folder that mlwright wrote nor a project file")
    tree, bag = load_file(Disk("."), file)
    if tree is None or bag.failed:
        raise BrokenProjectError(Result(diagnostics=bag.ordered()))
    path = _stands(tree, data.decode("utf-8", "replace"), number, col)
    if not path:
        raise InquiryError(f"nothing of the project stands on {file}:{number}")
    if path[:1] == ("environments",) and len(path) >= 2:
        env = env or str(path[1])
    return fields(path, only(spec)[0] or spec, env)


def _read(file: str) -> bytes:
    try:
        with open(file, "rb") as stream:
            return stream.read()
    except OSError as error:
        raise InquiryError(f"cannot read {file}: {error.strerror or error}") from error


def _stands(tree: Node, text: str, line: int, col: int | None) -> Path:
    """The path of what stands at a place of a project file; () for blank lines and comments.

    Without a column the outermost key that begins on the line, and what is alone in it."""
    rows = text.split("\n")
    row = rows[line - 1].strip() if 1 <= line <= len(rows) else ""
    if not row or row.startswith(("#", "---")):
        return ()
    path: Path = ()
    begun = False
    while entries := list(_entries(tree)):
        here = [entry for entry in entries if entry[1].line == line]
        if begun and col is None:
            if len(here) != 1 or len(entries) != 1:
                return path
            chosen = here[0]
        elif here and col is None:
            chosen, begun = here[0], True
        else:
            before = [one for one in entries if (one[1].line, one[1].col) <= (line, col if col is not None else 1)]
            if not before or (before[-1][2].span.end_line < line and before[-1][1].line < line):
                return path
            chosen = before[-1]
        path, tree = (*path, chosen[0]), chosen[2]
    return path


def _entries(node: Node) -> Iterator[tuple[str | int, Span, Node]]:
    if isinstance(node, Map):
        for key, entry in node.entries.items():
            yield key, entry.key_span, entry.node
    elif isinstance(node, Seq):
        for index, item in enumerate(node.items):
            yield index, item.span, item


def _output_of(file: str, project: str | None) -> tuple[str, str, str, str] | None:
    """(project file, environment, output folder, path below it) of a file that mlwright wrote; None for any other."""
    here = os.path.abspath(file)
    folder = os.path.dirname(here)
    while True:
        inside = os.path.relpath(here, folder).replace(os.sep, "/")
        if os.path.isfile(os.path.join(folder, indexes.NAME)):
            try:
                index = indexes.parse(_read(os.path.join(folder, indexes.NAME)))
            except indexes.UnreadableIndexError:
                pass
            else:
                return _project_of(index, folder, project), index.environment, folder, inside
        above = os.path.dirname(folder)
        if os.path.basename(above) == build.MANIFESTS and os.path.isfile(os.path.join(above, "..", SPEC)):
            spec = os.path.relpath(os.path.join(above, "..", SPEC)).replace(os.sep, "/")
            return project or spec, os.path.basename(folder), folder, inside
        if above == folder:
            return None
        folder = above


def _project_of(index: indexes.Index, folder: str, project: str | None) -> str:
    """The project file that an output folder came from: from the index, which has the way from the project's folder."""
    if project is not None:
        spec, wrong = only(project)
        if wrong:
            raise InquiryError(wrong)
        return spec
    name = (
        SPEC if SPEC in index.inputs else next((one for one in index.inputs if one.endswith((".yaml", ".yml"))), SPEC)
    )
    base = folder
    for _ in index.folder.split("/"):
        base = os.path.dirname(base)
    here = os.getcwd()
    for place in (base, here, *_parents(here), *_parents(folder)):
        same = os.path.normpath(os.path.join(place, index.folder)) == folder
        if same and os.path.isfile(os.path.join(place, name)):
            return os.path.relpath(os.path.join(place, name)).replace(os.sep, "/")
    raise InquiryError(f"{folder} is not below its project: name that too, `mlwright explain FILE:LINE PROJECT`")


def _parents(folder: str) -> Sequence[str]:
    found = []
    while (above := os.path.dirname(folder)) != folder:
        folder = above
        found.append(folder)
    return found


def _emitted_line(
    file: str, number: int, col: int | None, spec: str, environment: str, folder: str, inside: str
) -> LineAnswer:
    analysis = understood(spec, environment).environments[0]
    built = built_of(analysis)
    if built is None:
        found = analysis.findings if not analysis.ready else ()
        raise BrokenProjectError(Result(diagnostics=found))
    provenance = Provenance(built, Disk("."))
    data = _read(file)
    total = data.count(b"\n") + (not data.endswith(b"\n"))
    if not 1 <= number <= total:
        raise InquiryError(f"{file} has {total} lines, and no line {number}")
    answer = LineAnswer(file=file, line=number, environment=environment, place=None)
    if inside == indexes.NAME:
        return replace(answer, notes=("this file lists what the folder was made from and what is in it",))
    if inside not in provenance.files:
        note = f"{spec} makes no such file now: `mlwright compile --env {environment}` removes it"
        return replace(answer, notes=(note,))
    if data == provenance.text(inside).encode("utf-8"):
        place = provenance.at(inside, number, col)
        return replace(_about(answer, place, provenance), place=place) if place else answer
    note = f"this file is not what {spec} compiles to now: `mlwright compile --env {environment}` writes it anew"
    path = committed.path_at(file, data, number)
    if path is None:
        known = provenance.at(inside, min(number, provenance.text(inside).count("\n")))
        return replace(_about(answer, known, provenance), notes=(note,)) if known else replace(answer, notes=(note,))
    place = provenance.find(inside, path)
    about = _about(answer, place, provenance)
    same = place.path == path
    how = f"what is said is of `{place.pointer or '.'}`, on line {place.line} of what is compiled now"
    gone = "" if same else f"`{pointer(path)}` is not there any more; "
    return replace(about, notes=(note, gone + how))


def _about(answer: LineAnswer, place: Place, provenance: Provenance) -> LineAnswer:
    analysis = provenance.built.analysis
    project = analysis.project
    assert project is not None
    why = next((patch.why for patch in project.patches if patch.name == place.patch), "")
    sure = False
    if place.near:
        differing = tried_at(place.spec, provenance)
        if differing is not None:
            paths = differing.get(place.file, [])
            sure = any(place.path[: len(path)] == path or path == (place.line,) for path in paths)
            if not sure:  # alike by accident
                place = replace(place, spec=place.origin.path if place.origin else (), near=False)
    told = replace(brief(place.spec, analysis), sure=sure) if place.spec else None
    return replace(answer, place=place, why=why, pins=provenance.pins(place), answer=told)
