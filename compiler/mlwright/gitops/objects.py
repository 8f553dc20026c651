"""Git's objects, read through one `git cat-file --batch` that answers until it is closed."""

from __future__ import annotations

import os
import subprocess
from types import TracebackType
from typing import IO

from mlwright.gitops import git
from mlwright.record import dataclass

LARGEST = 64 * 1024 * 1024
"""Bytes of an object that are kept; of a larger one only the size is known. Nothing that is compiled is that large."""


class ObjectMissing(Exception):
    """The repository does not have the object, which happens in partial clones and damaged ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a name in a folder stands for: `mode` as git has it (`40000` folder, `120000` link, `160000` submodule)."""

    mode: str
    id: str


class Objects:
    """The objects of one repository. To be closed, or used with `with`."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._blobs: dict[str, tuple[int, bytes]] = {}
        self._trees: dict[str, dict[str, Entry]] = {}

    def __enter__(self) -> Objects:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End git's process."""
        if self._process is not None:
            self._process.communicate()
            self._process = None

    def blob(self, id: str) -> bytes:
        """The content of a file. Raises ObjectMissing, also where it is too large to be kept."""
        size, data = self._blob(id)
        if size > LARGEST:
            raise ObjectMissing(f"it has {size} bytes")
        return data

    def size(self, id: str) -> int:
        """The size of a file's content in bytes. Raises ObjectMissing."""
        return self._blob(id)[0]

    def tree(self, id: str) -> dict[str, Entry]:
        """What is in a folder, by name. `id` may be an expression such as `COMMIT^{tree}`. Raises ObjectMissing."""
        found = self._trees.get(id)
        if found is None:
            oid, size, data = self._ask(id)
            if size > LARGEST:
                raise ObjectMissing(f"the folder has {size} bytes of names")
            found = self._trees[id] = _entries(data, len(oid) // 2)
        return found

    def _blob(self, id: str) -> tuple[int, bytes]:
        found = self._blobs.get(id)
        if found is None:
            _, size, data = self._ask(id)
            found = self._blobs[id] = (size, data)
        return found

    def _ask(self, expression: str) -> tuple[str, int, bytes]:
        """(object id, size, content), without content where there is too much of it."""
        writing, reading = self._streams()
        try:
            writing.write(f"{expression}\n".encode())
            writing.flush()
            answer = reading.readline().decode("ascii", "replace").split()
        except BrokenPipeError:
            answer = []
        if len(answer) != 3 or not answer[2].isdigit():
            raise ObjectMissing(f"git has no object {expression}")
        size = int(answer[2])
        if size <= LARGEST:
            data = reading.read(size)
        else:
            data, left = b"", size
            while left:
                left -= len(reading.read(min(left, LARGEST))) or left
        reading.read(1)
        return answer[0], size, data

    def _streams(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._process is None:
            words = git.command(self._folder, "cat-file", "--batch")
            pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
            try:
                self._process = subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=nowhere, env=git.environment())
            except FileNotFoundError:
                raise git.missing() from None
        assert self._process.stdin is not None and self._process.stdout is not None
        return self._process.stdin, self._process.stdout


def _entries(data: bytes, width: int) -> dict[str, Entry]:
    """A tree object as git stores it: `MODE NAME`, a zero byte and `width` bytes of object id, again and again."""
    found: dict[str, Entry] = {}
    at = 0
    while at < len(data):
        space, zero = data.index(b" ", at), data.index(b"\0", at)
        end = zero + 1 + width
        entry = Entry(mode=data[at:space].decode("ascii"), id=data[zero + 1 : end].hex())
        found[os.fsdecode(data[space + 1 : zero])] = entry
        at = end
    return found
