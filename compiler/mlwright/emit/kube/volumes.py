"""Volumes of one pod, and where its containers mount them."""

from __future__ import annotations

import base64
import posixpath
import re
from typing import Any

from mlwright.emit import places
from mlwright.emit.kube.names import named
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.quantity import size
from mlwright.emit.places import data_path
from mlwright.emit.shared import once
from mlwright.ir import Container, DataSource, Origin, Project, Storage, Task

SHARED = "/mlwright/storage"
_SHM = "2Gi"


class Volumes:
    """Collects volumes and mounts; the first mount of a path stays."""

    def __init__(self, objects: Objects, node: str, origin: Origin) -> None:
        self._objects, self._node, self._origin = objects, node, origin
        self._volumes: dict[str, dict[str, Any]] = {}
        self._mounts: dict[str, tuple[str, str, str, bool]] = {}

    def volumes(self) -> list[dict[str, Any]]:
        """`volumes` of the pod."""
        return list(self._volumes.values())

    def also(self, other: Volumes) -> None:
        """Let the pod have the volumes of another container of it, too."""
        self._volumes = {**other._volumes, **self._volumes}

    def mounts(self) -> list[dict[str, Any]]:
        """`volumeMounts` of a container that sees all of them."""
        return _mounts(tuple(self._mounts.values()))

    def has(self, path: str) -> bool:
        """Whether something is mounted at `path`."""
        return path in self._mounts

    def mount(self, name: str, source: dict[str, Any], path: str, *, sub: str = "", read_only: bool = False) -> None:
        """Mount a volume at `path`; `sub` is a file or folder in it."""
        if path not in self._mounts:
            self._volumes.setdefault(name, {"name": name, **source})
            self._mounts[path] = (name, path, sub, read_only)

    def config(self, name: str, config: str, path: str, *, key: str = "") -> None:
        """A ConfigMap as a folder, or one `key` of it as a file."""
        self.mount(name, {"configMap": {"name": config, "defaultMode": 0o444}}, path, sub=key, read_only=True)

    def empty(self, name: str, path: str, *, memory: bool = False, limit: str = "") -> None:
        """An empty folder that goes with the pod."""
        if path not in self._mounts:
            self._volumes.setdefault(name, _empty(name, memory, limit))
            self._mounts[path] = (name, path, "", False)

    def storage(self, storage: Storage, path: str = "", *, read_only: bool = False) -> None:
        """Storage that is a volume."""
        source = {"persistentVolumeClaim": {"claimName": claim(self._objects.project, storage)}}
        self.mount(f"storage-{_word(storage.name)}", source, path or f"{SHARED}/{storage.name}", read_only=read_only)

    def file(self, path: str, target: str) -> None:
        """A file or folder beside the spec, carried by a ConfigMap."""
        files = self._objects.context.files
        below = files.below(path)
        keys = {f"file-{position}": name for position, name in enumerate(below)} or {posixpath.basename(path): path}
        texts, binary = {}, {}
        for key, name in keys.items():
            content = files.read(posixpath.join(path, name) if below else path)
            try:
                texts[key] = content.decode("utf-8")
            except UnicodeDecodeError:
                binary[key] = base64.b64encode(content).decode("ascii")
        config = self._objects.config(
            self._objects.name(_word(path), limit=200),
            texts,
            node=self._node,
            origin=self._origin,
            as_kind="FileConfigMap",
            binary=binary,
        )
        source: dict[str, Any] = {"name": config, "defaultMode": 0o444}
        if below:
            source["items"] = [{"key": key, "path": name} for key, name in keys.items()]
        sub = "" if below else posixpath.basename(path)
        self.mount(f"file-{_word(target)}", {"configMap": source}, target, sub=sub, read_only=True)

    def data(self, source: DataSource, target: str = "") -> None:
        """A local data source."""
        self.file(source.source, target or data_path(source))

    def container(self, box: Container) -> None:
        """What a container asks for in `mounts`."""
        project = self._objects.project
        stores = {item.name: item for item in (*project.storage, project.artifacts)}
        sources = {source.name: source for source in project.data}
        for mount in box.mounts:
            name = f"mount-{_word(mount.target)}"
            match mount.kind:
                case "memory":
                    self.empty(name, mount.target, memory=True, limit=size(mount.size) if mount.size else "")
                case "disk":
                    self.empty(name, mount.target, limit=size(mount.size) if mount.size else "")
                case "storage":
                    self.storage(stores[mount.source], mount.target, read_only=mount.read_only)
                case "data":
                    self.data(sources[mount.source], mount.target)
                case "file":
                    self.file(mount.source, mount.target)

    def task(self, task: Task) -> None:
        """What a step mounts, and what its references and its processes need."""
        project, box = self._objects.project, task.container
        self.container(box)
        names = places.referred(box, "storage") | ({task.checkpoints.storage} - {""})
        for storage in places.folders(project, names):
            self.storage(storage)
        for source in project.data:
            if source.local and source.name in task.data:
                self.data(source)
        several = task.distributed.processes_per_node > 1 or task.distributed.nodes_max > 1
        if several:
            self.empty("shm", "/dev/shm", memory=True, limit=_SHM)

    def service(self, box: Container) -> None:
        """What an endpoint or a notebook mounts and refers to."""
        project = self._objects.project
        self.container(box)
        names = places.referred(box, "storage")
        for storage in (*project.storage, project.artifacts):
            if storage.name in names and storage.type in places.LOCAL:
                self.storage(storage)
        for source in project.data:
            if source.local and source.name in places.referred(box, "data"):
                self.data(source)


@once
def _empty(name: str, memory: bool, limit: str) -> dict[str, Any]:
    source = {**({"medium": "Memory"} if memory else {}), **({"sizeLimit": limit} if limit else {})}
    return {"name": name, "emptyDir": source}


@once
def _mounts(mounts: tuple[tuple[str, str, str, bool], ...]) -> list[dict[str, Any]]:
    """Containers of a kind often see the same folders."""
    return [
        {
            "name": name,
            "mountPath": path,
            **({"subPath": sub} if sub else {}),
            **({"readOnly": True} if read_only else {}),
        }
        for name, path, sub, read_only in mounts
    ]


def claim(project: Project, storage: Storage) -> str:
    """The PersistentVolumeClaim of a volume: one that exists, or the project's."""
    return storage.claim or named(project, storage.name)


def _word(text: str) -> str:
    """`text` as a part of an object's name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:48].strip("-") or "root"
