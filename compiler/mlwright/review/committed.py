"""A line of a committed file that differs from what is compiled now: which value of the document it is about."""

from __future__ import annotations

import json as standard

from mlwright.emit import json
from mlwright.source.load import load
from mlwright.source.tree import Map, Node, Scalar, Seq
from mlwright.span import Path


def path_at(name: str, data: bytes, line: int) -> Path | None:
    """The path of the innermost value that begins on `line` or last before it; None where the file is no document."""
    tree, bag = load(data, name)
    if tree is None or bag.failed or not isinstance(tree, (Map, Seq)):
        return None
    lines: dict[Path, int] = {}
    _lines(tree, (), lines)
    best: Path = ()
    start = 0
    for path, begins in lines.items():
        if start <= begins <= line:
            best, start = path, begins
    return best


def _lines(node: Node, path: Path, found: dict[Path, int]) -> None:
    if isinstance(node, Map):
        for key, entry in node.entries.items():
            found[(*path, key)] = entry.key_span.line
            _lines(entry.node, (*path, key), found)
    elif isinstance(node, Seq):
        for index, item in enumerate(node.items):
            found[(*path, index)] = item.span.line
            _lines(item, (*path, index), found)
    else:
        _embedded(node, path, found)


def _embedded(node: Scalar, path: Path, found: dict[Path, int]) -> None:
    """A JSON document as a block of text, written as `emit.json.inert` writes it."""
    if node.style != "|" or not node.text.startswith("{"):
        return
    try:
        value = standard.loads(node.text)
    except ValueError:
        return
    for inner, line in json.lines(value).items():
        found[(*path, *inner)] = node.span.line + line
