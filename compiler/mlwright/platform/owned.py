"""Who owns what, and why: the outcome of `assign` as a person asks for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from mlwright.platform.owners import TABLE, Asked, Nobody, NodeKind, Orchestrator, Owners
from mlwright.record import dataclass


@dataclass(frozen=True, slots=True)
class Owned:
    """One node, the target that owns it, "" where it is ignored, and the reason."""

    node: str
    kind: NodeKind
    target: str
    why: str


def owned(
    asked: Iterable[Asked],
    owners: Owners,
    *,
    orchestrator: Orchestrator,
    systems: Collection[str],
) -> Iterator[Owned]:
    """Every node that `assign` gave an owner or leaves out, in the order asked, all else being as it was there."""
    for node in asked:
        if node.id in owners.ignored:
            yield Owned(node.id, node.kind, "", owners.ignored[node.id])
        elif node.id in owners.of:
            target = owners.of[node.id]
            why = "`owner` says so" if node.explicit else _why(node, target, orchestrator, systems)
            yield Owned(node.id, node.kind, target, why)


def _why(node: Asked, target: str, orchestrator: Orchestrator, systems: Collection[str]) -> str:
    """What speaks for the candidate that was taken, and why those before it were passed over."""
    cell = TABLE[node.kind][orchestrator]
    assert not isinstance(cell, Nobody)
    passed = ""
    for candidate in cell:
        runs = [system for system in candidate.systems if system in systems]
        if candidate.target == target and (runs or not candidate.systems):
            return (f"the platform lists {runs[0]}" if runs else f"usual with orchestrator {orchestrator}") + passed
        lacks = f"target {candidate.target} is not installed" if runs else f"no {' or '.join(candidate.systems)}"
        passed += f"; {lacks}"
    raise AssertionError(f"{target} owns {node.id}, which the table does not have")
