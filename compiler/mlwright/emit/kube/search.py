"""Tuning without Katib: a Job that proposes and judges trials, and workers that run them."""

from __future__ import annotations

from typing import Any

from mlwright.emit import stepdoc, tools
from mlwright.emit.kube import environment, jobs, metadata, operated, plan, pod, quantity
from mlwright.emit.kube.names import stem
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.volumes import Volumes
from mlwright.emit.places import Places
from mlwright.emit.secrets import of_task
from mlwright.ir import Pipeline, Search, Task

Manifest = dict[str, Any]

PORT = stepdoc.SEARCH_PORT


def search_manifests(
    objects: Objects, pipeline: Pipeline, node: Search, account: str = operated.OPERATOR
) -> list[Manifest]:
    """The Job of the search, which decides how tuning ends, its Service, and the Job of its workers. Those whose trials
    are objects of their own make them as the ServiceAccount of the project's `account`."""
    prefix = "" if node.id == "tuning" else f"{node.name}-"
    search = plan.name(f"{prefix}search", f"{prefix}search")
    workers = plan.name(f"{prefix}trials", f"{prefix}trials")
    return [
        _search(objects, node, search),
        _service(objects, node, search),
        _workers(objects, pipeline, node, workers, search, account),
    ]


def _search(objects: Objects, node: Search, name: str) -> Manifest:
    project = objects.project
    volumes = Volumes(objects, node.id, node.origin)
    document = stepdoc.search_document(project, node, host="0.0.0.0")
    config = objects.config(
        f"{stem(project)}-{name}", {pod.DOCUMENT: document}, node=node.id, origin=node.origin, component=node.name
    )
    start = pod.launched(volumes, objects, "search.py", config, site=True)
    probe = {"tcpSocket": {"port": PORT}, "periodSeconds": 2, "failureThreshold": 60}
    more = {"ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}], "readinessProbe": probe}
    env = {**environment.tracking(project), environment.RUN: ""}
    asked = quantity.ours("200m", "512Mi", "2Gi")
    image = tools.configured(objects.context.platform)
    container = pod.our_container(objects, image, volumes, env, start, asked=asked, more=more)
    template = pod.template(objects, [container], volumes, node=node.id, component=node.name, role="search")
    spec = {"backoffLimit": 3, "podFailurePolicy": plan.POD_FAILURES}
    return jobs.job(objects, name, spec, template, node=node.id)


def _service(objects: Objects, node: Search, name: str) -> Manifest:
    return {
        "apiVersion": objects.context.platform.api("Service"),
        "kind": "Service",
        "metadata": {
            "name": name,
            "namespace": objects.namespace,
            "labels": metadata.labels(objects.project, node.id, node.name),
        },
        "spec": {
            "selector": {"batch.kubernetes.io/job-name": name},
            "ports": [{"name": "http", "port": PORT, "targetPort": PORT, "protocol": "TCP"}],
        },
    }


def _workers(objects: Objects, pipeline: Pipeline, node: Search, name: str, search: str, account: str) -> Manifest:
    trial = node.trial
    given = {name: value for name, value in pipeline.params if name not in {one.param for one in node.space}}
    env: dict[str, environment.Value] = {
        **environment.tracking(objects.project),
        environment.RUN: "",
        "MLWRIGHT_SEARCH_URL": plan.text("http://", search, f":{PORT}"),
        **environment.parameters(given, trial),
        **environment.secrets(objects.project, of_task(objects.project, trial)),
        **environment.identity(),
    }
    several = operated.operated(objects.context, trial)
    template = (
        operated.template(objects, pipeline, node, env, account=account, trials=True)
        if several
        else _worker(objects, node, trial, env)
    )
    spec = {
        "completionMode": "Indexed",
        "completions": node.parallel,
        "parallelism": node.parallel,
        "backoffLimitPerIndex": 3,
        "podFailurePolicy": plan.ITEM_FAILURES,
    }
    return jobs.job(objects, name, spec, template, node=node.id, box=None if several else trial.container)


def _worker(objects: Objects, node: Search, trial: Task, env: dict[str, environment.Value]) -> dict[str, Any]:
    """The pod of a worker that runs its trials itself."""
    volumes = Volumes(objects, node.id, trial.origin)
    document = stepdoc.trial_document(objects.project, node, Places(objects.project))
    start = pod.launched(volumes, objects, "step.py", jobs.document_config(objects, trial, document))
    volumes.task(trial)
    container = pod.user_container(objects, trial.container, volumes, env, start)
    return pod.template(objects, [container], volumes, node=node.id, component=trial.name, box=trial.container)
