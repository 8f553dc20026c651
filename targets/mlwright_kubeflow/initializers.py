"""Data that a training runtime of ops fetches itself, once, before the nodes start."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any, Literal

from mlwright.emit.kube import environment, jobs
from mlwright.emit.kube.objects import Objects
from mlwright.ir import DataSource, Json, Project, Task

Kind = Literal["dataset", "model"]

FOLDER = "/workspace"
"""Where runtimes mount what their initializers fetched."""
_DATASETS = "hf://datasets/"
_KEYS = {
    "HF_TOKEN": "ACCESS_TOKEN",
    "HUGGING_FACE_HUB_TOKEN": "ACCESS_TOKEN",
    "AWS_ACCESS_KEY_ID": "ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY": "SECRET_ACCESS_KEY",
    "AWS_REGION": "REGION",
    "AWS_DEFAULT_REGION": "REGION",
    "AWS_ENDPOINT_URL": "ENDPOINT",
}
"""Keys of secrets as clients of object stores know them, and what the initializers call them."""


def prepared(objects: Objects, task: Task) -> Iterator[tuple[Kind, DataSource]]:
    """The sources of a step that its runtime fetches: one dataset and one model, where it has an initializer for them.
    Of several the launcher fetches all, as everywhere else."""
    runtime = objects.context.platform.file.runtimes.get(task.framework)
    sources = [source for source in objects.project.data if source.name in task.data]
    for kind in runtime.initializers if runtime else ():
        found = [source for source in sources if _kind(source) == kind]
        if len(found) == 1:
            yield kind, found[0]


def of(objects: Objects, task: Task) -> dict[str, Any]:
    """`initializer` of a TrainJob."""
    found = {kind: _initializer(objects.project, source) for kind, source in prepared(objects, task)}
    return {"initializer": found} if found else {}


def document(objects: Objects, task: Task) -> dict[str, Json]:
    """The step's document, in which what the runtime has fetched is a path."""
    made = jobs.task_document(objects, task)
    for kind, source in prepared(objects, task):
        data = made["data"]
        assert isinstance(data, dict)
        if source.access == "download":
            data[source.name] = {"source": _path(kind, source), "access": "path", "uri": source.source}
    return made


def _kind(source: DataSource) -> Kind | Literal[""]:
    """What a source is, as the initializers divide them: Hugging Face says which repositories are datasets."""
    scheme = source.source.partition("://")[0]
    wanted = "uri" if scheme == "cache" else "download"
    if source.local or source.access != wanted or scheme not in ("hf", "s3", "cache"):
        return ""
    return "model" if scheme == "hf" and not source.source.startswith(_DATASETS) else "dataset"


def _initializer(project: Project, source: DataSource) -> dict[str, Any]:
    address = source.source
    if address.startswith(_DATASETS):
        address = f"hf://{address.removeprefix(_DATASETS)}"
    if address.startswith("hf://"):
        address = "/".join(address.split("/")[:4])  # the whole repository: initializers know no less
    made: dict[str, Any] = {"storageUri": address}
    if source.secret:
        secret = next(item for item in project.secrets if item.name == source.secret)
        called = {
            _KEYS[key]: environment.secret_value(project, secret.name, key) for key in secret.keys if key in _KEYS
        }
        made |= {"env": environment.entries(called)} if called else {}
        made["secretRef"] = {"name": environment.secret_object(project, secret.name)}
    return made


def _path(kind: Kind, source: DataSource) -> str:
    """Where the program finds it: what an address says below its repository is below the folder, as is one file."""
    if not source.source.startswith("hf://"):
        last = posixpath.basename(source.source)
        return posixpath.join(FOLDER, kind, *([last] if "." in last else []))
    parts = source.source.removeprefix(_DATASETS).removeprefix("hf://").split("/")
    return posixpath.join(FOLDER, kind, *parts[2:])
