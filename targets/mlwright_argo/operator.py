"""Steps on several nodes: a small pod of the workflow makes their objects, follows them, and ends as they do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mlwright.emit import tools
from mlwright.emit.kube import environment, jobs, metadata, plan, pod
from mlwright.emit.kube.names import stem
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.volumes import Volumes
from mlwright.emit.places import Places
from mlwright.ir import Pipeline, Search, Task
from mlwright.target import Part

OPERATOR = "operator"


def operated(node: Task) -> bool:
    """Whether a step runs in objects of its own instead of a pod of the workflow."""
    return node.distributed.nodes_max > 1


def template(
    objects: Objects, pipeline: Pipeline, node: Task | Search, env: Mapping[str, environment.Value]
) -> dict[str, Any]:
    """The pod that makes and follows the objects of a step, or of each trial of a search."""
    project = objects.project
    inner = node.trial if isinstance(node, Search) else node
    manifests = jobs.step_manifests(objects, replace(pipeline, params=()), inner)
    document = plan.operation(project, node, manifests, Places(project))
    made = document["objects"]
    assert isinstance(made, list)
    parts = []
    for index, item in enumerate(made):
        assert isinstance(item, dict) and isinstance(item["manifest"], dict)
        at = ("data", pod.DOCUMENT, "objects", index, "manifest")
        parts.append(Part(node=node.id, kind=str(item["manifest"]["kind"]), at=at))
    config = objects.config(
        f"{stem(project)}-{node.name}-{OPERATOR}",
        {pod.DOCUMENT: document},
        node=node.id,
        origin=node.origin,
        component=node.name,
        parts=parts,
    )
    volumes = Volumes(objects, node.id, node.origin)
    start = pod.launched(volumes, objects, "operate.py", config)
    image = tools.small(project, objects.context.platform)
    container = pod.our_container(objects, image, volumes, {**env, **plan.OPERATOR_ENV}, start)
    role: metadata.Role = "control"
    return pod.template(
        objects,
        [container],
        volumes,
        node=node.id,
        component=node.name,
        role=role,
        account=objects.name(OPERATOR),
        token=True,
    )


def rules(objects: Objects, pipelines: tuple[Pipeline, ...]) -> list[dict[str, Any]]:
    """What the operator's account may do; empty where no step needs one."""
    known = {node.id: node for node in objects.project.nodes}
    found: list[dict[str, Any]] = []
    for pipeline in pipelines:
        for node in (known[id] for id in pipeline.nodes):
            inner = node.trial if isinstance(node, Search) else node
            if isinstance(inner, Task) and operated(inner):
                found += jobs.step_manifests(objects, replace(pipeline, params=()), inner)
    return plan.rules(found, "operate") if found else []
