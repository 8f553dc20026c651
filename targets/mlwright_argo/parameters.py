"""Parameters of a pipeline as a workflow's arguments. They reach programs in files, in which nothing is expanded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mlwright.emit.kube.environment import canonical
from mlwright.emit.pipeline import taken
from mlwright.ir import Json, Node, Param, Pipeline, Project, Search, Task
from mlwright_argo.text import OPEN, of_workflow

EVENT = "mlwright-event"
"""The argument that holds the event which started a run, as JSON."""
VARIABLE = "MLWRIGHT_PARAMETERS"
FOLDER = "/mlwright/parameters"

Argument = dict[str, Any]


def arguments(project: Project, pipeline: Pipeline, nodes: Iterable[Node]) -> list[Argument]:
    """The `arguments.parameters` of a pipeline: what its steps take from outside, with the values they have else."""
    declared = {param.name: param for param in project.params}
    given = dict(pipeline.params)
    tasks = [node.trial if isinstance(node, Search) else node for node in nodes if isinstance(node, Task | Search)]
    wanted = {name for task in tasks for name in taken(task)}
    found = [_argument(declared[name], given) for name in declared if name in wanted]
    if pipeline.triggers:
        found.append({"name": EVENT, "value": "{}"})
    return [argument for argument in found if OPEN not in str(argument.get("value", ""))]


def inputs(arguments: Iterable[Argument], task: Task) -> list[Argument]:
    """The input artifacts of a step's template: a file for each parameter, which Argo writes before the step starts."""
    wanted = {*taken(task), EVENT}
    names = [str(argument["name"]) for argument in arguments if argument["name"] in wanted]
    return [{"name": name, "path": f"{FOLDER}/{name}", "raw": {"data": of_workflow(name)}} for name in names]


def _argument(param: Param, given: Mapping[str, Json]) -> Argument:
    found: Argument = {"name": param.name}
    if param.name in given or not param.required:
        found["value"] = canonical(given.get(param.name, param.default))
    if param.choices:
        found["enum"] = [canonical(choice) for choice in param.choices]
    return found
