"""Files that are added as they are: read, held to what every target asks of them, and handed to the one they join."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from mlwright.diag import Bag, Diagnostic, Label
from mlwright.ir import AddedObjects
from mlwright.regex import lazy
from mlwright.source.files import FileTree
from mlwright.source.load import load_file
from mlwright.source.secrets_text import names_secret, shape
from mlwright.source.tree import Map, Node, Scalar, locate, plain
from mlwright.span import Path
from mlwright.target import AddedFile

ENDINGS = (".yaml", ".yml")
_ASSIGNMENT = lazy(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)


def read(objects: Iterable[AddedObjects], files: FileTree, folder: str) -> tuple[tuple[AddedFile, ...], Bag]:
    """The files of `objects`, by entry and name, and what is wrong with them: PATCH010 nothing to add, PATCH011 (a
    note) a file that is left out, PATCH015 a secret, and the findings of reading YAML. `folder` is the spec's."""
    found: list[AddedFile] = []
    bag = Bag()
    for entry in objects:
        paths = list(_paths(entry, files, folder, bag))
        for path in paths:
            full = posixpath.normpath(posixpath.join(folder, path))
            tree, problems = load_file(files, full, Label(path=(*entry.origin.path, "path")))
            bag.extend(problems)
            if not isinstance(tree, Map):
                continue
            find = locate(tree)
            bag.extend(Bag(_secrets(tree, entry.target == "compose")).located(find))
            data = plain(tree)
            assert isinstance(data, dict)
            found.append(AddedFile(objects=entry.name, path=path, data=data, origin=entry.origin, find=find))
    return tuple(found), bag


def _paths(entry: AddedObjects, files: FileTree, folder: str, bag: Bag) -> Iterator[str]:
    """The entry's YAML files, relative to the spec's folder."""
    at = Label(path=(*entry.origin.path, "path"))
    full = posixpath.normpath(posixpath.join(folder, entry.path))
    if not files.isdir(full):
        if entry.path.endswith(ENDINGS):
            yield posixpath.normpath(entry.path)
        else:
            bag.add(_nothing(entry, at, f"`{entry.path}` is not a YAML file"))
        return
    names = list(files.files(full))
    kept = [name for name in names if name.endswith(ENDINGS)]
    if not kept:
        bag.add(_nothing(entry, at, f"there is no YAML file in `{entry.path}`"))
    for name in names if kept else ():
        path = posixpath.normpath(posixpath.join(entry.path, name))
        if name in kept:
            yield path
        else:
            message = f"`{path}` is not added: it is not a YAML file"
            bag.add(Diagnostic(code="PATCH011", message=message, at=at, severity="note"))


def _nothing(entry: AddedObjects, at: Label, message: str) -> Diagnostic:
    return Diagnostic(
        code="PATCH010",
        message=message,
        at=at,
        help=f"name a file that ends in .yaml or .yml, or a folder with such files, or remove `{entry.name}`",
    )


def _secrets(tree: Map, compose: bool) -> Iterator[Diagnostic]:
    instead = "write `${NAME}` and put the value into .env" if compose else "declare it under `secrets` and refer to it"
    for path, name, text in _texts(tree, (), ""):
        if text.startswith("$") and not text.startswith("$$"):
            continue
        if shape(text) or names_secret(name, text):
            yield Diagnostic(
                code="PATCH015",
                message=f"`{name}` holds a secret, which would be written into the output",
                at=Label(path=path, on="key" if isinstance(path[-1], str) else "value", text="keep secrets out of git"),
                help=f"{instead}; take this one back, it is known now",
            )


def _texts(node: Node, path: Path, name: str) -> Iterator[tuple[Path, str, str]]:
    """(path, the name that a text is given to, text); `NAME=text` in a list is such a pair too."""
    if isinstance(node, Map):
        for key, entry in node.entries.items():
            yield from _texts(entry.node, (*path, key), key)
    elif not isinstance(node, Scalar):
        for index, item in enumerate(node.items):
            yield from _texts(item, (*path, index), name)
    elif isinstance(node.value, str):
        pair = _ASSIGNMENT.fullmatch(node.value) if path and isinstance(path[-1], int) else None
        yield (path, pair[1], pair[2]) if pair else (path, name, node.value)
