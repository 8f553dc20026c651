"""Where inputs are read from: a folder on disk, a dictionary, or (elsewhere) a git revision."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator, Mapping
from typing import Protocol

SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages"})
"""Folders of what is installed, where nothing is looked for; nor is it in hidden ones."""


class FileMissing(Exception):
    """There is nothing at the path."""


class NotAFile(Exception):
    """There is a folder, a pipe or a device at the path."""


class Unreadable(Exception):
    """The file is there, but reading failed; the text says why."""


class FileTree(Protocol):
    """Read-only files below one root. Paths are POSIX and relative to the root; `..` may lead out."""

    def read(self, path: str) -> bytes:
        """The file's content. Raises FileMissing, NotAFile or Unreadable."""
        ...

    def size(self, path: str) -> int:
        """The file's size in bytes, without reading it. Raises as `read` does."""
        ...

    def exists(self, path: str) -> bool:
        """True for files and folders."""
        ...

    def isdir(self, path: str) -> bool:
        """True for folders."""
        ...

    def files(self, folder: str) -> Iterator[str]:
        """Names of the files directly in `folder`, sorted; hidden ones are left out. Nothing where it is no folder."""
        ...

    def walk(self, folder: str, name: str = "") -> Iterator[str]:
        """Paths of all files called `name` at or below `folder`, sorted; hidden and installed folders are left out.
        Without a name, all files that are not hidden."""
        ...


class Disk:
    """The files below a folder of this machine."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self._root = os.fspath(root)

    def read(self, path: str) -> bytes:
        """The file's content; see FileTree."""
        self.size(path)
        try:
            with open(self._full(path), "rb") as file:
                return file.read()
        except OSError as error:
            raise Unreadable(error.strerror or str(error)) from error

    def size(self, path: str) -> int:
        """The file's size in bytes; see FileTree."""
        try:
            found = os.stat(self._full(path))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise FileMissing(path) from error
        except (OSError, ValueError) as error:
            raise Unreadable(getattr(error, "strerror", None) or str(error)) from error
        if not stat.S_ISREG(found.st_mode):
            raise NotAFile(path)
        return found.st_size

    def exists(self, path: str) -> bool:
        """See FileTree."""
        return os.path.exists(self._full(path))

    def isdir(self, path: str) -> bool:
        """See FileTree."""
        return os.path.isdir(self._full(path))

    def files(self, folder: str) -> Iterator[str]:
        """See FileTree."""
        full = self._full(folder)
        if os.path.isdir(full):
            names = (name for name in os.listdir(full) if not name.startswith("."))
            yield from sorted(name for name in names if os.path.isfile(os.path.join(full, name)))

    def walk(self, folder: str, name: str = "") -> Iterator[str]:
        """See FileTree. Links to folders are not followed."""
        found = []
        for base, folders, files in os.walk(self._full(folder)):
            folders[:] = [item for item in folders if not item.startswith(".") and item not in SKIPPED]
            wanted = [name] if name in files else [] if name else [item for item in files if not item.startswith(".")]
            found += [os.path.relpath(os.path.join(base, item), self._root).replace(os.sep, "/") for item in wanted]
        yield from sorted(found)

    def _full(self, path: str) -> str:
        return os.path.normpath(os.path.join(self._root, path))


class Memory:
    """Files in a dictionary from path to content, for tests and generated projects."""

    def __init__(self, files: Mapping[str, bytes | str]) -> None:
        self._files = {
            posixpath.normpath(path): content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
            for path, content in files.items()
        }

    def read(self, path: str) -> bytes:
        """The file's content; see FileTree."""
        found = self._files.get(posixpath.normpath(path))
        if found is None:
            raise NotAFile(path) if self.isdir(path) else FileMissing(path)
        return found

    def size(self, path: str) -> int:
        """The file's size in bytes; see FileTree."""
        return len(self.read(path))

    def exists(self, path: str) -> bool:
        """See FileTree."""
        return posixpath.normpath(path) in self._files or self.isdir(path)

    def isdir(self, path: str) -> bool:
        """True where some file is below `path`."""
        folder = posixpath.normpath(path)
        return folder == "." or any(item.startswith(folder + "/") for item in self._files)

    def files(self, folder: str) -> Iterator[str]:
        """See FileTree."""
        start = posixpath.normpath(folder)
        for path in sorted(self._files):
            parent, name = posixpath.split(path)
            if (parent or ".") == start and not name.startswith("."):
                yield name

    def walk(self, folder: str, name: str = "") -> Iterator[str]:
        """See FileTree."""
        start = posixpath.normpath(folder)
        for path in sorted(self._files):
            below = path if start == "." else path.removeprefix(start + "/") if path.startswith(start + "/") else ""
            *folders, last = below.split("/")
            called = last == name if name else last and not last.startswith(".")
            if called and not any(item.startswith(".") or item in SKIPPED for item in folders):
                yield path
