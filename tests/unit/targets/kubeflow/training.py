"""What the tests of training jobs share: a step on several nodes, a platform, and the objects that it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mlwright import ir
from mlwright.emit.kube.objects import Objects
from mlwright.platform.model import Platform
from mlwright.platform.profile import Profile
from mlwright.spec.acceptance import accept
from mlwright.testing import programs
from mlwright_kubeflow.training import training_manifests

Json = dict[str, Any]

V2 = ("2.0", "2.1", "2.2", "2.3")
V1 = "1.9"


def platform(version: str, **sections: Any) -> Profile:
    """A cluster with this release of Trainer, or of the training operator, and the sections of its platform file."""
    system = "kubeflow.training_operator" if version.startswith("1.") else "kubeflow.trainer"
    base = {"apiVersion": "mlwright.dev/v1", "kind": "Platform", "orchestrator": "argo", "kubernetes": "1.36"}
    written = accept(Platform, {**base, **sections})
    systems = {"kubernetes": "1.36", "argo_workflows": "4.1", system: version}
    return Profile(name="cluster", orchestrator="argo", systems=systems, written=written)


def step(framework: str = "pytorch", launcher: str = "none", nodes: int = 2, **changes: Any) -> ir.Task:
    """`training`, a step on several nodes."""
    spread = {"roles": changes.pop("roles", ()), "processes_per_node": changes.pop("processes", 1)}
    for name in ("nodes_min", "max_restarts"):
        spread[name] = changes.pop(name, nodes if name == "nodes_min" else 0)
    distributed: Any = ir.Distributed(nodes_max=nodes, launcher=launcher, **spread)  # type: ignore[arg-type]
    box = programs.container("python", "train.py", **changes.pop("container", {}))
    return programs.task("training", framework=framework, distributed=distributed, container=box, **changes)


def made(task: ir.Task, profile: Profile, **changes: Any) -> tuple[Json, list[Json]]:
    """The job of a step, and the objects that it needs beside it."""
    project = programs.project(task, **changes)
    place = replace(project.environment, name="prod", platform="kubernetes", namespace="churn-prod")
    project = replace(project, environment=place)
    objects = Objects(project, programs.context(platform=profile, owners={task.id: "kubeflow"}), "argo")
    (job,) = training_manifests(objects, project.pipelines[0], task)
    beside = [document.data for document in objects.items() if document.data["kind"] != "Kustomization"]
    return job, beside


def runtime(beside: list[Json]) -> Json:
    """The one training runtime among objects."""
    (found,) = [each for each in beside if each["kind"] == "TrainingRuntime"]
    return found


def variables(entries: list[Json]) -> Mapping[str, Any]:
    """`env` by name."""
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in entries}
