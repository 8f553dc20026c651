"""Pods that only make sense together: started at once or not at all, and near each other."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from mlwright.emit.kube import metadata
from mlwright.emit.kube.objects import Objects
from mlwright.ir import Task
from mlwright.record import dataclass

TOPOLOGY = "kueue.x-k8s.io/podset-required-topology"
_VOLCANO = "scheduling.k8s.io/group-name"
_COSCHEDULING = "scheduling.x-k8s.io/pod-group"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gang:
    """What the pods of one group have in common; `group` is the object that counts them, empty where none does."""

    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    spec: dict[str, Any] = field(default_factory=dict)
    group: dict[str, Any] = field(default_factory=dict)


def near(objects: Objects, task: Task) -> Gang:
    """What keeps the pods of a step of several nodes together wherever something else counts them: the topology and
    the scheduler of its placement."""
    place = objects.context.platform.placement(task.container.placement)
    annotations: dict[str, str] = {}
    spec: dict[str, Any] = {}
    if place.topology and place.queue:
        annotations[TOPOLOGY] = place.topology
    elif place.topology:
        labels = {"matchLabels": {**metadata.selector(objects.project, task.name), metadata.ROLE: "step"}}
        terms = [{"labelSelector": labels, "topologyKey": place.topology}]
        spec["affinity"] = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
    if place.gang == "volcano":
        spec["schedulerName"] = place.scheduler or "volcano"
    return Gang(annotations=annotations, spec=spec)


def gang(objects: Objects, task: Task, name: str) -> Gang:
    """The group `name` of the pods of a step of several nodes, by its placement. Kueue admits a Job's pods together by
    itself, from its queue."""
    found = near(objects, task)
    match objects.context.platform.placement(task.container.placement).gang:
        case "volcano":
            group = _group(objects, task, name, "volcano")
            return Gang(annotations={**found.annotations, _VOLCANO: name}, spec=found.spec, group=group)
        case "coscheduling":
            group = _group(objects, task, name, "scheduler_plugins")
            return Gang(labels={_COSCHEDULING: name}, annotations=found.annotations, spec=found.spec, group=group)
        case _:
            return found


def _group(objects: Objects, task: Task, name: str, system: str) -> dict[str, Any]:
    return {
        "apiVersion": objects.context.platform.api("PodGroup", system),
        "kind": "PodGroup",
        "metadata": {
            "name": name,
            "namespace": objects.namespace,
            "labels": metadata.labels(objects.project, task.id, task.name),
        },
        "spec": {"minMember": task.distributed.nodes_max},
    }
