"""From what a target yields to the bytes of files."""

from __future__ import annotations

from collections.abc import Iterable

from mlwright.emit import json, yaml
from mlwright.record import dataclass
from mlwright.target import Document, TextFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """`files` maps paths below the environment's folder to bytes; `executable` are some of them."""

    files: dict[str, bytes]
    executable: frozenset[str]


class DuplicatePathError(RuntimeError):
    """A target yielded two files of one path: a bug of that target."""


def render(
    emitted: Iterable[tuple[str, Iterable[Document | TextFile]]], above: Iterable[Document | TextFile] = ()
) -> Rendered:
    """The files of several targets, each given with its name, and those `above` their folders. Raises
    DuplicatePathError."""
    files: dict[str, bytes] = {}
    executable: set[str] = set()
    for target, items in (*emitted, ("", above)):
        for item in items:
            path = f"{target}/{item.path}" if target else item.path
            if path in files:
                raise DuplicatePathError(f"two files are called {path}")
            files[path] = text(item).encode("utf-8")
            if isinstance(item, TextFile) and item.executable:
                executable.add(path)
    return Rendered(files=dict(sorted(files.items())), executable=frozenset(executable))


def text(item: Document | TextFile) -> str:
    """The text of one file: YAML or inert JSON by the path's ending, or the text as it is."""
    if isinstance(item, TextFile):
        return item.text
    if item.path.endswith(".json"):
        return json.inert(item.data)
    return yaml.write(item.data, item.header)
