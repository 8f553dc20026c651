"""The pods of a distributed step: which groups there are, which one leads, and how a framework's programs meet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from mlwright.emit.kube import environment, plan
from mlwright.emit.kube.jobs import RENDEZVOUS
from mlwright.ir import Task
from mlwright.record import dataclass

Policy = Literal["torch", "mpi", "jax", "xgboost", "tensorflow", "paddle", "plain"]

INDEX = "JOB_COMPLETION_INDEX"
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


def host(job: str, group: str, index: int = 0) -> plan.RunText:
    """The name by which one pod of a JobSet finds another."""
    return plan.text(job, f"-{group}-0-{index}.", job)


def meeting(task: Task, job: str, *, given: bool) -> Iterator[tuple[str, environment.Value]]:
    """The variables by which the pods of a JobSet find each other; `given`: Trainer adds those of its own policy."""
    first = host(job, leader(task))
    yield "MASTER_ADDR", first
    yield "MASTER_PORT", str(RENDEZVOUS)
    if given:
        return
    nodes = str(task.distributed.nodes_max)
    match policy(task):
        case "jax":
            yield "JAX_NUM_PROCESSES", nodes
            yield "JAX_PROCESS_ID", COMPLETION
            yield "JAX_COORDINATOR_ADDRESS", plan.text(first, f":{RENDEZVOUS}")
        case "xgboost":
            yield "DMLC_TRACKER_URI", first
            yield "DMLC_TRACKER_PORT", str(RENDEZVOUS)
            yield "DMLC_TASK_ID", COMPLETION
            yield "DMLC_NUM_WORKER", str(task.distributed.nodes_max * task.distributed.processes_per_node)
        case "paddle":
            yield "PADDLE_JOB_ID", job
            yield "PADDLE_NNODES", str(sum(group.count for group in groups(task)))
            yield "PADDLE_MASTER", plan.text(first, f":{RENDEZVOUS}")


def tf_config(task: Task, job: str, group: str) -> list[dict[str, Any]]:
    """`TF_CONFIG` of the pods of one group, as entries of `env`: Kubernetes puts the pod's index into it."""
    pieces: list[str] = ['{"cluster":{']
    for number, each in enumerate(groups(task)):
        pieces.append(f'{"," if number else ""}"{_tf(each.name)}":[')
        for index in range(each.count):
            pieces += ['"' if not index else ',"', host(job, each.name, index), f':{RENDEZVOUS}"']
        pieces.append("]")
    pieces.append(f'}},"task":{{"type":"{_tf(group)}","index":$({INDEX})}}}}')
    return [
        {"name": INDEX, "valueFrom": COMPLETION},
        {"name": "TF_CONFIG", "value": plan.text(*pieces)},
    ]


def _tf(group: str) -> str:
    return "worker" if group == "node" else group
