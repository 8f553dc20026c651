"""The graph's edges and order: who needs whom, gates before consumers, cycles, what each pipeline runs."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping

from mlwright import ir
from mlwright.diag import Bag, Diagnostic, Label
from mlwright.record import dataclass, replace


def link_gates(project: ir.Project, bag: Bag) -> ir.Project:
    """Whoever needs a step that has gates waits for the gates' decision too."""
    gates = {node.step: node.id for node in project.nodes if isinstance(node, ir.Gates)}

    def link(node: ir.Node) -> ir.Node:
        if isinstance(node, ir.Gates):
            return node
        have = {need.node for need in node.needs}
        more = [
            ir.Need(node=gates[need.node], optional=need.optional)
            for need in node.needs
            if need.node in gates and gates[need.node] not in have
        ]
        return replace(node, needs=(*node.needs, *more)) if more else node

    return replace(project, nodes=tuple(link(node) for node in project.nodes))


def order_nodes(project: ir.Project, bag: Bag) -> ir.Project:
    """Nodes in topological order, as declared where the graph leaves a choice; a cycle is an error."""
    nodes = {node.id: node for node in project.nodes}
    names = list(nodes)
    waiting = {node.id: {need.node for need in node.needs if need.node in nodes} for node in project.nodes}
    after: dict[str, list[int]] = {}
    for position, name in enumerate(names):
        for need in waiting[name]:
            after.setdefault(need, []).append(position)
    order: list[str] = []
    ready = [position for position, name in enumerate(names) if not waiting[name]]  # in order, so a heap
    while ready:
        name = names[heapq.heappop(ready)]
        order.append(name)
        del waiting[name]
        for position in after.get(name, ()):
            needs = waiting[names[position]]
            needs.discard(name)
            if not needs:
                heapq.heappush(ready, position)
    if waiting:
        bag.add(_cycle(nodes, waiting))
        return project
    return replace(project, nodes=tuple(nodes[node] for node in order))


def _cycle(nodes: Mapping[str, ir.Node], waiting: Mapping[str, set[str]]) -> Diagnostic:
    seen: list[str] = []
    current = min(waiting)
    while current not in seen:
        seen.append(current)
        current = min(waiting[current])
    loop = [*seen[seen.index(current) :], current]
    return Diagnostic(
        code="REF010",
        message=f"these need each other, so none can start: {' -> '.join(loop)}",
        at=Label(path=nodes[loop[0]].origin.path, on="key", text="this waits"),
        related=tuple(
            Label(path=nodes[node].origin.path, on="key", text=f"for `{node}`, which waits") for node in loop[1:-1]
        ),
        help="take one reference or `needs` entry of the circle away",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A pipeline before its nodes are known: `run` are node ids, empty for all."""

    pipeline: ir.Pipeline
    run: tuple[str, ...]


def select(project: ir.Project, selections: Iterable[Selection]) -> tuple[ir.Pipeline, ...]:
    """Each pipeline's nodes: those it names, all they need, their gates, and what runs on every failure."""
    nodes = {node.id: node for node in project.nodes}
    order = {node: position for position, node in enumerate(nodes)}
    gates = {node.step: node.id for node in project.nodes if isinstance(node, ir.Gates)}
    watching = [node.id for node in project.nodes if isinstance(node, ir.Task) and ends_every_run(node)]

    def closure(run: tuple[str, ...]) -> tuple[str, ...]:
        if not run:
            return tuple(nodes)
        wanted: set[str] = set()
        stack = [*(node for node in run if node in nodes), *watching]
        while stack:
            current = stack.pop()
            if current in wanted:
                continue
            wanted.add(current)
            stack += [need.node for need in nodes[current].needs if need.node in nodes]
            if current in gates:
                stack.append(gates[current])
        return tuple(sorted(wanted, key=order.__getitem__))

    return tuple(replace(selection.pipeline, nodes=closure(selection.run)) for selection in selections)


def ends_every_run(task: ir.Task) -> bool:
    """True for `run_if: failed|always` steps without needs: they watch the whole pipeline."""
    return task.run_if != "succeeded" and not task.needs
