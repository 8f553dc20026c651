"""Pods as Kubeflow Pipelines has them: an executor in the pipeline's language, and what Kubernetes has to know beside
it. What its pods cannot have runs as a Job of our own instead, which a small pod follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlwright.emit import json, stepdoc, tools
from mlwright.emit.kube import environment, jobs, operated, plan, pod
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.placement import queue_label
from mlwright.emit.kube.volumes import Volumes
from mlwright.emit.places import Places
from mlwright.emit.secrets import of_task
from mlwright.ir import Gates, Json, Pipeline, Registration, Search, Task
from mlwright.record import dataclass
from mlwright.target import Embedded

Spec = dict[str, Any]

INPUT = ("--executor-input", "{{$}}")
"""The words that hand everything of the engine's to a program: values, not text in a command."""
_NODE = {"fieldRef": {"fieldPath": "metadata.annotations['workflows.argoproj.io/node-name']"}}
_DOCUMENT = f"{pod.FOLDER}/document"
_UNITS = {"m": 1e-3, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}
_LONGEST = 96 * 1024
"""Bytes of a document that are an argument still: Linux takes 128 KiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """`container` is an executor's, `config` what the platform's part of the pipeline says of it."""

    container: Spec
    config: Spec


def outside(objects: Objects, task: Task) -> bool:
    """Whether a step runs in objects of its own: those of an operator, or a Job, for what the engine's pods cannot
    have."""
    box, context = task.container, objects.context
    place = context.platform.placement(box.placement)
    asked = box.resources
    local = {source.name for source in objects.project.data if source.local}
    return (
        operated.operated(context, task)
        or task.contract == "bare"
        or any(mount.kind in ("file", "data") or mount.read_only for mount in box.mounts)
        or bool(local & set(task.data))
        or bool(box.identity or box.security.run_as_root or box.security.read_only_root)
        or bool(asked.disk or asked.extended)
        or bool(place.priority_class or place.scheduler or context.platform.file.pods.runtime_class)
    )


def step(objects: Objects, pipeline: Pipeline, task: Task) -> Pod:
    """The pod of a step: its own, or the one that follows its objects."""
    if outside(objects, task):
        return operator(objects, pipeline, task)
    env: dict[str, environment.Value] = {
        **environment.tracking(objects.project),
        "MLWRIGHT_NODE": _NODE,
        **environment.secrets(objects.project, of_task(objects.project, task)),
        **environment.identity(),
    }
    volumes = _programs(objects, task)
    volumes.task(task)
    start = _start("step.py", _step_document(objects, pipeline, task), objects, task, volumes)
    container = pod.user_container(objects, task.container, volumes, env, start)
    more = {"activeDeadlineSeconds": jobs.deadline(task)} if task.timeout else {}
    made = pod.template(
        objects,
        [container],
        volumes,
        node=task.id,
        component=task.name,
        box=task.container,
        labels=queue_label(objects, task.container),
        more=more,
    )
    return _translated(objects, made)


def operator(objects: Objects, pipeline: Pipeline, node: Search | Task) -> Pod:
    """The small pod that makes and follows the objects of a node."""
    volumes = _programs(objects, node)
    volumes.config("document", operated.operation(objects, pipeline, node), _DOCUMENT)
    words = [f"{pod.RUNTIME}/operate.py", f"{_DOCUMENT}/{pod.DOCUMENT}", *INPUT]
    env: dict[str, environment.Value] = {"MLWRIGHT_NODE": _NODE, **plan.OPERATOR_ENV}
    return _ours(objects, volumes, words, node.id, node.name, env, role="control")


def items(objects: Objects, pipeline: Pipeline, task: Task) -> Pod:
    """The pod that decides whether, and how often, a step starts."""
    volumes = _programs(objects, task)
    start = _start("step.py", _step_document(objects, pipeline, task), objects, task, volumes, "items")
    return _ours(objects, volumes, start["args"], task.id, task.name, {})


def program(objects: Objects, node: Gates | Registration) -> Pod:
    """The pod of a gate or a registration."""
    volumes = _programs(objects, node)
    document: dict[str, Json]
    if isinstance(node, Gates):
        file, document = "gate.py", stepdoc.gate_document(objects.project, node)
    else:
        file, document = "register.py", stepdoc.register_document(objects.project, node)
    start = _start(file, document, objects, node, volumes)
    return _ours(objects, volumes, start["args"], node.id, node.name, {"MLWRIGHT_NODE": _NODE})


def root(objects: Objects, pipeline: Pipeline, document: dict[str, Json], kind: str) -> Pod:
    """The pod that opens or closes the run."""
    node = f"pipelines.{pipeline.name}"
    volumes = Volumes(objects, node, pipeline.origin)
    volumes.config("runtime", pod.programs(objects), pod.RUNTIME)
    words = [f"{pod.RUNTIME}/root.py", Embedded(document), *INPUT]
    return _ours(objects, volumes, words, node, kind, {})


def _programs(objects: Objects, node: Task | Search | Gates | Registration) -> Volumes:
    volumes = Volumes(objects, node.id, node.origin)
    volumes.config("runtime", pod.programs(objects), pod.RUNTIME)
    return volumes


def _start(
    file: str,
    document: dict[str, Json],
    objects: Objects,
    node: Task | Gates | Registration,
    volumes: Volumes,
    *verb: str,
) -> Spec:
    """`command` and `args` of a program; its document is an argument, which the engine's local runner has, too."""
    given: Any = Embedded(document)
    if len(json.inert(document)) > _LONGEST:
        volumes.config("document", jobs.document_config(objects, node, document), _DOCUMENT)
        given = f"{_DOCUMENT}/{pod.DOCUMENT}"
    return {"command": ["python3", "-S"], "args": [f"{pod.RUNTIME}/{file}", *verb, given, *INPUT]}


