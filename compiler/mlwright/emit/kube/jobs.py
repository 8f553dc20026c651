"""Jobs of one-shot nodes as `conduct.py` and `operate.py` make them: steps, gates, registration, several nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlwright.emit import stepdoc, tools
from mlwright.emit.kube import environment, metadata, plan, pod
from mlwright.emit.kube.gang import Gang, gang
from mlwright.emit.kube.names import stem
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.placement import queue_label
from mlwright.emit.kube.volumes import Volumes
from mlwright.emit.places import Places
from mlwright.emit.secrets import of_task
from mlwright.ir import Container, Gates, Json, Pipeline, Registration, Task

Manifest = dict[str, Any]

_LOST = 3
"""How many pods of a step may be lost before it fails."""
_SLACK = 300
NEVER = "0 0 31 2 *"
"""The schedule of a CronJob that only people start."""
RENDEZVOUS = 29500
"""The port on which the nodes of a distributed step meet."""


def step_manifests(objects: Objects, pipeline: Pipeline, task: Task) -> list[Manifest]:
    """The Job of a step, and the Service by which its nodes find each other where it has several."""
    name = plan.name(task.name, task.name)
    env = step_environment(objects, pipeline, task)
    spec: dict[str, Any] = {"backoffLimit": _LOST, "podFailurePolicy": plan.POD_FAILURES}
    nodes = task.distributed.nodes_max
    together = gang(objects, task, name) if nodes > 1 else Gang()
    if nodes > 1:
        env |= {"MASTER_ADDR": plan.text(name, "-0.", name), "MASTER_PORT": str(RENDEZVOUS)}
        spec |= {"completionMode": "Indexed", "completions": nodes, "parallelism": nodes}
    elif task.for_each.keys:
        spec |= {"completionMode": "Indexed", "completions": 1, "parallelism": 1, "backoffLimitPerIndex": _LOST}
        spec["podFailurePolicy"] = plan.ITEM_FAILURES
        del spec["backoffLimit"]
    if task.timeout:
        spec["activeDeadlineSeconds"] = deadline(task)
    template = task_template(objects, task, env, together, {"subdomain": name} if nodes > 1 else {})
    made = [job(objects, name, spec, template, node=task.id, box=task.container)]
    if nodes > 1:
        made.append(_meeting(objects, task, name))
    return [*made, together.group] if together.group else made


def step_environment(objects: Objects, pipeline: Pipeline, task: Task) -> dict[str, environment.Value]:
    """What every pod of a step has in its environment, whoever starts it; the run's id is to be filled in."""
    return {
        **environment.tracking(objects.project),
        environment.RUN: "",
        **environment.parameters(dict(pipeline.params), task),
        **environment.secrets(objects.project, of_task(objects.project, task)),
        **environment.identity(),
    }


def task_template(
    objects: Objects,
    task: Task,
    env: Mapping[str, environment.Value],
    together: Gang | None = None,
    more: Mapping[str, Any] | None = None,
    document: dict[str, Json] | None = None,
    *,
    name: str = pod.MAIN,
    port: tuple[str, int] = ("rendezvous", RENDEZVOUS),
) -> dict[str, Any]:
    """The pod of a step: the launcher on its document (`document` where it is not the usual one), or a bare program.
    `name` is the container's, and `port` where several nodes meet."""
    volumes = Volumes(objects, task.id, task.origin)
    box = task.container
    if task.contract == "bare":
        own = {name: environment.filled(objects.project, value) for name, value in box.env}
        kept = {name: value for name, value in env.items() if not name.startswith(("MLWRIGHT_", "MLFLOW_"))}
        env = {**kept, **environment.exported(objects.project, box.secrets), **own}
        start = pod.bare(objects, box)
    else:
        found = document or task_document(objects, task)
        start = pod.launched(volumes, objects, "step.py", document_config(objects, task, found))
    volumes.task(task)
    ports: dict[str, Any] = {}
    if task.spread:
        ports = {"ports": [{"name": port[0], "containerPort": port[1], "protocol": "TCP"}]}
    container = pod.user_container(objects, box, volumes, env, start, name=name, more=ports)
    together = together or Gang()
    # Nodes talk to each other by address and on ports that nobody declares: a mesh would slow that down, or refuse it.
    outside = pod.OUTSIDE if task.spread and objects.context.platform.has("istio") else {}
    return pod.template(
        objects,
        [container],
        volumes,
        node=task.id,
        component=task.name,
        box=box,
        labels={**together.labels, **outside},
        annotations=together.annotations,
        more={**together.spec, **(more or {})},
    )


