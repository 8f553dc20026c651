"""Nodes of a pipeline as tasks of its graph, with the templates that they run."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from mlwright.emit import pipeline as pipelines
from mlwright.emit import stepdoc, tools
from mlwright.emit.kube import environment, jobs, metadata, operated, pod
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.placement import queue_label
from mlwright.emit.kube.volumes import Volumes
from mlwright.emit.places import Places
from mlwright.emit.secrets import of_task
from mlwright.ir import Gates, Json, Node, Pipeline, Registration, Task
from mlwright.record import dataclass
from mlwright_argo import artifacts, parameters, templates, text

_ENDS = ("Succeeded", "Failed", "Errored", "Skipped", "Omitted", "Daemoned")
"""Every way in which a task can end."""
ITEM, STATUS = "MLWRIGHT_ITEM", "MLWRIGHT_STATUS"
_Task = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One pipeline on its way into a workflow. `asked` are the steps for which a small pod decides first whether and
    how often they start; `closing` run at the workflow's end; `arguments` are those of the workflow; `carrier` knows
    which files Argo carries from step to step."""

    objects: Objects
    pipeline: Pipeline
    nodes: Sequence[Node]
    asked: frozenset[str]
    closing: frozenset[str]
    arguments: Sequence[parameters.Argument]
    templates: templates.Templates
    carrier: artifacts.Carrier

    def name(self, node: str) -> str:
        """The name of a node's task."""
        return next(item.name for item in self.nodes if item.id == node)


def depends(scope: Scope, node: Node, siblings: Collection[str], first: str = "") -> str:
    """When a task starts, by the tasks of `siblings` that it needs; `first` comes before all of them.

    A step that was skipped ends well, and what needs it finds that out: only a failure stops what comes after it."""
    needs = [need.node for need in pipelines.needs(node, scope.nodes) if need.node in siblings]
    late = isinstance(node, Task) and node.run_if != "succeeded"
    words = [_after(scope, need, late=late) for need in needs]
    if first and (late or not words):
        words.insert(0, f"{first}.Succeeded")
    return " && ".join(words)


def ended(name: str) -> str:
    """That a task has ended, however it did."""
    return "(" + " || ".join(f"{name}.{end}" for end in _ENDS) + ")"


def _after(scope: Scope, need: str, *, late: bool) -> str:
    name = scope.name(need)
    if late:
        return ended(name)
    return f"({name}.Succeeded || {name}.Skipped)" if need in scope.asked else f"{name}.Succeeded"


def task(name: str, template: str, depends: str, **more: Any) -> _Task:
    """A task of a graph."""
    return {"name": name, "template": template, **({"depends": depends} if depends else {}), **more}


def contract(objects: Objects) -> dict[str, environment.Value]:
    """What every program of ours finds in its environment."""
    return {**environment.tracking(objects.project), environment.RUN: text.RUN}


def given(scope: Scope, step: Task) -> tuple[dict[str, environment.Value], list[parameters.Argument]]:
    """The variable and the input artifacts by which a step gets its parameters."""
    found = parameters.inputs(scope.arguments, step)
    return ({parameters.VARIABLE: parameters.FOLDER} if found else {}), found


def step_document(scope: Scope, node: Task) -> dict[str, Json]:
    """The usual document of a step."""
    return stepdoc.step_document(scope.objects.project, node, Places(scope.objects.project))


def step(scope: Scope, node: Task, depends: str) -> list[_Task]:
    """The tasks of a step: its own, and the one that decides on it first where there is one."""
    loop = bool(node.for_each.keys) and node.contract == "launcher"
    count = len(pipelines.items(node)) if loop else 0
    own = _step_template(scope, node, item=count > 0)
    made: list[_Task] = []
    many = str(count)
    if node.id in scope.asked:
        ask = scope.templates.free(f"{node.name}-items")
        scope.templates.add(_items_template(scope, node, ask), node=node.id, origin=node.origin, kind="ItemsTemplate")
        made.append(task(ask, ask, depends))
        many = text.of_task(ask, "outputs.result")
        depends = f"{ask}.Succeeded"
    if not loop or not count:
        when = {"when": f"{many} == 1"} if node.id in scope.asked else {}
        return [*made, task(node.name, own, depends, **when)]
    argument = {"arguments": {"parameters": [{"name": "item", "value": "{{item}}"}]}}
    if not node.for_each.max_parallel:
        return [*made, task(node.name, own, depends, withSequence={"count": many}, **argument)]
    inner = task("item", own, "", withSequence={"count": text.of_input("count")}, **argument)
    wrapper = templates.dag(
        scope.templates.free(f"{node.name}-all"), [inner], inputs=["count"], parallel=node.for_each.max_parallel
    )
    scope.templates.add(wrapper, node=node.id, origin=node.origin)
    outer = {"arguments": {"parameters": [{"name": "count", "value": many}]}}
    return [*made, task(node.name, wrapper["name"], depends, **outer)]


