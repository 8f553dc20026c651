"""What git is merging right now, and the files of the result before git has made it.

While git asks a merge driver about one file, neither its index nor the working tree have the result: the revisions that
are merged have to be found, and every other file is merged here in the same way, when it is asked for.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from mlwright.gitops import git
from mlwright.gitops.repository import Repository
from mlwright.gitops.tree import Revision
from mlwright.record import dataclass
from mlwright.source.files import FileMissing

_COMMIT = re.compile(r"(parent of )?([0-9a-f]{7,64})\b")
_TODO = re.compile(r"^(pick|reword|edit|squash|fixup|revert|p|r|e|s|f) (?:-[cC] )?([0-9a-f]{7,64})\b")
_RECENT = 100
"""Commits that are looked at where git does not say which one it picks."""


class InConflict(Exception):
    """The file, whose path is the text, has a real conflict: both sides changed it in the same place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The commits of a merge: what came from where `theirs` left `base` is done to `ours`."""

    base: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What git asks a driver: the path from the top of the repository, the contents of the three sides, and what git
    calls these (nothing before git 2.44)."""

    path: str
    base: bytes
    ours: bytes
    theirs: bytes
    labels: tuple[str, ...] = ()


def sides(repository: Repository, question: Question, environ: Mapping[str, str]) -> Sides | None:
    """The commits that are merged, known by the contents of the file that git asks about; None where they cannot be
    told: a stash, several bases, or two commits that did the same."""
    ours = git.ask(repository.top, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if not ours:
        return None

    def fits(found: Sides) -> bool:
        pairs = (found.base, question.base), (found.ours, question.ours), (found.theirs, question.theirs)
        return all(_is_content(repository, commit, question.path, data) for commit, data in pairs)

    for base, theirs in _told(repository.top, question, environ, ours):
        made = Sides(base=base, ours=ours, theirs=theirs)
        if base and theirs and fits(made):
            return made
    words = ("log", "--all", "--no-merges", "--format=%P %H", f"--max-count={_RECENT}", "--", question.path)
    lines = [line.split() for line in git.ask(repository.top, *words).splitlines()]
    pairs = [pair for line in lines if len(line) == 2 for pair in (line, line[::-1])]  # a pick, or a revert
    fitting = [one for base, theirs in pairs if fits(one := Sides(base=base, ours=ours, theirs=theirs))]
    return fitting[0] if len(fitting) == 1 else None


def _is_content(repository: Repository, commit: str, path: str, data: bytes) -> bool:
    found = repository.revision(commit, commit, repository.top).id(path)
    return found == blob_id(data, len(commit)) or (not found and not data)


def blob_id(data: bytes, digits: int) -> str:
    """What git calls the content, in a repository whose ids have so many digits."""
    made = hashlib.sha1(usedforsecurity=False) if digits == 40 else hashlib.sha256()
    made.update(b"blob %d\0" % len(data))
    made.update(data)
    return made.hexdigest()


def _told(top: str, question: Question, environ: Mapping[str, str], ours: str) -> Iterator[tuple[str, str]]:
    """(base, theirs) of what git says in one way or another."""

    def commit(name: str) -> str:
        return git.ask(top, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")

    heads = [name.removeprefix("GITHEAD_") for name in environ if name.startswith("GITHEAD_")]
    for theirs in filter(None, [*map(commit, heads), commit("MERGE_HEAD")]):
        bases = git.ask(top, "merge-base", "--all", ours, theirs).split()
        if len(bases) == 1:
            yield bases[0], theirs
    for label in question.labels:
        if found := _COMMIT.match(label):
            before, after = commit(f"{found[2]}^"), commit(found[2])
            yield (after, before) if found[1] else (before, after)
    for file, last in (("rebase-merge/done", True), ("sequencer/todo", False)):
        if step := _TODO.match(_line(top, file, last)):
            before, after = commit(f"{step[2]}^"), commit(step[2])
            yield (after, before) if step[1] == "revert" else (before, after)
    for name in ("CHERRY_PICK_HEAD", "REBASE_HEAD"):
        yield commit(f"{name}^"), commit(name)
    yield commit("REVERT_HEAD"), commit("REVERT_HEAD^")


def _line(top: str, name: str, last: bool) -> str:
    """The first or last line of a file of git's own that says something."""
    path = Path(top, git.ask(top, "rev-parse", "--git-path", name))
    try:
        lines = [line for line in path.read_text(errors="replace").splitlines() if line and not line.startswith("#")]
    except OSError:
        return ""
    return lines[-1 if last else 0] if lines else ""


class Merged:
    """The files of the result, as a FileTree with the root of the three revisions. A file that both sides changed is
    merged as git does it; where that leaves a conflict, InConflict is raised."""

    def __init__(self, repository: Repository, found: Sides) -> None:
        self._top = repository.top
        self._base, self._ours, self._theirs = (
            repository.revision(commit, commit[:10], repository.top)
            for commit in (found.base, found.ours, found.theirs)
        )

    def read(self, path: str) -> bytes:
        """The file's content; see FileTree."""
        side = self._side(path)
        if side is not None:
            return side.read(path)
        if self.isdir(path):
            return self._ours.read(path)
        if not (self._ours.exists(path) and self._theirs.exists(path)):
            raise InConflict(path)
        base = self._base.read(path) if self._base.exists(path) else b""
        data, clean = text_merge(self._top, base, self._ours.read(path), self._theirs.read(path))
        if not clean:
            raise InConflict(path)
        return data

    def size(self, path: str) -> int:
        """The file's size in bytes; see FileTree."""
        return len(self.read(path))

    def exists(self, path: str) -> bool:
        """See FileTree."""
        side = self._side(path)
        if side is not None:
            return side.exists(path)
        if not self.isdir(path) and not (self._ours.exists(path) and self._theirs.exists(path)):
            raise InConflict(path)
        return True

    def isdir(self, path: str) -> bool:
        """See FileTree."""
        side = self._side(path)
        return side.isdir(path) if side is not None else self._ours.isdir(path) or self._theirs.isdir(path)

    def files(self, folder: str) -> Iterator[str]:
        """See FileTree."""
        names = {*self._ours.files(folder), *self._theirs.files(folder)}
        yield from (name for name in sorted(names) if self.exists(posixpath.join(folder, name)))

    def walk(self, folder: str, name: str = "") -> Iterator[str]:
        """See FileTree."""
        yield from filter(self.exists, sorted({*self._ours.walk(folder, name), *self._theirs.walk(folder, name)}))

    def settled(self, path: str) -> str | None:
        """What git calls the content that a file gets without anybody being asked, "" where there will be none; None
        where both sides changed it."""
        side = self._side(path)
        return None if side is None else side.id(path)

    def either(self, path: str) -> Iterator[bytes]:
        """The file as it is on our side and on theirs, where it is there."""
        for side in (self._ours, self._theirs):
            try:
                yield side.read(path)
            except FileMissing:
                continue

    def _side(self, path: str) -> Revision | None:
        base, ours, theirs = (side.id(path) for side in (self._base, self._ours, self._theirs))
        if theirs in (ours, base):
            return self._ours
        return self._theirs if ours == base else None


def text_merge(
    top: str, base: bytes, ours: bytes, theirs: bytes, labels: Iterable[str] = ("ours", "base", "theirs")
) -> tuple[bytes, bool]:
    """The three texts merged line by line, with marks where that is a conflict; and whether it is none. Texts that
    cannot be merged so are ours, and a conflict."""
    with tempfile.TemporaryDirectory() as folder:
        names = [os.path.join(folder, name) for name in ("ours", "base", "theirs")]
        for name, data in zip(names, (ours, base, theirs), strict=True):
            Path(name).write_bytes(data)
        words = [word for label in labels for word in ("-L", label)]
        done = git.attempt(top, "merge-file", "-p", "-q", *words, *names)
    if done.returncode > 127:
        return ours, False
    return done.stdout, done.returncode == 0