def task_document(objects: Objects, task: Task) -> dict[str, Json]:
    """The step's document; of a search's trial, the one whose parameters come from outside."""
    project = objects.project
    searches = (node for node in stepdoc.searches(project) if node.trial.id == task.id)
    if search := next(searches, None):
        return stepdoc.trial_document(project, search, Places(project))
    return stepdoc.step_document(project, task, Places(project))


def program_manifests(objects: Objects, node: Gates | Registration) -> list[Manifest]:
    """The Job of a gate or a registration: a program of ours."""
    if isinstance(node, Gates):
        program, document = "gate.py", stepdoc.gate_document(objects.project, node)
    else:
        program, document = "register.py", stepdoc.register_document(objects.project, node)
    volumes = Volumes(objects, node.id, node.origin)
    start = pod.launched(volumes, objects, program, document_config(objects, node, document))
    env = {**environment.tracking(objects.project), environment.RUN: ""}
    image = tools.small(objects.project, objects.context.platform)
    container = pod.our_container(objects, image, volumes, env, start)
    template = pod.template(objects, [container], volumes, node=node.id, component=node.name)
    spec = {"backoffLimit": _LOST, "podFailurePolicy": plan.POD_FAILURES}
    return [job(objects, plan.name(node.name, node.name), spec, template, node=node.id)]


def document_config(objects: Objects, node: Task | Gates | Registration, document: dict[str, Json]) -> str:
    """The ConfigMap that holds a node's document; its name."""
    return objects.config(
        f"{stem(objects.project)}-{node.name}",
        {pod.DOCUMENT: document},
        node=node.id,
        origin=node.origin,
        component=node.name,
    )


def job(
    objects: Objects,
    name: str,
    spec: Mapping[str, Any],
    template: Mapping[str, Any],
    *,
    node: str,
    box: Container | None = None,
    labels: Mapping[str, str] | None = None,
) -> Manifest:
    """The manifest of a Job of a run."""
    queue = queue_label(objects, box) if box else {}
    return {
        "apiVersion": objects.context.platform.api("Job"),
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": objects.namespace,
            "labels": {**template["metadata"]["labels"], **queue, **(labels or {})},
        },
        "spec": {**spec, "template": dict(template)},
    }


def deadline(task: Task) -> int:
    """Seconds after which a step has used up all its attempts: the launcher ends each one, this ends the launcher."""
    retries = task.retries
    pauses = sum(min(retries.backoff * retries.factor**turn, retries.max_backoff) for turn in range(retries.limit))
    return int((retries.limit + 1) * task.timeout + pauses) + _SLACK


def _meeting(objects: Objects, task: Task, name: plan.RunText) -> Manifest:
    """The headless Service that gives each pod of a Job its host name."""
    return {
        "apiVersion": objects.context.platform.api("Service"),
        "kind": "Service",
        "metadata": {
            "name": name,
            "namespace": objects.namespace,
            "labels": metadata.labels(objects.project, task.id, task.name),
        },
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": {"batch.kubernetes.io/job-name": name},
            "ports": [
                {"name": "rendezvous", "port": RENDEZVOUS, "targetPort": RENDEZVOUS, "protocol": "TCP"},
            ],
        },
    }
