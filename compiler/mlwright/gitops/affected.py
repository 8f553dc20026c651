"""Which projects of a folder a change can affect: the others need not be compiled."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator

from mlwright.source.files import FileMissing, FileTree, NotAFile, Unreadable

_LEAVES = re.compile(rb"\.\.|\.ya?ml\b|\$\{")
_WORD = re.compile(r"[^\s\"',\[\]{}]+")
_VALUE = re.compile(r"^[ \t]*(?:- +)?(?:[\w.-]+:[ \t]+)?[\"']?([^\"'\n#]+)", re.MULTILINE)
_DEEPEST = 32


def affected(specs: Iterable[str], changed: Collection[str], trees: Collection[FileTree]) -> Iterator[str]:
    """Those of `specs` that a change of the paths `changed` can affect: something below the project's folder, or what
    its file, or one that this extends, leads to. A path is found as text, so that a project too many is named where
    the text is no path, and none too few. `trees` are both revisions; all paths are from their root."""
    if not changed:
        return
    around = {above for path in changed for above in upwards(path)}
    for spec in specs:
        folder = posixpath.dirname(spec) or "."
        if folder in around or any(_leads(tree, spec, folder, around, {}, 0) for tree in trees):
            yield spec


def upwards(path: str) -> Iterator[str]:
    """A path and all folders that it is in."""
    yield path
    while path not in ("", "/", ".", ".."):
        path = posixpath.dirname(path)
        yield path or "."


def _leads(tree: FileTree, file: str, folder: str, around: Collection[str], seen: dict[str, None], depth: int) -> bool:
    """Whether something that is written in `file` is a path to what has changed, from its folder or from `folder`,
    that of the project."""
    seen[file] = None
    try:
        data = tree.read(file)
    except (FileMissing, NotAFile, Unreadable):
        return False
    if not _LEAVES.search(data):
        return False
    beside = posixpath.dirname(file) or "."
    for written, whole in _paths(os.fsdecode(data)):
        for start in {folder, beside} if whole else {folder}:
            path = posixpath.normpath(posixpath.join(start, written))
            if path in around and path not in (".", folder):
                return True
            another = path.endswith((".yaml", ".yml")) and path not in seen and depth < _DEEPEST
            if another and _leads(tree, path, folder, around, seen, depth + 1):
                return True
    return False


def _paths(text: str) -> Iterator[tuple[str, bool]]:
    """What may be a path in a text; of one with a reference in it the folder before that, which is not the whole."""
    found = dict.fromkeys([*_WORD.findall(text), *(value.strip() for value in _VALUE.findall(text))])
    for written in found:
        if "$" in written:
            yield posixpath.dirname(written.partition("$")[0]), False
        elif "/" in written or "." in written:
            yield written, True