def _step_document(objects: Objects, pipeline: Pipeline, task: Task) -> dict[str, Json]:
    """The step's document with the pipeline's values as defaults: what the engine cannot carry, it has."""
    document = stepdoc.step_document(objects.project, task, Places(objects.project))
    params = document["params"]
    assert isinstance(params, dict)
    for name, value in pipeline.params:
        entry = params.get(name)
        if isinstance(entry, dict) and name not in dict(task.values):
            entry["default"] = value
    return document


def _ours(
    objects: Objects,
    volumes: Volumes,
    words: list[Any],
    node: str,
    component: str,
    env: Mapping[str, environment.Value],
    *,
    role: Any = "step",
) -> Pod:
    image = tools.small(objects.project, objects.context.platform)
    start = {"command": ["python3", "-S"], "args": words}
    full = {**environment.tracking(objects.project), **env}
    container = pod.our_container(objects, image, volumes, full, start)
    return _translated(objects, pod.template(objects, [container], volumes, node=node, component=component, role=role))


def _translated(objects: Objects, template: Spec) -> Pod:
    """A pod template in the engine's words. Every field that `outside` lets in is here."""
    spec, box = template["spec"], template["spec"]["containers"][0]
    env = box["env"]
    container = {
        "image": box["image"],
        "command": box["command"],
        "args": box["args"],
        "env": [entry for entry in env if "value" in entry],
        "resources": _resources(box["resources"]),
    }
    secrets: dict[str, list[Spec]] = {}
    fields = []
    for entry in env:
        source = entry.get("valueFrom") or {}
        if reference := source.get("secretKeyRef"):
            secrets.setdefault(reference["name"], []).append({"secretKey": reference["key"], "envVar": entry["name"]})
        elif reference := source.get("fieldRef"):
            fields.append({"name": entry["name"], "fieldPath": reference["fieldPath"]})
    security = spec["securityContext"]
    user = {"runAsUser": security["runAsUser"], "runAsGroup": security["runAsGroup"]}
    config = {
        "secretAsEnv": [
            {"secretName": name, **_constant("secretNameParameter", name), "keyToEnv": keys, "optional": False}
            for name, keys in secrets.items()
        ],
        "fieldPathAsEnv": fields,
        **_volumes(spec["volumes"], box["volumeMounts"]),
        "nodeSelector": {"labels": found} if (found := spec.get("nodeSelector")) else {},
        "tolerations": spec.get("tolerations", []),
        "podMetadata": template["metadata"],
        "imagePullSecret": [
            {"secretName": one["name"], **_constant("secretNameParameter", one["name"])}
            for one in spec.get("imagePullSecrets", [])
        ],
        "imagePullPolicy": box["imagePullPolicy"],
        "activeDeadlineSeconds": str(spec["activeDeadlineSeconds"]) if "activeDeadlineSeconds" in spec else "",
        "securityContext": _security(user) if objects.context.platform.has("kfp_security_context") else {},
    }
    return Pod(container=container, config={key: value for key, value in config.items() if value})


def _constant(key: str, value: str) -> Spec:
    return {key: {"runtimeValue": {"constant": value}}}


def _security(user: Mapping[str, int]) -> Spec:
    return {**{key: str(value) for key, value in user.items()}, "runAsNonRoot": True}


def _volumes(volumes: list[Spec], mounts: list[Spec]) -> Spec:
    sources = {volume["name"]: volume for volume in volumes}
    configs, claims, empty, shared = [], [], [], {}
    for mount in mounts:
        source, path = sources[mount["name"]], mount["mountPath"]
        if found := source.get("configMap"):
            name = found["name"]
            config = {"configMapName": name, **_constant("configMapNameParameter", name), "mountPath": path}
            configs.append({**config, "optional": False})
        elif found := source.get("persistentVolumeClaim"):
            name = found["claimName"]
            claims.append({"constant": name, **_constant("pvcNameParameter", name), "mountPath": path})
        elif path == "/dev/shm":
            shared = {"volumeName": mount["name"], "size": source["emptyDir"].get("sizeLimit", "")}
        else:
            found = source["emptyDir"]
            limits = {key: found[key] for key in ("medium", "sizeLimit") if key in found}
            empty.append({"volumeName": mount["name"], "mountPath": path, **limits})
    return {"configMapAsVolume": configs, "pvcMount": claims, "emptyDirMounts": empty, "enabledSharedMemory": shared}


def _resources(asked: Spec) -> Spec:
    """Amounts as Kubernetes writes them and, for older releases, as doubles: cores and 10^9 bytes."""
    found: Spec = {}
    for kind, word in (("requests", "Request"), ("limits", "Limit")):
        for name, unit in (("cpu", "Cpu"), ("memory", "Memory")):
            if text := asked.get(kind, {}).get(name):
                amount = _amount(str(text))
                found[f"{name}{word}"] = amount if name == "cpu" else amount / 10**9
                found[f"resource{unit}{word}"] = str(text)
    for name, count in asked.get("limits", {}).items():
        if name not in ("cpu", "memory"):
            text = str(count)
            found["accelerator"] = {"type": name, "count": text, "resourceType": name, "resourceCount": text}
    return found


def _amount(text: str) -> float:
    unit = next((unit for unit in _UNITS if text.endswith(unit)), "")
    return float(text.removesuffix(unit)) * _UNITS.get(unit, 1)
