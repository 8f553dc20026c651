"""The files of a revision, read from git's objects."""

from __future__ import annotations

import os
import posixpath
from collections import deque
from collections.abc import Iterator

from mlwright.gitops.lfs import Store
from mlwright.gitops.objects import Entry, ObjectMissing, Objects
from mlwright.source.files import SKIPPED, Disk, FileMissing, NotAFile, Unreadable

_FOLDER, _LINK, _SUBMODULE = "40000", "120000", "160000"
_HOPS = 40
"""Links on the way to a file, as many as Linux follows."""


class _Outside(Exception):
    """A link leads out of the repository."""


class Revision:
    """The files of a commit, as a FileTree. Paths are relative to `root`, a folder below `top`, the repository's; a
    path that leads out of the repository is that of a file of this machine, which has no revisions. `name` is what
    people call the commit, and `notes` what there is to know about files that were asked for."""

    def __init__(self, objects: Objects, commit: str, *, name: str, top: str, root: str, store: Store) -> None:
        self._objects = objects
        self._commit = commit
        self._name = name
        self._top = top
        self._root = root
        self._store = store
        self.notes: dict[str, None] = {}

    def read(self, path: str) -> bytes:
        """The file's content; see FileTree."""
        entry = self._file(path)
        if entry is None:
            return Disk(self._root).read(path)
        try:
            data = self._store.resolve(self._objects.blob(entry.id))
        except ObjectMissing as problem:
            raise Unreadable(f"{problem} (revision {self._name}): a partial clone may have to fetch it") from problem
        if data is None:
            self._note(
                f"{path} at {self._name} is a Git LFS pointer, so it is missing there: run `git lfs fetch --all`"
            )
            raise FileMissing(path)
        return data

    def size(self, path: str) -> int:
        """The file's size in bytes; see FileTree."""
        entry = self._file(path)
        if entry is None:
            return Disk(self._root).size(path)
        try:
            return self._objects.size(entry.id)
        except ObjectMissing as problem:
            raise Unreadable(f"{problem} (revision {self._name}): a partial clone may have to fetch it") from problem

    def exists(self, path: str) -> bool:
        """See FileTree."""
        inside = self._inside(path)
        return Disk(self._root).exists(path) if inside is None else self._seen(inside) is not None

    def isdir(self, path: str) -> bool:
        """See FileTree. A submodule is a folder."""
        inside = self._inside(path)
        if inside is None:
            return Disk(self._root).isdir(path)
        entry = self._seen(inside)
        return entry is not None and entry.mode in (_FOLDER, _SUBMODULE)

    def files(self, folder: str) -> Iterator[str]:
        """See FileTree."""
        inside = self._inside(folder)
        if inside is None:
            yield from Disk(self._root).files(folder)
            return
        for name in sorted(self._names(self._seen(inside))):
            if not name.startswith("."):
                entry = self._seen(posixpath.join(inside, name))
                if entry is not None and entry.mode not in (_FOLDER, _SUBMODULE):
                    yield name

    def walk(self, folder: str, name: str = "") -> Iterator[str]:
        """See FileTree. Links to folders are not followed."""
        inside = self._inside(folder)
        if inside is None:
            yield from Disk(self._root).walk(folder, name)
            return
        start = posixpath.normpath(folder)
        found = list(self._below(self._seen(inside), "" if start == "." else f"{start}/", inside, name))
        yield from sorted(found)

    def id(self, path: str) -> str:
        """What identifies the content of the file; empty where there is none. Equal ids are equal contents."""
        inside = self._inside(path)
        entry = None if inside is None else self._seen(inside)
        return "" if entry is None else entry.id

    def _below(self, folder: Entry | None, prefix: str, inside: str, name: str) -> Iterator[str]:
        for item, entry in self._names(folder).items():
            if entry.mode == _FOLDER:
                if not item.startswith(".") and item not in SKIPPED:
                    yield from self._below(entry, f"{prefix}{item}/", posixpath.join(inside, item), name)
                continue
            wanted = item == name if name else not item.startswith(".")
            if entry.mode == _SUBMODULE or not wanted:
                continue
            if entry.mode == _LINK:
                there = self._seen(posixpath.join(inside, item))
                if there is not None and there.mode in (_FOLDER, _SUBMODULE):
                    continue
            yield f"{prefix}{item}"

    def _file(self, path: str) -> Entry | None:
        """The file's entry, None where the path leads out of the repository. Raises as `read` does."""
        inside = self._inside(path)
        if inside is None:
            self._note(f"{path} is outside of the repository: it is read as it is now for every revision")
            return None
        try:
            entry = self._find(inside, path)
        except _Outside as link:
            raise Unreadable(f"{link} is a link that leads out of the repository (revision {self._name})") from link
        except ObjectMissing as problem:
            raise Unreadable(str(problem)) from problem
        if entry is None:
            raise FileMissing(path)
        if entry.mode in (_FOLDER, _SUBMODULE):
            raise NotAFile(path)
        return entry

    def _inside(self, path: str) -> str | None:
        """The path from the top of the repository ("" is the top itself); None where it is outside."""
        full = os.path.normpath(os.path.join(self._root, path))
        for top in (self._top, os.path.realpath(self._top)):
            if full == top:
                return ""
            if full.startswith(top.rstrip(os.sep) + os.sep):
                return full[len(top.rstrip(os.sep)) + 1 :].replace(os.sep, "/")
        return None

    def _seen(self, inside: str) -> Entry | None:
        try:
            return self._find(inside, inside)
        except (_Outside, ObjectMissing):
            return None

    def _names(self, folder: Entry | None) -> dict[str, Entry]:
        if folder is None or folder.mode != _FOLDER:
            return {}
        try:
            return self._objects.tree(folder.id)
        except ObjectMissing:
            return {}

    def _find(self, inside: str, called: str) -> Entry | None:
        """The entry at a path, links followed; None where nothing is there, or links go round."""
        top = Entry(mode=_FOLDER, id=f"{self._commit}^{{tree}}")
        way = [top]
        left = deque(part for part in inside.split("/") if part)
        hops = 0
        passed: list[str] = []
        while left:
            part = left.popleft()
            if part in ("", "."):
                continue
            if part == "..":
                if len(way) == 1:
                    raise _Outside(called)
                way.pop()
                passed.pop()
                continue
            if way[-1].mode == _SUBMODULE:
                self._note(
                    f"{called} is in the submodule {'/'.join(passed)}, whose files are not part of {self._name}: "
                    "they are not compared"
                )
                return None
            if way[-1].mode != _FOLDER:
                return None
            entry = self._objects.tree(way[-1].id).get(part)
            if entry is None:
                return None
            if entry.mode != _LINK:
                way.append(entry)
                passed.append(part)
                continue
            hops += 1
            target = os.fsdecode(self._objects.blob(entry.id))
            if target.startswith("/"):
                raise _Outside(called)
            if hops > _HOPS:
                return None
            left.extendleft(reversed(target.split("/")))
        return way[-1]

    def _note(self, text: str) -> None:
        self.notes[text] = None
