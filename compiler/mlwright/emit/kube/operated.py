"""Nodes that run in objects of their own: who makes the manifests, and the small pod that follows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlwright.emit import tools
from mlwright.emit.kube import environment, jobs, plan, pod
from mlwright.emit.kube.names import stem
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.volumes import Volumes
from mlwright.emit.places import Places
from mlwright.ir import Node, Pipeline, Search, Task
from mlwright.record import replace
from mlwright.target import EmitContext, Operating, Part

OPERATOR = "operator"
"""The account of the pods that make objects for an engine, and the end of their documents' names."""

Manifest = dict[str, Any]


def operator(context: EmitContext, node: Node) -> Operating | None:
    """The target that makes a node's objects, where it is not an ordinary Job."""
    if not isinstance(node, Search | Task):
        return None
    found = context.operators.get(context.owners.get(node.id, ""))
    return found if found and found.operates(node, context) else None


def operated(context: EmitContext, node: Node) -> bool:
    """Whether a node runs in objects of its own instead of one pod of the engine."""
    return (isinstance(node, Task) and node.spread) or operator(context, node) is not None


def manifests(objects: Objects, pipeline: Pipeline, node: Search | Task) -> list[Manifest]:
    """The objects of a node, the one first that decides how it ends: by who owns it, else a Job."""
    if found := operator(objects.context, node):
        return list(found.manifests(objects, pipeline, node))
    assert isinstance(node, Task)
    return jobs.step_manifests(objects, pipeline, node)


def operation(objects: Objects, pipeline: Pipeline, node: Search | Task, *, trials: bool = False) -> str:
    """The ConfigMap by which `operate.py` makes the objects of a step, of a search's owner, or of each trial of a
    search that we make ourselves (`trials` where the search is made of objects as well); its name. Parameters reach it
    by its environment."""
    project = objects.project
    inner = node.trial if trials and isinstance(node, Search) else _inner(objects.context, node)
    made = manifests(objects, replace(pipeline, params=()), inner)
    document = plan.operation(project, node, made, Places(project), trials=inner is not node)
    found = document["objects"]
    assert isinstance(found, list)
    parts: list[Part] = []
    for index, item in enumerate(found):
        assert isinstance(item, dict) and isinstance(item["manifest"], dict)
        at = ("data", pod.DOCUMENT, "objects", index, "manifest")
        parts += _parts(inner.id, item["manifest"], at)
    return objects.config(
        f"{stem(project)}-{inner.name if trials else node.name}-{OPERATOR}",
        {pod.DOCUMENT: document},
        node=node.id,
        origin=node.origin,
        component=node.name,
        parts=parts,
    )


def template(
    objects: Objects,
    pipeline: Pipeline,
    node: Search | Task,
    env: Mapping[str, environment.Value],
    account: str = OPERATOR,
    *,
    trials: bool = False,
) -> dict[str, Any]:
    """The pod that makes and follows the objects of `operation`, as the ServiceAccount of the project's `account`."""
    volumes = Volumes(objects, node.id, node.origin)
    start = pod.launched(volumes, objects, "operate.py", operation(objects, pipeline, node, trials=trials))
    image = tools.small(objects.project, objects.context.platform)
    container = pod.our_container(objects, image, volumes, {**env, **plan.OPERATOR_ENV}, start)
    return pod.template(
        objects,
        [container],
        volumes,
        node=node.id,
        component=node.name,
        role="control",
        account=objects.name(account),
        token=True,
    )


def made(objects: Objects, pipelines: Sequence[Pipeline]) -> list[Manifest]:
    """All that pods of `operate.py` make for an engine."""
    known = {node.id: node for node in objects.project.nodes}
    found: list[Manifest] = []
    context = objects.context
    for pipeline in pipelines:
        for node in (known[id] for id in pipeline.nodes):
            if not isinstance(node, Search | Task):
                continue
            inner = _inner(context, node)
            if not operated(context, inner):
                continue
            own = manifests(objects, replace(pipeline, params=()), inner)
            found += own
            if isinstance(inner, Search) and own[0]["kind"] != plan.EXPERIMENT and operated(context, inner.trial):
                found += manifests(objects, replace(pipeline, params=()), inner.trial)
    return found


def rules(objects: Objects, pipelines: Sequence[Pipeline]) -> list[Manifest]:
    """What the account OPERATOR may do; empty where no node is made by its pods."""
    found = made(objects, pipelines)
    return plan.rules(found, "operate") if found else []


def _inner(context: EmitContext, node: Search | Task) -> Search | Task:
    """What objects are made of: a search that we make ourselves has those of its trials."""
    return node.trial if isinstance(node, Search) and not operated(context, node) else node


def _parts(node: str, manifest: Mapping[str, Any], at: tuple[str | int, ...]) -> Iterator[Part]:
    """The object, and the trial's inside of an Experiment."""
    yield Part(node=node, kind=str(manifest["kind"]), at=at)
    trial = manifest.get("spec", {}).get("trialTemplate", {}).get("trialSpec", {})
    if "kind" in trial:
        yield Part(node=node, kind=f"Trial{trial['kind']}", at=(*at, "spec", "trialTemplate", "trialSpec"))
