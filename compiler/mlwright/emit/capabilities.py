"""What a target cannot express of what the spec says: found before anything is emitted, at the spec's own lines."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from mlwright.diag import Bag, Diagnostic, Label
from mlwright.record import dataclass
from mlwright.source.tree import Map, Node, Scalar, Seq, child
from mlwright.span import Path, dotted
from mlwright.target import Capability, Support, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One field that the spec sets, and how far the target expresses it."""

    path: Path
    support: Support
    why: str


def rows(tree: Node, capabilities: Iterable[Capability]) -> tuple[Row, ...]:
    """The fields of `tree` that some capability says something about, each by its most exact pattern, by path."""
    best: dict[Path, tuple[int, Row]] = {}
    known: dict[tuple[str, ...], list[tuple[Path, Node]]] = {}
    for item in capabilities:
        pattern = tuple(item.field.split("."))
        for path, node in _expand(tree, pattern, known):
            if item.values and not _has(node, item.values, item.key):
                continue
            rank = sum(part != "*" for part in pattern) * 2 + bool(item.values)
            if path not in best or best[path][0] < rank:
                best[path] = (rank, Row(path=path, support=item.support, why=item.why))
    return tuple(row for _, (_, row) in sorted(best.items(), key=lambda entry: [str(part) for part in entry[0]]))


_SEVERITY = {"refused": ("OWN003", "error"), "ignored": ("OWN008", "warning"), "emulated": ("OWN009", "note")}


Nodes = Mapping[Path, str]
"""The places of nodes that have an owner -> the target."""


def owner(path: Path, nodes: Nodes) -> str:
    """The target that owns the node which `path` is at or below; empty where there is none."""
    return next((nodes[path[:count]] for count in range(len(path), 0, -1) if path[:count] in nodes), "")


def compare(tree: Node, target: Target, environment: str, told: Collection[Path], nodes: Nodes | None = None) -> Bag:
    """A finding for every row that is not exact; what is at or below a path of `told` has been said already, and what
    belongs to a node of another target is not this one's business."""
    bag = Bag()
    for row in rows(tree, target.capabilities):
        if row.support == "exact" or any(row.path[: len(path)] == path for path in told):
            continue
        if owner(row.path, nodes or {}) not in ("", target.name):
            continue
        code, severity = _SEVERITY[row.support]
        bag.add(
            Diagnostic(
                code=code,
                message=f"`{dotted(row.path)}` is {row.support} by {target.name}: {row.why}",
                at=Label(path=row.path, on="key"),
                help=""
                if row.support == "emulated"
                else f"set it to null or to something else under `environments.{environment}`",
                severity=severity,  # type: ignore[arg-type]
            )
        )
    return bag


def _expand(
    tree: Node, pattern: tuple[str, ...], known: dict[tuple[str, ...], list[tuple[Path, Node]]]
) -> list[tuple[Path, Node]]:
    """What is at `pattern`, with its path; `known` keeps that of the beginnings of patterns, which they share."""
    if not pattern:
        return [((), tree)]
    if (found := known.get(pattern)) is None:
        part = pattern[-1]
        known[pattern] = found = [
            ((*path, key), item)
            for path, node in _expand(tree, pattern[:-1], known)
            for key, item in (_below(node) if part == "*" else ((part, child(node, part)),))
            if item is not None and not (isinstance(item, Scalar) and item.value is None)
        ]
    return found


def _below(node: Node) -> Iterable[tuple[str | int, Node]]:
    if isinstance(node, Map):
        return [(key, entry.node) for key, entry in node.entries.items() if not key.startswith("x-")]
    return enumerate(node.items) if isinstance(node, Seq) else ()


def _has(node: Node, values: Collection[str], key: str) -> bool:
    if isinstance(node, Map):
        node = child(node, key) or node
    if isinstance(node, Seq):
        return any(isinstance(item, Scalar) and item.text in values for item in node.items)
    return isinstance(node, Scalar) and node.text in values
