"""The report: every field that the spec sets, and how far each target expresses it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from mlwright.emit.capabilities import Nodes, Row, owner, rows
from mlwright.emit.map import pointer
from mlwright.emit.patch import Change
from mlwright.ir import Json, Patch
from mlwright.source.tree import Map, Node
from mlwright.span import Path, dotted
from mlwright.target import Capability

VERSION = 1


def build(
    environment: str,
    tree: Node,
    capabilities: Mapping[str, Sequence[Capability]],
    changes: Iterable[Change],
    patches: Iterable[Patch],
    nodes: Nodes | None = None,
) -> dict[str, Json]:
    """The report of one environment: `fields` in the spec's order, each with its targets' support and the reason, and
    `patched`, what patches changed and why. A field of a node that has an owner is that target's alone."""
    said = {target: {row.path: row for row in rows(tree, table)} for target, table in sorted(capabilities.items())}
    fields: list[Json] = []
    for path in _fields(tree, ()):
        mine = owner(path, nodes or {})
        told: dict[str, Json] = {t: _support(known, path) for t, known in said.items() if mine in ("", t)}
        fields.append({"field": dotted(path), "targets": told})
    why = {patch.name: patch.why for patch in patches}
    patched: list[Json] = [
        {
            "patch": change.patch,
            "why": why.get(change.patch, ""),
            "file": f"{change.target}/{change.document}",
            "path": pointer(change.path),
        }
        for change in changes
    ]
    return {"version": VERSION, "environment": environment, "fields": fields, "patched": patched}


def _support(known: Mapping[Path, Row], path: Path) -> dict[str, Json]:
    for count in range(len(path), 0, -1):
        if (row := known.get(path[:count])) is not None:
            return {"support": row.support, "why": row.why} if row.why else {"support": row.support}
    return {"support": "exact"}


def _fields(tree: Node, path: Path) -> Iterator[Path]:
    """The paths of all values that are set; a list is one value. What another environment sets is not among them."""
    if isinstance(tree, Map) and tree.entries:
        for key, entry in tree.entries.items():
            if not key.startswith("x-") and (*path, key) != ("environments",):
                yield from _fields(entry.node, (*path, key))
    elif path:
        yield path
