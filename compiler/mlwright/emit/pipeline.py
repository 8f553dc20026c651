"""What engines have to know of a pipeline beyond its edges."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from mlwright.ir import Json, Need, Node, Pipeline, Ref, Search, Task
from mlwright.record import replace


def default(pipelines: Sequence[Pipeline]) -> str:
    """The pipeline that runs when none is named: `main`, else the only one, else none (an empty name)."""
    names = [pipeline.name for pipeline in pipelines]
    return "main" if "main" in names else names[0] if len(names) == 1 else ""


def closing(nodes: Iterable[Node]) -> set[str]:
    """The nodes that wait for the rest of the run (`run_if` failed or always, no needs), and what comes after them."""
    found: set[str] = set()
    for node in nodes:
        alone = isinstance(node, Task) and node.run_if != "succeeded" and not node.needs
        if alone or any(need.node in found for need in node.needs):
            found.add(node.id)
    return found


def needs(node: Node, nodes: Iterable[Node]) -> tuple[Need, ...]:
    """What `node` waits for among `nodes`; where trials stand in for training, the search is meant."""
    stand_ins = {other.training: other.id for other in nodes if isinstance(other, Search) and not other.retrain}
    found = (replace(need, node=stand_ins.get(need.node, need.node)) for need in node.needs)
    return tuple({need.node: need for need in found}.values())


def one_node(task: Task) -> Task:
    """The same task on the one node that there is, which may have fewer GPUs than it asks for."""
    asks = task.container.resources.gpu.count > 0
    return replace(task, distributed=replace(task.distributed, nodes_min=1, nodes_max=1, roles=(), fit_gpus=asks))


def items(task: Task) -> list[dict[str, Json] | None]:
    """The keys of each item of a list that is known here; None alone for any other step."""
    keys = task.for_each.keys
    lists = [values for _, values in keys if not isinstance(values, Ref)]
    if not keys or len(lists) < len(keys):
        return [None]
    return [
        dict(zip((name for name, _ in keys), combination, strict=True)) for combination in itertools.product(*lists)
    ]


def taken(task: Task) -> list[str]:
    """The parameters that a step takes from outside."""
    fixed = {name for name, _ in task.values}
    return [name for name in task.params if name not in task.tuned and name not in fixed]
