"""Steps on several nodes, and steps of a training runtime, as Trainer's jobs; where it is not, as the operator's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlwright.emit.kube import jobs, plan
from mlwright.emit.kube.gang import near
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.placement import queue_label
from mlwright.ir import Pipeline, Task
from mlwright_kubeflow import groups, initializers
from mlwright_kubeflow.operators import operator_job
from mlwright_kubeflow.runtimes import NODE, SSH, own_runtime

Manifest = dict[str, Any]
Patches = dict[str, tuple[Manifest, Manifest]]
"""Metadata and spec of pods, by the replicated job that they belong to."""

MANAGER = "mlwright.dev/compiler"
"""Who patches a runtime, as the TrainJob says."""
_POLICIES = "2.2"
"""Trainer's release that knows what JAX and XGBoost want."""
_SINCE = {
    "metadata": "2.1",
    "affinity": "2.1",
    "imagePullSecrets": "2.1",
    "securityContext": "2.2",
    "terminationGracePeriodSeconds": "2.3",
}
"""Since when a TrainJob may say these of the pods of a runtime that is not ours."""
_POD = ("serviceAccountName", "nodeSelector", "tolerations", "volumes", *_SINCE)


def training_manifests(objects: Objects, pipeline: Pipeline, task: Task) -> list[Manifest]:
    """The TrainJob of a step, or the job of the training operator's where that is what the platform has."""
    if objects.context.platform.has("kubeflow.trainer"):
        return [train_job(objects, pipeline, task)]
    return [operator_job(objects, pipeline, task)]


def train_job(objects: Objects, pipeline: Pipeline, task: Task) -> Manifest:
    """The TrainJob of a step: of the runtime that ops list for its framework, else of one of the project's own."""
    platform = objects.context.platform
    theirs = platform.file.runtimes.get(task.framework)
    longest = groups.FETCHED_LIMIT if theirs is not None and theirs.initializers else groups.NAME_LIMIT
    name = plan.name(task.name, task.name, longest)
    policy = groups.policy(task)
    newer = policy in ("jax", "xgboost") and platform.at_least("kubeflow.trainer", _POLICIES)
    given = newer or policy in ("torch", "mpi")
    env = {
        **jobs.step_environment(objects, pipeline, task),
        **(dict(groups.meeting(task, given=given)) if task.spread else {}),
        **({"MLWRIGHT_SSH": SSH} if theirs is None and groups.over_ssh(task) else {}),
    }
    document = initializers.document(objects, task)

    def template_of(group: str) -> Manifest:
        mine = {**env, **groups.of_group(task, group)}
        return jobs.task_template(objects, task, mine, near(objects, task), document=document, name=NODE)

    template = template_of(NODE)
    (container,) = template["spec"]["containers"]
    if theirs is None:
        reference = {"kind": "TrainingRuntime", "name": own_runtime(objects, task, template)}
        roles = {name: template_of(name)["spec"]["containers"][0]["env"] for name, _ in task.distributed.roles}
        patches = _of_own(objects, roles)
    else:
        reference = {"kind": theirs.kind, "name": theirs.name}
        names = (NODE, "launcher") if policy == "mpi" else (NODE,)
        patches = {str(name): _of_theirs(objects, template) for name in names}
    return {
        "apiVersion": platform.api("TrainJob"),
        "kind": "TrainJob",
        "metadata": {
            "name": name,
            "namespace": objects.namespace,
            "labels": {**template["metadata"]["labels"], **queue_label(objects, task.container)},
        },
        "spec": {
            "runtimeRef": {"apiGroup": "trainer.kubeflow.org", **reference},
            **initializers.of(objects, task),
            "trainer": _trainer(task, container, counted=theirs is not None or policy in ("torch", "mpi")),
            **_patched(objects, patches),
            **_deadline(objects, task),
        },
    }


def _trainer(task: Task, container: Mapping[str, Any], *, counted: bool) -> Manifest:
    """The program and its nodes; `counted` says how many processes a runtime starts on each."""
    return {
        **{key: container[key] for key in ("image", "command", "args", "env") if container.get(key)},
        "numNodes": task.distributed.nodes_max,
        **({"numProcPerNode": task.distributed.processes_per_node} if counted else {}),
        "resourcesPerNode": container["resources"],
    }


def _of_own(objects: Objects, roles: Mapping[str, list[Manifest]]) -> Patches:
    """What only one run knows of the pods of our own runtime: labels, and the variables of roles."""
    found: Patches = {name: ({}, {"containers": [{"name": name, "env": env}]}) for name, env in roles.items()}
    if _may(objects, "metadata"):
        found = {NODE: ({}, {"containers": [{"name": NODE}]}), **found}
    return found


def _of_theirs(objects: Objects, template: Mapping[str, Any]) -> tuple[Manifest, Manifest]:
    """What the pods of a runtime of ops are to have beside what it says: volumes, who they are, where they go."""
    (container,) = template["spec"]["containers"]
    mine = {"name": NODE, "volumeMounts": container["volumeMounts"]}
    if _may(objects, "securityContext"):
        mine["securityContext"] = container["securityContext"]
    spec = {key: template["spec"][key] for key in _POD if key in template["spec"] and _may(objects, key)}
    return dict(template["metadata"]), {**spec, "containers": [mine]}


def _may(objects: Objects, field: str) -> bool:
    return objects.context.platform.at_least("kubeflow.trainer", _SINCE.get(field, "2.0"))


def _patched(objects: Objects, patches: Patches) -> Manifest:
    """The patches in the words of the platform's release."""
    if not patches:
        return {}
    platform = objects.context.platform
    if platform.has("trainjob_runtime_patches"):
        replicated = [
            {"name": name, "template": {"spec": {"template": {**({"metadata": head} if head else {}), "spec": spec}}}}
            for name, (head, spec) in patches.items()
        ]
        inside = {"template": {"spec": {"replicatedJobs": replicated}}}
        return {"runtimePatches": [{"manager": MANAGER, "trainingRuntimeSpec": inside}]}
    if _may(objects, "metadata"):
        overrides = [
            {"targetJobs": [{"name": name}], **({"metadata": head} if head else {}), "spec": spec}
            for name, (head, spec) in patches.items()
        ]
        return {"podTemplateOverrides": overrides}
    return {"podSpecOverrides": [{"targetJobs": [{"name": name}], **spec} for name, (_, spec) in patches.items()]}


def _deadline(objects: Objects, task: Task) -> Manifest:
    """Before the release that has it, the runtime's Jobs say it."""
    if not task.timeout or not objects.context.platform.has("trainjob_runtime_patches"):
        return {}
    return {"activeDeadlineSeconds": jobs.deadline(task)}
