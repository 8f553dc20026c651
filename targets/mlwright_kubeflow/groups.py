"""The pods of a distributed step: which groups there are, which one leads, and how a framework's programs meet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from mlwright.emit import json
from mlwright.emit.kube import environment
from mlwright.emit.kube.jobs import RENDEZVOUS
from mlwright.ir import Task
from mlwright.record import dataclass

Policy = Literal["torch", "mpi", "jax", "xgboost", "tensorflow", "paddle", "plain"]

NAME_LIMIT = 40
"""Characters of a job's name, to which `-evaluator-0-0-` and a random end are put for its pods."""
FETCHED_LIMIT = 33
"""The same where the runtime has initializers: `-dataset-initializer-0-0-` comes after it."""
_JOB = "MLWRIGHT_JOBSET"
_INDEX = "JOB_COMPLETION_INDEX"
RANK = "MLWRIGHT_NODE_RANK"
"""The launcher's variable for which node of the step a pod is, where nothing else says so; 0 leads."""
FOLLOWS = "1"
"""Its value in a group that does not lead."""
COMPLETION: environment.Value = {
    "fieldRef": {"fieldPath": "metadata.annotations['batch.kubernetes.io/job-completion-index']"}
}
_LAUNCHED: dict[str, Policy] = {"torchrun": "torch", "accelerate": "torch", "mpirun": "mpi", "deepspeed": "mpi"}
_FRAMEWORKS: dict[str, Policy] = {
    "pytorch": "torch",
    "jax": "jax",
    "xgboost": "xgboost",
    "tensorflow": "tensorflow",
    "paddle": "paddle",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Pods that are alike: the workers, which are called `node`, or those of a role."""

    name: str
    count: int


def policy(task: Task) -> Policy:
    """How the processes of a step find each other: by the launcher, else by the framework."""
    return _LAUNCHED.get(task.distributed.launcher) or _FRAMEWORKS.get(task.framework, "plain")


def groups(task: Task) -> list[Group]:
    """The workers, then each role."""
    roles = (Group(name=name, count=count) for name, count in task.distributed.roles)
    return [Group(name="node", count=task.distributed.nodes_max), *roles]


def leader(task: Task) -> str:
    """The group whose first pod has the step's run: the chief, where there is one."""
    return "chief" if any(name == "chief" for name, _ in task.distributed.roles) else "node"


def over_ssh(task: Task) -> bool:
    """Whether one pod more starts the step's processes in all of them."""
    return policy(task) == "mpi" and task.distributed.nodes_max > 1


def host(group: str, index: int = 0) -> str:
    """The name by which one pod of a JobSet finds another, whatever the job is called: Kubernetes puts that in."""
    return f"$({_JOB})-{group}-0-{index}.$({_JOB})"


def meeting(task: Task, *, given: bool) -> Iterator[tuple[str, environment.Value]]:
    """The variables by which the pods of a JobSet find each other; `given`: Trainer adds those of its own policy."""
    first = host("launcher" if over_ssh(task) else leader(task))
    yield _JOB, {"fieldRef": {"fieldPath": "metadata.labels['jobset.sigs.k8s.io/jobset-name']"}}
    yield "MASTER_ADDR", environment.Expanded(first)
    yield "MASTER_PORT", str(RENDEZVOUS)
    if given:
        return
    nodes = str(task.distributed.nodes_max)
    match policy(task):
        case "jax":
            yield "JAX_NUM_PROCESSES", nodes
            yield "JAX_PROCESS_ID", COMPLETION
            yield "JAX_COORDINATOR_ADDRESS", environment.Expanded(f"{first}:{RENDEZVOUS}")
        case "xgboost":
            yield "DMLC_TRACKER_URI", environment.Expanded(first)
            yield "DMLC_TRACKER_PORT", str(RENDEZVOUS)
            yield "DMLC_TASK_ID", COMPLETION
            yield "DMLC_NUM_WORKER", str(task.distributed.nodes_max * task.distributed.processes_per_node)
        case "paddle":
            yield "PADDLE_JOB_ID", {"fieldRef": {"fieldPath": "metadata.labels['jobset.sigs.k8s.io/jobset-name']"}}
            yield "PADDLE_NNODES", str(sum(group.count for group in groups(task)))
            yield "PADDLE_MASTER", environment.Expanded(f"{first}:{RENDEZVOUS}")


def of_group(task: Task, group: str) -> dict[str, environment.Value]:
    """The variables that differ from one group to the next."""
    found: dict[str, environment.Value] = {}
    if group != leader(task):
        found[RANK] = FOLLOWS
    if policy(task) == "tensorflow":
        found |= {_INDEX: COMPLETION, "TF_CONFIG": environment.Expanded(_tf_config(task, group))}
    elif policy(task) == "paddle" and task.distributed.roles:
        found["PADDLE_TRAINER_NUM" if group == "node" else "PADDLE_SERVER_NUM"] = "1"
    return found


def _tf_config(task: Task, group: str) -> str:
    """What TensorFlow is told of all groups, and of the pod that it is in."""
    members = {_tf(one.name): [f"{host(one.name, at)}:{RENDEZVOUS}" for at in range(one.count)] for one in groups(task)}
    task_ = f'{{"type":"{_tf(group)}","index":$({_INDEX})}}'
    return f'{{"cluster":{json.canonical(members)},"task":{task_}}}'


def _tf(group: str) -> str:
    return "worker" if group == "node" else group
