"""Pipelines without an engine: one Job that conducts the others, made by a CronJob, by hand, or by a change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

from mlwright.emit import tools
from mlwright.emit.kube import environment, metadata, operated, plan, pod
from mlwright.emit.kube.jobs import NEVER, Manifest, program_manifests
from mlwright.emit.kube.names import hashed
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.volumes import Volumes
from mlwright.emit.places import Places
from mlwright.ir import Gates, Node, Origin, Pipeline, Registration, Search, Task
from mlwright.span import Path
from mlwright.target import Part
from mlwright_kubernetes.base import account
from mlwright_kubernetes.search import CONDUCTOR, search_manifests

PLAN = "plan.json"
_POLICY = {"allow": "Allow", "forbid": "Forbid", "replace": "Replace"}


def emit_graph(objects: Objects) -> None:
    """Every pipeline; what is made for nodes of other targets, those say."""
    nodes = {node.id: node for node in objects.project.nodes}
    pipelines = [pipeline for pipeline in objects.project.pipelines if pipeline.nodes]
    if not pipelines:
        return
    made = [manifest for pipeline in pipelines for manifest in _emit_pipeline(objects, pipeline, nodes)]
    origin = Origin(path=("pipelines",), kind="derived", by=objects.target)
    _rights(objects, [*made, *operated.made(objects, pipelines)], origin)


def _emit_pipeline(objects: Objects, pipeline: Pipeline, nodes: Mapping[str, Node]) -> list[Manifest]:
    """One pipeline's plan and what starts it; all manifests in the plan."""
    manifests = {id: _manifests(objects, pipeline, nodes[id]) for id in pipeline.nodes}
    node, name = f"pipelines.{pipeline.name}", objects.name(pipeline.name, limit=52)
    config = _plan(objects, pipeline, manifests, node, name)
    template = _conductor(objects, pipeline, node, config)
    job: dict[str, Any] = {
        "backoffLimit": 6,
        "podFailurePolicy": plan.CONDUCTOR_FAILURES,
        "template": template,
    }
    _cron_job(objects, pipeline, node, name, job)
    if objects.project.environment.start == "on_change":
        objects.add(
            "Job",
            hashed(name),
            {"spec": job},
            node=node,
            origin=pipeline.origin,
            component=CONDUCTOR,
            wave=metadata.RUNS,
            annotations=objects.outlives,
        )
    return [manifest for found in manifests.values() for manifest in found]


def _manifests(objects: Objects, pipeline: Pipeline, node: Node) -> list[Manifest]:
    match node:
        case Task():
            return operated.manifests(objects, pipeline, node)
        case Search():
            return search_manifests(objects, pipeline, node)
        case Gates() | Registration():
            return program_manifests(objects, node)
        case _:
            assert_never(node)


def _plan(objects: Objects, pipeline: Pipeline, manifests: Mapping[str, list[Manifest]], node: str, name: str) -> str:
    """The ConfigMap of the plan, with an address in it for each manifest."""
    project = objects.project
    document = plan.plan(project, pipeline, manifests, Places(project), lease=name)
    parts: list[Part] = []
    origins: dict[Path, Origin] = {}
    known = {item.id: item for item in project.nodes}
    found = document["nodes"]
    for position, entry in enumerate(found if isinstance(found, list) else ()):
        assert isinstance(entry, dict)
        made, place = known[str(entry["id"])], ("data", PLAN, "nodes", position)
        origins[place] = made.origin
        inner = entry["objects"]
        for index, item in enumerate(inner if isinstance(inner, list) else ()):
            assert isinstance(item, dict) and isinstance(item["manifest"], dict)
            kind = str(item["manifest"]["kind"])
            trials = isinstance(made, Search) and kind == "Job" and not item["main"]
            at = (*place, "objects", index, "manifest")
            parts.append(Part(node=made.id, kind="TrialJob" if trials else kind, at=at))
    return objects.config(
        f"{name}-plan",
        {PLAN: document},
        node=node,
        origin=pipeline.origin,
        component=CONDUCTOR,
        parts=parts,
        origins=origins,
    )


def _conductor(objects: Objects, pipeline: Pipeline, node: str, config: str) -> dict[str, Any]:
    """The pod that conducts a run."""
    project = objects.project
    volumes = Volumes(objects, node, pipeline.origin)
    start = pod.launched(volumes, objects, "conduct.py", "")
    volumes.config("plan", config, f"{pod.FOLDER}/{PLAN}", key=PLAN)
    start["args"] = [*start["args"], f"{pod.FOLDER}/{PLAN}"]
    env: dict[str, environment.Value] = {**environment.tracking(project), **plan.CONDUCTOR_ENV}
    image = tools.small(project, objects.context.platform)
    container = pod.our_container(objects, image, volumes, env, start)
    return pod.template(
        objects,
        [container],
        volumes,
        node=node,
        component=CONDUCTOR,
        role="control",
        account=objects.name(CONDUCTOR),
        token=True,
        grace=60,
    )


def _cron_job(objects: Objects, pipeline: Pipeline, node: str, name: str, job: Mapping[str, Any]) -> None:
    """What starts runs by the clock, and what people make Jobs from: `kubectl create job --from=cronjob/NAME`."""
    schedule, environment_ = pipeline.schedule, objects.project.environment
    keep = int(objects.context.platform.keep_runs)
    active = bool(schedule.cron) and environment_.start == "schedule" and environment_.mode != "development"
    objects.add(
        "CronJob",
        name,
        {
            "spec": {
                "schedule": schedule.cron or NEVER,
                "timeZone": schedule.timezone if schedule.cron else "Etc/UTC",
                "concurrencyPolicy": _POLICY[schedule.concurrency],
                "suspend": not active,
                "startingDeadlineSeconds": 3600,
                "successfulJobsHistoryLimit": 3,
                "failedJobsHistoryLimit": 3,
                "jobTemplate": {
                    "metadata": {"labels": metadata.labels(objects.project, node, CONDUCTOR)},
                    "spec": {**job, **({"ttlSecondsAfterFinished": keep} if keep else {})},
                },
            }
        },
        node=node,
        origin=pipeline.origin,
        component=CONDUCTOR,
    )


def _rights(objects: Objects, manifests: list[Manifest], origin: Origin) -> None:
    """Who the conductor is, and what it may do in the namespace: make these kinds, and look at their pods."""
    name = account(objects, objects.name(CONDUCTOR), origin, node="graph")
    always = [{"apiVersion": "batch/v1", "kind": "Job"}, {"apiVersion": "v1", "kind": "Service"}]
    rules = plan.rules([*manifests, *always])
    common: dict[str, Any] = {"node": "graph", "origin": origin, "wave": metadata.BASE, "component": CONDUCTOR}
    objects.add("Role", name, {"rules": rules}, **common)
    objects.add(
        "RoleBinding",
        name,
        {
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": objects.namespace}],
        },
        **common,
    )
