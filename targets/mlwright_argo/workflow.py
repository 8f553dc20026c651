"""Pipelines as workflows: one WorkflowTemplate each, and the objects that start it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_never

from mlwright.emit import pipeline as pipelines
from mlwright.emit.kube import asking, operated
from mlwright.emit.kube.objects import Objects
from mlwright.ir import Gates, Node, Pipeline, Registration, Search, Task
from mlwright_argo import artifacts, nodes, parameters, rights, search, starts, templates


def emit_workflows(objects: Objects) -> None:
    """Every pipeline, and the accounts that its pods have."""
    project = objects.project
    made = tuple(pipeline for pipeline in project.pipelines if pipeline.nodes)
    for pipeline in made:
        name = objects.name(pipeline.name, limit=52)
        _emit_template(objects, pipeline, name)
        starts.emit_starts(objects, pipeline, name)
    if made:
        rights.emit_rights(objects, made)


def _emit_template(objects: Objects, pipeline: Pipeline, name: str) -> None:
    project = objects.project
    known = {node.id: node for node in project.nodes}
    members = [known[id] for id in pipeline.nodes]
    scope = nodes.Scope(
        objects=objects,
        pipeline=pipeline,
        nodes=members,
        asked=asking.asked(members, lambda task: operated.operated(objects.context, task)),
        closing=frozenset(pipelines.closing(members)),
        arguments=parameters.arguments(project, pipeline, members),
        templates=templates.Templates(node.name for node in members),
        carrier=artifacts.Carrier(project, objects.context),
    )
    entry, leaving = _graphs(scope)
    spec: dict[str, Any] = {
        "entrypoint": entry,
        "onExit": leaving,
        **({"arguments": {"parameters": list(scope.arguments)}} if scope.arguments else {}),
        "serviceAccountName": rights.account_name(objects),
        **templates.common(objects),
        "podGC": {"strategy": "OnWorkflowSuccess"},
        **artifacts.repository(objects),
        **starts.lifetime(objects),
        **starts.alone(pipeline, name),
        "workflowMetadata": {"labels": starts.labels(objects, pipeline)},
        "templates": scope.templates.items,
    }
    objects.add(
        "WorkflowTemplate",
        name,
        {"spec": spec},
        node=starts.node(pipeline),
        origin=pipeline.origin,
        component=pipeline.name,
        parts=scope.templates.parts,
        origins=scope.templates.origins,
    )


def _graphs(scope: nodes.Scope) -> tuple[str, str]:
    """The templates that a workflow begins and ends with. Steps that wait for the whole rest belong to its end."""
    first = [node for node in scope.nodes if node.id not in scope.closing]
    late = [node for node in scope.nodes if node.id in scope.closing]
    origin, node = scope.pipeline.origin, starts.node(scope.pipeline)
    entry, start, finish = (scope.templates.free(name) for name in ("pipeline", "start", "finish"))
    tasks = [nodes.task(start, start, ""), *_tasks(scope, first, start)]
    scope.templates.add(templates.dag(entry, tasks), node=node, origin=origin, kind="GraphTemplate")
    nodes.root(scope, "start", start)
    if not late:
        nodes.root(scope, "finish", finish)
        return entry, finish
    leaving = scope.templates.free("exit")
    tasks = _tasks(scope, late, "")
    tasks.append(nodes.task(finish, finish, " && ".join(nodes.ended(task["name"]) for task in tasks)))
    scope.templates.add(templates.dag(leaving, tasks), node=node, origin=origin, kind="ExitTemplate")
    nodes.root(scope, "finish", finish)
    return entry, leaving


def _tasks(scope: nodes.Scope, members: Sequence[Node], first: str) -> list[dict[str, Any]]:
    siblings = {node.id for node in members}
    return [task for node in members for task in _node(scope, node, nodes.depends(scope, node, siblings, first))]


def _node(scope: nodes.Scope, node: Node, depends: str) -> list[dict[str, Any]]:
    match node:
        case Task():
            return nodes.step(scope, node, depends)
        case Search():
            return search.tuning(scope, node, depends)
        case Gates() | Registration():
            return nodes.program(scope, node, depends)
        case _:
            assert_never(node)
