"""What one trial of an Experiment is: the step's Job, or the job of a training operator, with Katib's placeholders.

Katib puts values into the JSON text of the template as they are, starts the primary container's words by a shell, and
calls each object like its trial: so all words are inert, values come by variables, texts by their places in lists.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from mlwright.emit.kube import environment, operated, plan, pod
from mlwright.emit.kube.objects import Objects
from mlwright.ir import Pipeline, Search, Task
from mlwright.record import dataclass
from mlwright_kubeflow import groups
from mlwright_kubeflow.runtimes import NODE

Manifest = dict[str, Any]

NAME = "trialName"
"""The trial's parameter that is its name; no parameter of a project has capitals."""
_FILLED = "${{trialParameters.{}}}"
_TRIAL = _FILLED.format(NAME)
_GROUP = "mlwright.dev/trials"
"""The label by which the trials' pods of one Experiment are found."""
_JOB_INDEX = "batch.kubernetes.io/job-completion-index"
_USUAL = ("/tmp", environment.HOME, "/dev/shm")
_LEADERS = ("Master", "Chief", "Launcher")
_REPLICATED = "jobset.sigs.k8s.io/replicatedjob-name"
_REPLICA = "training.kubeflow.org/replica-{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """`template` is the Experiment's `trialTemplate`, `beside` what all trials share; `mounted` are the paths that the
    primary container has volumes at; `long`: what the trial's name is extended by is long."""

    template: Manifest
    beside: tuple[Manifest, ...] = ()
    mounted: frozenset[str] = frozenset()
    long: bool = False


def trial_of(objects: Objects, pipeline: Pipeline, node: Search) -> Trial:
    """One trial of `node`: what a step like it is made of, as a template."""
    searched = {dimension.param for dimension in node.space}
    given = replace(pipeline, params=tuple((name, value) for name, value in pipeline.params if name not in searched))
    main, *others = copy.deepcopy(operated.manifests(objects, given, node.trial))
    if main["kind"] == "Job":
        others = _met(main, others, node)
    own = main["metadata"]["name"]
    main = _replaced(main, own)
    for key in ("name", "namespace"):
        main["metadata"].pop(key, None)
    container, labels = _primary(objects, main, node.trial)
    values = {"MLWRIGHT_TRIAL": _TRIAL}
    values |= {f"MLWRIGHT_PARAM_{name.upper()}": _FILLED.format(name) for name in sorted(searched)}
    for variables in _environments(main):
        variables[:] = [entry for entry in variables if entry.get("name") not in values]
        variables += [{"name": name, "value": value} for name, value in values.items()]
        for entry in variables:
            if entry.get("value") == "":  # Katib's webhook misses it after converting a Job to its types and back
                del entry["value"]
    if objects.context.platform.has("istio"):  # Katib waits for the end of all processes in the pod
        for template in _templates(main):
            template.setdefault("metadata", {}).setdefault("labels", {})["sidecar.istio.io/inject"] = "false"
    parameters = [{"name": NAME, "reference": "${trialSpec.Name}"}]
    parameters += [{"name": dimension.param, "reference": dimension.param} for dimension in node.space]
    good = "Complete" if main["kind"] in ("Job", "TrainJob") else "Succeeded"
    return Trial(
        template={
            "primaryContainerName": container,
            **({"primaryPodLabels": labels} if labels else {}),
            "successCondition": _condition(good),
            "failureCondition": _condition("Failed"),
            "trialParameters": parameters,
            "trialSpec": main,
        },
        beside=tuple(others),
        mounted=frozenset({*_mounted(main, container), *_USUAL, *(one.target for one in node.trial.container.mounts)}),
        long=main["kind"] != "Job",
    )


def _met(main: Manifest, others: list[Manifest], node: Search) -> list[Manifest]:
    """Pods of one trial on several nodes meet by the names that a Service gives them: one for all trials, since Katib
    makes one object for each."""
    meeting = [manifest for manifest in others if manifest["kind"] == "Service"]
    for service in meeting:
        name = plan.name(f"{node.name}-nodes", f"{node.name}-nodes")
        service["metadata"]["name"] = name
        service["spec"]["selector"] = {_GROUP: name}
        template = main["spec"]["template"]
        template["metadata"]["labels"][_GROUP] = name
        template["spec"]["subdomain"] = name
        for variables in _environments(main):
            for entry in variables:
                if entry["name"] == "MASTER_ADDR":
                    entry["value"] = plan.text(f"{_TRIAL}-0.", name)
    return [manifest for manifest in others if manifest["kind"] != "PodGroup"]


def _primary(objects: Objects, main: Manifest, trial: Task) -> tuple[str, Manifest]:
    """The container that says the metrics, and the labels of its pod among those of the trial."""
    spec = main["spec"]
    if main["kind"] == "Job":
        return pod.MAIN, {_JOB_INDEX: "0"} if spec.get("completionMode") == "Indexed" else {}
    if main["kind"] == "TrainJob":
        group = groups.leader(trial)
        if _starts_from_launcher(objects, trial):
            return NODE, {_REPLICATED: "launcher", _JOB_INDEX: "0"}
        return group, {_REPLICATED: group, _JOB_INDEX: "0"}
    replicas = next(value for key, value in spec.items() if key.endswith("ReplicaSpecs"))
    leaders = () if main["kind"] == "PaddleJob" else _LEADERS  # whose masters are parameter servers
    leader = next((name for name in leaders if name in replicas), "")
    name = replicas[leader or "Worker"]["template"]["spec"]["containers"][0]["name"]
    if leader == "Launcher":
        return name, {_REPLICA.format("type"): "launcher"}
    if leader:
        return name, {"training.kubeflow.org/job-role": "master"}
    return name, {_REPLICA.format("type"): "worker", _REPLICA.format("index"): "0"}


def _starts_from_launcher(objects: Objects, trial: Task) -> bool:
    """Whether one pod more starts the programs in the others: always in a runtime of ops for MPI."""
    theirs = trial.framework in objects.context.platform.names("runtimes")
    return groups.over_ssh(trial) or (theirs and groups.policy(trial) == "mpi")


def _condition(kind: str) -> str:
    return f'status.conditions.#(type=="{kind}")#|#(status=="True")#'


def _replaced(value: Any, own: plan.RunText) -> Any:
    """`value` with the trial's name in the place of the job's own."""
    if isinstance(value, plan.RunText):
        if own.parts[0] not in value.parts:
            return value
        pieces = [_TRIAL if part == own.parts[0] else part for part in value.parts]
        if all(isinstance(piece, str) for piece in pieces):
            return "".join(str(piece) for piece in pieces)
        found = plan.RunText(str(value).replace(str(own), _TRIAL))
        found.parts = tuple(pieces)
        return found
    if isinstance(value, dict):
        return {key: _replaced(item, own) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_replaced(item, own) for item in value]
    return value


def _environments(value: Any) -> Iterator[list[dict[str, Any]]]:
    """The lists of variables of containers that run the launcher."""
    for item in _nodes(value):
        found = item.get("env")
        if isinstance(found, list) and any(entry.get("name") == environment.RUN for entry in found):
            yield found


def _templates(value: Any) -> Iterator[dict[str, Any]]:
    for item in _nodes(value):
        spec = item.get("spec")
        if isinstance(spec, dict) and isinstance(spec.get("containers"), list):
            yield item


def _mounted(main: Manifest, container: str) -> Iterator[str]:
    for item in _nodes(main):
        if item.get("name") == container and isinstance(item.get("volumeMounts"), list):
            yield from (str(mount["mountPath"]) for mount in item["volumeMounts"])


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in `value`."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _nodes(item)
