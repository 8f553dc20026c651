"""Training runtimes of the project's own, for steps whose framework ops list no runtime for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlwright.emit.kube import jobs, metadata
from mlwright.emit.kube.names import hashed
from mlwright.emit.kube.objects import Objects
from mlwright.ir import Task
from mlwright_kubeflow import groups

Manifest = dict[str, Any]

NODE = "node"
"""The container that Trainer starts the program in, and the group that it is in."""
SSH = "/mlwright/ssh"
"""Where the keys are by which `mpirun` logs into the other nodes."""
SSH_PORT = 2222
_LAUNCHER = "launcher"
_ANCESTOR = "trainer.kubeflow.org/trainjob-ancestor-step"
_FRAMEWORK = "trainer.kubeflow.org/framework"
_LOST = 3
"""How often the group starts anew after a pod was lost."""
_WAIT = 120
"""Seconds that the pods of a gang wait for each other before they make room for others."""
_SSHD = (
    "Port=2222",
    f"HostKey={SSH}/id_rsa",
    f"AuthorizedKeysFile={SSH}/authorized_keys",
    "PidFile=none",
    "StrictModes=no",
    "UsePAM=no",
)


def own_runtime(objects: Objects, task: Task, template: Mapping[str, Any]) -> str:
    """The name of the TrainingRuntime of a step, called after its content: all of its pods but what one run knows."""
    name = hashed(objects.name(task.name))
    if objects.has("TrainingRuntime", name):
        return name
    policy = _group_policy(objects, task)
    nodes = 1 if groups.over_ssh(task) else task.distributed.nodes_max  # of the launchers; a job says the rest
    (container,) = template["spec"]["containers"]
    bare = {key: value for key, value in container.items() if key != "env"}  # the TrainJob's
    template = {**template, "spec": {**template["spec"], "containers": [bare]}}
    body = {
        "spec": {
            "mlPolicy": {"numNodes": nodes, **_policy(objects, task)},
            **({"podGroupPolicy": policy} if policy else {}),
            "template": {"spec": _job_set(objects, task, template)},
        }
    }
    return objects.add(
        "TrainingRuntime",
        name,
        body,
        node=task.id,
        origin=task.origin,
        component=task.name,
        wave=metadata.BASE,
        labels={_FRAMEWORK: metadata.label(task.framework or groups.policy(task))},
        annotations=objects.outlives,
    )


def _policy(objects: Objects, task: Task) -> Manifest:
    match groups.policy(task):
        case "torch":
            return {"torch": {}}
        case "mpi" if groups.over_ssh(task):
            each = task.distributed.processes_per_node
            how = {"mpiImplementation": "OpenMPI", "sshAuthMountPath": SSH, "runLauncherAsNode": True}
            return {"mpi": {"numProcPerNode": each, **how}}
        case "jax" | "xgboost" as policy if objects.context.platform.at_least("kubeflow.trainer", "2.2"):
            return {policy: {}}
        case _:
            return {}


def _group_policy(objects: Objects, task: Task) -> Manifest:
    """Trainer counts the pods of a gang itself; Kueue does so by its queue."""
    match objects.context.platform.placement(task.container.placement).gang:
        case "coscheduling" if task.spread:
            return {"coscheduling": {"scheduleTimeoutSeconds": _WAIT}}
        case "volcano" if task.spread and objects.context.platform.at_least("kubeflow.trainer", "2.1"):
            return {"volcano": {}}
        case _:
            return {}


def _job_set(objects: Objects, task: Task, template: Mapping[str, Any]) -> Manifest:
    """The groups as replicated jobs. A pod that was lost takes its group with it, and all start anew; whatever else
    the launcher said after its attempts is final."""
    trainer = {"labels": {_ANCESTOR: "trainer"}}
    if groups.over_ssh(task):
        waiting = {"dependsOn": [{"name": NODE, "status": "Ready"}]}
        replicated = [
            {"name": NODE, "template": {"spec": _job(objects, task, _listening(template))}},
            {
                "name": _LAUNCHER,
                **waiting,
                "template": {"metadata": trainer, "spec": _job(objects, task, template)},
            },
        ]
        last = _LAUNCHER
    else:
        replicated = [{"name": NODE, "template": {"metadata": trainer, "spec": _job(objects, task, template)}}]
        for group in groups.groups(task)[1:]:
            count = {"completionMode": "Indexed", "completions": group.count, "parallelism": group.count}
            spec = {**count, **_job(objects, task, _renamed(template, group.name), group.name)}
            replicated.append({"name": group.name, "template": {"spec": spec}})
        last = groups.leader(task)
    alone = len(replicated) == 1
    again = 0 if task.distributed.launcher == "torchrun" else task.distributed.max_restarts  # it does so itself
    final = {"name": "programs", "action": "FailJobSet", "onJobFailureReasons": ["PodFailurePolicy"]}
    return {
        "network": {"publishNotReadyAddresses": True},
        **({} if alone else {"successPolicy": {"operator": "All", "targetReplicatedJobs": [last]}}),
        "failurePolicy": {"maxRestarts": max(_LOST, again), **({} if again else {"rules": [final]})},
        "replicatedJobs": replicated,
    }


def _job(objects: Objects, task: Task, template: Mapping[str, Any], container: str = NODE) -> Manifest:
    lost = {"action": "Count", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    codes = {"containerName": container, "operator": "NotIn", "values": [69, 137, 143]}
    limit = {}
    if task.timeout and not objects.context.platform.has("trainjob_runtime_patches"):
        limit = {"activeDeadlineSeconds": jobs.deadline(task)}
    return {
        "backoffLimit": 0,
        "podFailurePolicy": {"rules": [lost, {"action": "FailJob", "onExitCodes": codes}]},
        **limit,
        "template": dict(template),
    }


def _listening(template: Mapping[str, Any]) -> Manifest:
    """A node that waits for `mpirun` to log in."""
    (container,) = template["spec"]["containers"]
    words = [word for option in _SSHD for word in ("-o", option)]
    waiting = {
        **container,
        "command": ["/usr/sbin/sshd"],
        "args": ["-De", "-f", "/dev/null", *words],
        "readinessProbe": {"tcpSocket": {"port": SSH_PORT}, "initialDelaySeconds": 5},
    }
    return {**template, "spec": {**template["spec"], "containers": [waiting]}}


def _renamed(template: Mapping[str, Any], name: str) -> Manifest:
    """The pod of a role, whose variables are the run's."""
    (container,) = template["spec"]["containers"]
    return {**template, "spec": {**template["spec"], "containers": [{**container, "name": name}]}}