def _step_template(scope: Scope, node: Task, *, item: bool) -> str:
    objects = scope.objects
    variable, artifacts = given(scope, node)
    env: dict[str, environment.Value] = {
        **contract(objects),
        **variable,
        **({ITEM: text.of_input("item")} if item else {}),
        **({STATUS: text.STATUS} if node.id in scope.closing else {}),
    }
    more: dict[str, Any] = {}
    if node.timeout and not operated.operated(
        objects.context, node
    ):  # whose Job has a deadline that a queue does not use up
        more["activeDeadlineSeconds"] = jobs.deadline(node)
    if operated.operated(objects.context, node):
        made = operated.template(objects, scope.pipeline, node, env)
    else:
        env |= {**environment.secrets(objects.project, of_task(objects.project, node)), **environment.identity()}
        made = jobs.task_template(objects, node, env, document=scope.carrier.document(step_document(scope, node), node))
        more |= scope.carrier.outputs(made, node)
        made["metadata"]["labels"] |= queue_label(objects, node.container)
        _program(node, made["spec"]["containers"][0])
    inputs: dict[str, Any] = {"parameters": [{"name": "item"}]} if item else {}
    if node.contract == "launcher":
        artifacts = [*artifacts, *scope.carrier.inputs(node)]
        inputs |= {"artifacts": artifacts} if artifacts else {}
    found = templates.container(objects, node.name, made, inputs=inputs, more=more)
    return scope.templates.add(found, node=node.id, origin=node.origin, kind="Template")


def _program(node: Task, container: dict[str, Any]) -> None:
    """Name the program of an image that starts by its own entry point, where the lock knows it: Argo has to know."""
    image = node.container.image
    if "command" not in container and image.entrypoint:
        container["command"] = list(image.entrypoint)
        if "args" not in container and image.cmd:
            container["args"] = list(image.cmd)


def _items_template(scope: Scope, node: Task, name: str) -> templates.Template:
    objects = scope.objects
    volumes = Volumes(objects, node.id, node.origin)
    document = scope.carrier.document(step_document(scope, node), node)
    start = pod.launched(volumes, objects, "step.py", jobs.document_config(objects, node, document))
    program, *rest = start["args"]
    start["args"] = [program, "items", *rest]
    variable, artifacts = given(scope, node)
    artifacts = [*artifacts, *scope.carrier.inputs(node)]
    made = ours(objects, volumes, start, node.id, node.name, env=variable)
    return templates.container(objects, name, made, inputs={"artifacts": artifacts} if artifacts else None)


def program(scope: Scope, node: Gates | Registration, depends: str) -> list[_Task]:
    """The task of a gate or a registration."""
    objects = scope.objects
    volumes = Volumes(objects, node.id, node.origin)
    document: dict[str, Json]
    if isinstance(node, Gates):
        file, document = "gate.py", stepdoc.gate_document(objects.project, node)
    else:
        file, document = "register.py", stepdoc.register_document(objects.project, node)
    start = pod.launched(volumes, objects, file, jobs.document_config(objects, node, document))
    found = templates.container(objects, node.name, ours(objects, volumes, start, node.id, node.name))
    scope.templates.add(found, node=node.id, origin=node.origin, kind="Template")
    return [task(node.name, node.name, depends)]


def root(scope: Scope, kind: Literal["start", "finish"], name: str) -> None:
    """The template that opens or closes the run."""
    objects, pipeline = scope.objects, scope.pipeline
    node = f"pipelines.{pipeline.name}"
    document = stepdoc.root_document(objects.project, pipeline, kind)
    env: dict[str, environment.Value] = {}
    if kind == "finish":
        bare = {item.id for item in scope.nodes if isinstance(item, Task) and item.contract == "bare"}
        document |= {"nodes": [id for id in pipeline.nodes if id not in bare], "ended": True}
        env[STATUS] = text.STATUS
    volumes = Volumes(objects, node, pipeline.origin)
    config = objects.config(
        objects.name(pipeline.name, kind, limit=200),
        {pod.DOCUMENT: document},
        node=node,
        origin=pipeline.origin,
        component=kind,
    )
    made = ours(objects, volumes, pod.launched(volumes, objects, "root.py", config), node, kind, env=env)
    found = templates.container(objects, name, made)
    scope.templates.add(found, node=node, origin=pipeline.origin, kind=f"{kind.capitalize()}Template")


def ours(
    objects: Objects,
    volumes: Volumes,
    start: Mapping[str, Any],
    node: str,
    component: str,
    *,
    env: Mapping[str, environment.Value] | None = None,
    role: metadata.Role = "step",
) -> dict[str, Any]:
    """The pod of a program of ours that needs nothing but Python."""
    image = tools.small(objects.project, objects.context.platform)
    container = pod.our_container(objects, image, volumes, {**contract(objects), **(env or {})}, start)
    return pod.template(objects, [container], volumes, node=node, component=component, role=role)
