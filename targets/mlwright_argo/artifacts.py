"""Files from step to step by Argo's own artifacts, where `storage.artifacts` is an object store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from mlwright.emit.kube.environment import secret_object
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.operated import operated
from mlwright.ir import Json, Node, Project, Search, Storage, Task
from mlwright.target import EmitContext
from mlwright_argo.text import RUN

_FOLDER = "/mlwright/artifacts"
_OWN = "/mlwright/outputs"
_KEY = "default"
_FIELD = {"s3": "s3", "gs": "gcs", "azure": "azure"}
"""Type of storage -> the field of an artifact that says where it is."""
_AWS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_SMALL = ("int", "float", "bool", "mlflow-model")
"""Types of outputs that no file is carried for."""


class Carrier:
    """Which files Argo carries: in all pipelines the same, as these share documents. Models and small values are the
    tracking server's anywhere, and so are outputs of steps in objects of their own, and what these read: their pods are
    not Argo's."""

    def __init__(self, project: Project, context: EmitContext) -> None:
        self._type, self._prefix = project.artifacts.type, urlsplit(project.artifacts.uri).path.strip("/")
        tasks = [task for node in project.nodes for task in _tasks(node)]
        elsewhere = {step for task in tasks if operated(context, task) for step in _read(task)}
        self._steps = {
            id: task.name
            for node in project.nodes
            for id, task in _makers(node)
            if self._type in _FIELD and not operated(context, task) and id not in elsewhere and _files(task)
        }

    def document(self, document: dict[str, Json], task: Task, made: str | None = None) -> dict[str, Json]:
        """A step's document with the folders that its files are in. `made` is the node whose outputs these are, where
        they are not the task's own; empty for nobody's."""
        if self._type not in _FIELD:
            return document
        usual = document["artifacts"]
        assert isinstance(usual, dict)
        own: dict[str, Json] = {"type": "directory", "path": _OWN} if self._makes(task, made) else dict(usual)
        folders: dict[str, Json] = {step: f"{_FOLDER}/{self._steps[step]}" for step in self._needed(task)}
        return {**document, "artifacts": {**own, "inputs": folders}}

    def inputs(self, task: Task) -> list[dict[str, Any]]:
        """Input artifacts of a step's template; a step that was skipped has left nothing."""
        return [
            {"name": f"of-{name}", "path": f"{_FOLDER}/{name}", "optional": True, **self._at(name)}
            for name in (self._steps[step] for step in self._needed(task))
        ]

    def outputs(self, made: dict[str, Any], task: Task, of: str | None = None) -> dict[str, Any]:
        """`outputs` of a step's template, and the folder of its pod that they are in; empty where it has none."""
        if not self._makes(task, of):
            return {}
        made["spec"]["volumes"].append({"name": "artifacts", "emptyDir": {}})
        box = made["spec"]["containers"][0]
        box["volumeMounts"] = [*box["volumeMounts"], {"name": "artifacts", "mountPath": _OWN}]
        name = self._steps[task.id if of is None else of]
        found = {"name": "outputs", "path": _OWN, "optional": True, "archive": {"none": {}}, **self._at(name)}
        return {"outputs": {"artifacts": [found]}}

    def _makes(self, task: Task, of: str | None) -> bool:
        return (task.id if of is None else of) in self._steps

    def _needed(self, task: Task) -> list[str]:
        return [step for step in dict.fromkeys(_read(task)) if step in self._steps]

    def _at(self, name: str) -> dict[str, Any]:
        """The key of a step's files in this run; the bucket and what opens it are the repository's."""
        key = "/".join(part for part in (self._prefix, "runs", RUN, name) if part)
        if self._type == "azure":
            return {"azure": {"blob": key, "container": "", "endpoint": ""}}
        return {_FIELD[self._type]: {"key": key}}


def repository(objects: Objects) -> dict[str, Any]:
    """The workflow's reference to the project's own artifact repository, whose ConfigMap is kept."""
    project = objects.project
    storage = project.artifacts
    if storage.type not in _FIELD:
        return {}
    name = objects.config(
        objects.name("artifacts"),
        {_KEY: {_FIELD[storage.type]: _location(project, storage)}},
        node=f"storage.{storage.name}",
        origin=storage.origin,
        as_kind="ArtifactRepository",
    )
    return {"artifactRepositoryRef": {"configMap": name, "key": _KEY}}


def _location(project: Project, storage: Storage) -> dict[str, Any]:
    parts = urlsplit(storage.uri)
    keys = _keys(project, storage)
    match storage.type:
        case "s3":
            known = [keys[name] for name in _AWS if name in keys]
            first = known if len(known) == 2 else list(keys.values())[:2]
            opened: dict[str, Any] = dict(zip(("accessKeySecret", "secretKeySecret"), first, strict=False))
            opened = opened or {"useSDKCreds": True}
            return {"endpoint": "s3.amazonaws.com", "bucket": parts.netloc, **opened}
        case "gs":
            file = {"serviceAccountKeySecret": next(iter(keys.values()))} if keys else {}
            return {"bucket": parts.netloc, **file}
        case _:
            container, _, account = parts.netloc.partition("@")
            place = {"endpoint": f"https://{account.replace('.dfs.', '.blob.')}", "container": container}
            return {**place, **({"accountKeySecret": next(iter(keys.values()))} if keys else {"useSDKCreds": True})}


def _keys(project: Project, storage: Storage) -> dict[str, dict[str, str]]:
    """References to the keys of the secret that opens the storage, by their names."""
    found = next((secret for secret in project.secrets if secret.name == storage.secret), None)
    return {key: {"name": secret_object(project, found.name), "key": key} for key in found.keys} if found else {}


def _tasks(node: Node) -> Iterable[Task]:
    if isinstance(node, Task):
        yield node
    elif isinstance(node, Search):
        yield node.trial


def _makers(node: Node) -> Iterable[tuple[str, Task]]:
    """The ids under which others know outputs: the best trial's are the training's, where that is not run."""
    if isinstance(node, Task):
        yield node.id, node
    elif isinstance(node, Search) and not node.retrain:
        yield node.training, node.trial


def _read(task: Task) -> list[str]:
    """The nodes whose outputs a step reads."""
    return [step for step, found, _ in (path.partition(".outputs.") for path in task.inputs) if found]


def _files(task: Task) -> bool:
    return task.contract == "launcher" and any(output.type not in _SMALL for output in task.outputs)
