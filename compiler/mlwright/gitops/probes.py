"""Whether another revision would answer the same: what was asked of a file tree, asked again of another one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mlwright.source.files import FileMissing, FileTree, NotAFile, Unreadable


class Probed:
    """A file tree that remembers everything that was asked of it, and the answers."""

    def __init__(self, files: FileTree) -> None:
        self._files = files
        self._answers: dict[tuple[str, ...], Any] = {}

    @property
    def inputs(self) -> list[str]:
        """The paths of the files that were read, in the order of reading."""
        return [words[1] for words, answer in self._answers.items() if words[0] == "read" and answer.__class__ is bytes]

    def holds(self, other: FileTree) -> bool:
        """Whether `other` gives the same answers: whoever asked would have come to the same."""
        return all(_asked(other, words) == answer for words, answer in self._answers.items())

    def read(self, path: str) -> bytes:
        """See FileTree."""
        data: bytes = self._ask("read", path)
        return data

    def size(self, path: str) -> int:
        """See FileTree."""
        size: int = self._ask("size", path)
        return size

    def exists(self, path: str) -> bool:
        """See FileTree."""
        return bool(self._ask("exists", path))

    def isdir(self, path: str) -> bool:
        """See FileTree."""
        return bool(self._ask("isdir", path))

    def files(self, folder: str) -> Iterator[str]:
        """See FileTree."""
        yield from self._ask("files", folder)

    def walk(self, folder: str, name: str = "") -> Iterator[str]:
        """See FileTree."""
        yield from self._ask("walk", folder, name)

    def _ask(self, *words: str) -> Any:
        if words not in self._answers:
            self._answers[words] = _asked(self._files, words)
        answer = self._answers[words]
        if isinstance(answer, _Refusal):
            raise answer.kind(answer.text)
        return answer


class _Refusal:
    """An error as an answer: equal where its kind is."""

    def __init__(self, kind: type[Exception], text: str) -> None:
        self.kind = kind
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Refusal) and self.kind is other.kind

    def __hash__(self) -> int:
        return hash(self.kind)


def _asked(files: FileTree, words: tuple[str, ...]) -> Any:
    method: Callable[..., Any] = getattr(files, words[0])
    try:
        answer = method(*words[1:])
        return tuple(answer) if words[0] in ("files", "walk") else answer
    except (FileMissing, NotAFile, Unreadable) as refusal:
        return _Refusal(type(refusal), str(refusal))
