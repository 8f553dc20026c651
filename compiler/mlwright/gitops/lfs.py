"""Git LFS: files of which the repository only has a pointer."""

from __future__ import annotations

import os
import re

from mlwright.source.files import Disk, FileMissing

_POINTER = re.compile(
    rb"version https://(?:git-lfs|hawser)\.github\.com/spec/[^\n]*\n(?:[^\n]*\n)*?oid sha256:([0-9a-f]{64})\n"
)
_SIZE = 1024


class Store:
    """The contents that `git lfs` has put below `folder` (`lfs/objects` of the repository's own folder)."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def resolve(self, data: bytes) -> bytes | None:
        """`data` itself, or the content that it points to; None where that is not here."""
        found = _POINTER.match(data) if len(data) <= _SIZE else None
        if found is None:
            return data
        oid = found[1].decode("ascii")
        try:
            with open(os.path.join(self._folder, oid[:2], oid[2:4], oid), "rb") as stream:
                return stream.read()
        except OSError:
            return None


class WorkingTree(Disk):
    """The files below `root` as they are now. One of which only the LFS pointer is here is missing; `notes` says so."""

    def __init__(self, root: str, store: Store) -> None:
        super().__init__(root)
        self._store = store
        self.notes: dict[str, None] = {}

    def read(self, path: str) -> bytes:
        """The file's content; see FileTree."""
        data = self._store.resolve(super().read(path))
        if data is None:
            self.notes[f"{path} is a Git LFS pointer, so it is missing here: run `git lfs pull`"] = None
            raise FileMissing(path)
        return data
