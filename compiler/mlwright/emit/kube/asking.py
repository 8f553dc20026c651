"""Steps that engines ask about before they start them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mlwright.emit import pipeline as pipelines
from mlwright.ir import Gates, Node, Task


def asked(nodes: Sequence[Node], small: Callable[[Task], bool]) -> frozenset[str]:
    """Steps that a small pod decides on before their own is made: those that may be skipped where a GPU or a program
    without the launcher would start for nothing, and loops over a list that only the run knows. Where the step's own
    pod is a `small` one, an operator's, it decides itself."""
    idle: set[str] = set()
    found: set[str] = set()
    for node in nodes:
        needs = any(need.node in idle and not need.optional for need in node.needs)
        if isinstance(node, Task):
            unknown = bool(node.for_each.keys) and pipelines.items(node) == [None]
            may = needs or node.when is not None or node.run_if == "failed"
            dear = bool(node.container.resources.gpu.count) or node.contract == "bare"
            if unknown or (may and dear and not small(node)):
                found.add(node.id)
            if may or unknown:
                idle.add(node.id)
        elif needs or (isinstance(node, Gates) and any(gate.on_fail == "stop" for gate in node.gates)):
            idle.add(node.id)
    return frozenset(found)
