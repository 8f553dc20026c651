"""What each file of an output is: the table, as a pure function of what is there, what is listed and what is made."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set
from typing import Literal

from mlwright.emit import index as indexes
from mlwright.emit.index import Index
from mlwright.record import dataclass, replace

State = Literal[
    "stale", "hand-edited", "orphan", "missing", "foreign", "compiler-changed",
    "in-the-way", "conflict", "line-ends", "not-executable", "unexplained",
]  # fmt: skip
"""`in-the-way` is a foreign file where one of ours must go. `unexplained` is a file that agrees with its index, made
by this compiler from these inputs, which make another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file that is there: its digest, and that of the same text with line ends as they are written. `data` is None
    where it is a link or something else that is no file."""

    data: bytes | None
    runs: bool = True

    @property
    def sha(self) -> str:
        return "" if self.data is None else indexes.sha256(self.data)

    @property
    def unixed(self) -> str:
        """The digest with `\\n` for `\\r\\n`."""
        return "" if self.data is None else indexes.sha256(self.data.replace(b"\r\n", b"\n"))

    @property
    def conflicts(self) -> bool:
        """Whether git left both sides of a conflict in it."""
        return self.data is not None and indexes.in_conflict(self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that is not what it should be, by its path below the output folder. `edited` is True where nothing else
    has its content: it would be lost."""

    path: str
    state: State
    edited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """What the project compiles to now: the files, those to run, and the index's text."""

    files: Mapping[str, bytes]
    executable: Collection[str] = ()
    index: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the table goes by beside the files: `stale` where an input changed, `aged` where another version of the
    compiler made the output, `turned` where inputs differ by nothing but line ends, `merging` where the index has both
    sides of a merge in it."""

    stale: bool = False
    aged: bool = False
    turned: bool = False
    merging: bool = False


def classify(present: Mapping[str, Found], index: Index | None, fresh: Fresh | None, terms: Terms) -> tuple[File, ...]:
    """All files that are not current, by path. `index` is None where it cannot be read, `fresh` where the project does
    not compile."""
    listed = {} if index is None else index.files
    terms = replace(terms, stale=terms.stale or (index is not None and index.partial))
    paths = {*present, *listed, *(() if fresh is None else fresh.files)} - {indexes.NAME}
    found: list[File] = []
    for path in sorted(paths):
        there = present.get(path)
        if fresh is None:
            state, edited = _unmade(there, listed.get(path), terms)
        elif path in fresh.files:
            state, edited = _made(there, listed.get(path), fresh.files[path], terms)
            if not state and there is not None and path in fresh.executable and not there.runs:
                state = "not-executable"
        else:
            state, edited = _gone(there, listed.get(path), terms)
        if state:
            found.append(File(path=path, state=state, edited=edited))
    own = _of_index(present.get(indexes.NAME), index, fresh, {item.state for item in found}, terms)
    return (*found, *((File(path=indexes.NAME, state=own),) if own else ()))


Verdict = tuple[State | Literal[""], bool]
"""The state of a file, "" where it is current, and whether its content is nowhere else."""


def _made(there: Found | None, listed: str | None, made: bytes, terms: Terms) -> Verdict:
    """A file that the project makes."""
    if there is None:
        return "missing", False
    if there.data == made:
        return "", False
    if terms.merging or there.conflicts:
        return "conflict", False
    if there.unixed in (listed, indexes.sha256(made)):
        return ("line-ends", False) if there.sha != listed else _outdated(terms)
    if listed is None:
        return "in-the-way", True
    return ("hand-edited", True) if there.sha != listed else _outdated(terms)


def _outdated(terms: Terms) -> Verdict:
    if terms.stale or terms.aged:
        return ("stale" if terms.stale else "compiler-changed"), False
    return "unexplained", True


def _gone(there: Found | None, listed: str | None, terms: Terms) -> Verdict:
    """A file that nothing makes."""
    if there is None:
        return "", False
    if listed is None:
        return "foreign", False
    return "orphan", not terms.merging and not there.conflicts and listed not in (there.sha, there.unixed)


def _unmade(there: Found | None, listed: str | None, terms: Terms) -> Verdict:
    """A file of a project that does not compile."""
    if there is None:
        return "missing", False
    if listed is None:
        return "foreign", False
    if there.conflicts or terms.merging:
        return ("conflict" if there.conflicts else ""), False
    if there.sha != listed:
        return ("line-ends", False) if there.unixed == listed else ("hand-edited", True)
    return ("stale" if terms.stale else ""), False


def _of_index(
    there: Found | None, index: Index | None, fresh: Fresh | None, others: Set[State], terms: Terms
) -> State | Literal[""]:
    """The state of the index itself, which no index lists."""
    if there is None or fresh is None or there.data == fresh.index:
        return ""
    if terms.merging or there.conflicts:
        return "conflict"
    text = indexes.sha256(b"" if index is None else index.text().encode("utf-8"))
    if there.sha != text:
        return "line-ends" if there.unixed == text else "hand-edited"
    if terms.stale:
        return "stale"
    if terms.aged or terms.turned or others - {"foreign", "not-executable"}:
        return ""  # said of the files
    return "hand-edited"
