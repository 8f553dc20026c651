"""Steps on several nodes as the training operator's jobs, one kind for each framework: the first version of Trainer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlwright.emit.kube import environment, jobs, plan
from mlwright.emit.kube.gang import near
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.placement import queue_label
from mlwright.ir import Pipeline, Task
from mlwright.record import dataclass
from mlwright_kubeflow import groups

Manifest = dict[str, Any]

_INDEX: environment.Value = {"fieldRef": {"fieldPath": "metadata.labels['training.kubeflow.org/replica-index']"}}
_JOB = "MLWRIGHT_TRAINJOB"
_LOST = 3
"""How many lost pods are made again. Those whose program failed are not: the launcher has made all attempts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of job: where it has its groups of pods, and what it calls a container and its port. `first` is the group
    of the one pod that leads, which counts as a node; "" where the workers lead themselves."""

    name: str
    replicas: str
    container: str
    port: tuple[str, int]
    first: str = ""


_TORCH = Kind(
    name="PyTorchJob",
    replicas="pytorchReplicaSpecs",
    container="pytorch",
    port=("pytorchjob-port", 23456),
    first="Master",
)
_KINDS: dict[groups.Policy, Kind] = {
    "torch": _TORCH,
    "plain": _TORCH,
    "mpi": Kind(
        name="MPIJob",
        replicas="mpiReplicaSpecs",
        container="mpi",
        port=("rendezvous", jobs.RENDEZVOUS),
        first="Launcher",
    ),
    "jax": Kind(name="JAXJob", replicas="jaxReplicaSpecs", container="jax", port=("jaxjob-port", 6666)),
    "xgboost": Kind(
        name="XGBoostJob",
        replicas="xgbReplicaSpecs",
        container="xgboost",
        port=("xgboostjob-port", 9999),
        first="Master",
    ),
    "tensorflow": Kind(name="TFJob", replicas="tfReplicaSpecs", container="tensorflow", port=("tfjob-port", 2222)),
    "paddle": Kind(name="PaddleJob", replicas="paddleReplicaSpecs", container="paddle", port=("master", 36543)),
}
_ROLES = {"ps": "PS", "chief": "Chief", "evaluator": "Evaluator"}


def operator_job(objects: Objects, pipeline: Pipeline, task: Task) -> Manifest:
    """The job of a step, of the kind that its launcher or its framework asks for."""
    kind = _kind(task)
    name = plan.name(task.name, task.name, groups.NAME_LIMIT)
    env = {**jobs.step_environment(objects, pipeline, task), **_place(task, kind)}
    template = jobs.task_template(objects, task, env, near(objects, task), name=kind.container, port=kind.port)
    del template["spec"]["restartPolicy"]
    return {
        "apiVersion": objects.context.platform.api(kind.name),
        "kind": kind.name,
        "metadata": {
            "name": name,
            "namespace": objects.namespace,
            "labels": {**template["metadata"]["labels"], **queue_label(objects, task.container)},
        },
        "spec": {
            "runPolicy": _run_policy(objects, task),
            **_special(task, kind),
            kind.replicas: dict(_replicas(task, kind, template)),
        },
    }


def elastic(task: Task) -> bool:
    """Whether nodes may come and go."""
    return task.distributed.nodes_min < task.distributed.nodes_max


def _kind(task: Task) -> Kind:
    policy = groups.policy(task)
    if task.framework == "lightgbm" and policy == "plain":
        policy = "xgboost"  # the kind tells programs of both what they ask for
    return _KINDS[policy]


def _place(task: Task, kind: Kind) -> dict[str, environment.Value]:
    """Which pod leads, and where all meet, where neither the operator says so (`RANK`, `MASTER_ADDR`) nor one pod alone
    starts the step. JAX is told in the words of its own, which Trainer uses, too."""
    if kind.first and not elastic(task):
        return {}
    label = {"fieldRef": {"fieldPath": "metadata.labels['training.kubeflow.org/job-name']"}}
    first = f"$({_JOB})-{'chief' if groups.leader(task) == 'chief' else 'worker'}-0"
    found: dict[str, environment.Value] = {groups.RANK: _INDEX, _JOB: label}
    found |= {"MASTER_ADDR": environment.Expanded(first), "MASTER_PORT": str(kind.port[1])}
    if kind.name == "JAXJob":
        found["JAX_COORDINATOR_ADDRESS"] = environment.Expanded(f"{first}:{kind.port[1]}")
        found |= {"JAX_NUM_PROCESSES": str(task.distributed.nodes_max), "JAX_PROCESS_ID": _INDEX}
    return found


def _run_policy(objects: Objects, task: Task) -> Manifest:
    place = objects.context.platform.placement(task.container.placement)
    together = place.gang in ("volcano", "coscheduling")
    fewest = task.distributed.nodes_min + sum(count for _, count in task.distributed.roles)
    return {
        "cleanPodPolicy": "Running",
        "backoffLimit": _LOST,
        **({"activeDeadlineSeconds": jobs.deadline(task)} if task.timeout else {}),
        **({"schedulingPolicy": {"minAvailable": fewest}} if together else {}),
    }


def _special(task: Task, kind: Kind) -> Manifest:
    spread = task.distributed
    match kind.name:
        case "PyTorchJob":
            made: Manifest = {"nprocPerNode": str(spread.processes_per_node)}
            if elastic(task):
                made["elasticPolicy"] = {
                    "minReplicas": spread.nodes_min,
                    "maxReplicas": spread.nodes_max,
                    "rdzvBackend": "c10d",
                    "maxRestarts": spread.max_restarts,
                }
            return made
        case "PaddleJob" if elastic(task):
            return {
                "elasticPolicy": {
                    "minReplicas": spread.nodes_min,
                    "maxReplicas": spread.nodes_max,
                    "maxRestarts": spread.max_restarts,
                }
            }
        case "MPIJob":
            return {"slotsPerWorker": spread.processes_per_node, "mainContainer": kind.container}
        case _:
            return {}


def _replicas(task: Task, kind: Kind, template: Mapping[str, Any]) -> Iterator[tuple[str, Manifest]]:
    """The groups of pods by their type. A pod that was killed is made again; other ends are final."""
    nodes = task.distributed.nodes_max
    chief = any(name == "chief" for name, _ in task.distributed.roles)
    if kind.first and not elastic(task):
        yield kind.first, _replica(1, _launching(task, template) if kind.name == "MPIJob" else template)
        nodes -= 1
    worker = _waiting(template) if kind.name == "MPIJob" else _ranked(template) if chief else template
    if nodes:
        yield "Worker", _replica(nodes, worker)
    for name, count in task.distributed.roles:
        role = "Master" if kind.name == "PaddleJob" else _ROLES[name]
        yield role, _replica(count, template if name == "chief" else _ranked(template))


def _replica(count: int, template: Mapping[str, Any]) -> Manifest:
    return {"replicas": count, "restartPolicy": "ExitCode", "template": dict(template)}


def _launching(task: Task, template: Mapping[str, Any]) -> Manifest:
    """The pod that `mpirun` starts in: the operator's account of the job lets it start programs in the others."""
    spec = {**template["spec"], "automountServiceAccountToken": True}
    if not task.container.identity:
        del spec["serviceAccountName"]
    return {**template, "spec": spec}


def _waiting(template: Mapping[str, Any]) -> Manifest:
    """A node that waits for `mpirun` to start programs in it."""
    (container,) = template["spec"]["containers"]
    return _with(template, {**container, "command": ["sleep"], "args": ["infinity"]})


def _ranked(template: Mapping[str, Any]) -> Manifest:
    """The pod of a group that does not lead."""
    (container,) = template["spec"]["containers"]
    follows = [{"name": groups.RANK, "value": groups.FOLLOWS}]
    env = [entry for entry in container["env"] if entry["name"] != groups.RANK]
    return _with(template, {**container, "env": [*env, *follows]})


def _with(template: Mapping[str, Any], container: Mapping[str, Any]) -> Manifest:
    return {**template, "spec": {**template["spec"], "containers": [dict(container)]}}
