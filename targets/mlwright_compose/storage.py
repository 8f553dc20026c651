"""Storage, data and mounts as Compose volumes, and where programs find them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from typing import Any

from mlwright.ir import Container, DataSource, Mount, Origin, Ref, Storage, Task
from mlwright_compose.book import Book
from mlwright_compose.text import size

_LOCAL = ("volume", "directory")
_NAME = re.compile(r"[^a-z0-9_.-]+")
_REFERENCE = re.compile(r"\$\{(storage|data)\.([^.}]+)(\.uri)?\}(.*)", re.DOTALL)


class Places:
    """Where things are inside every container of this target."""

    def __init__(self, book: Book) -> None:
        self._storage = {storage.name: storage for storage in book.project.storage}
        self._data = book.project.data
        self._storage.setdefault(book.project.artifacts.name, book.project.artifacts)

    def storage(self, name: str) -> str:
        """The folder, or the URI of remote storage."""
        storage = self._storage[name]
        return f"/mlwright/storage/{name}" if storage.type in _LOCAL else storage.uri

    def address(self, uri: str) -> str:
        """The path or URI that `${storage.NAME}/...` or `${data.NAME}` stands for; empty for any other text."""
        found = _REFERENCE.fullmatch(uri)
        if found is None:
            return ""
        kind, name, suffix, rest = found.groups()
        if kind == "data":
            source = next(item for item in self._data if item.name == name)
            place = data_path(source) if source.local and not suffix else source.source
        else:
            place = self.storage(name)
        return posixpath.normpath(place + rest) if place.startswith("/") else place.rstrip("/") + rest

    def data(self, source: DataSource) -> tuple[str, str]:
        """(access, source) as a step document has it."""
        return ("path", data_path(source)) if source.local else (source.access, source.source)


def data_path(source: DataSource) -> str:
    """Where a local source is in the container; its name keeps the ending that programs may look at."""
    return f"/mlwright/data/{source.name}/{posixpath.basename(source.source.rstrip('/')) or 'data'}"


def task_volumes(book: Book, task: Task, service: str) -> dict[str, Any]:
    """`volumes` and `shm_size` of a step: what it mounts, and what its references need."""
    container = task.container
    names = _referred(container, "storage") | ({task.checkpoints.storage} if task.checkpoints.storage else set())
    sources = {source.name: source for source in book.project.data}
    found = [_storage(book, storage, f"/mlwright/storage/{storage.name}") for storage in _named(book, names)]
    found += [bind(book, sources[name].source, data_path(sources[name])) for name in task.data if sources[name].local]
    return merged(found, mounts(book, container, service, task.origin), task.distributed.processes_per_node > 1)


def merged(found: Iterable[dict[str, Any]], own: dict[str, Any], parallel: bool) -> dict[str, Any]:
    """Both together, at most one volume a target; processes of one container share memory through /dev/shm."""
    volumes = {volume["target"]: volume for volume in (*found, *own.pop("volumes", ()))}
    result = {"volumes": list(volumes.values()), **own}
    if parallel and "shm_size" not in own and "/dev/shm" not in volumes:
        result["shm_size"] = "2g"
    return result


def mounts(book: Book, container: Container, service: str, origin: Origin) -> dict[str, Any]:
    """`volumes` and `shm_size` from a container's `mounts`."""
    result: dict[str, Any] = {"volumes": []}
    storage = {item.name: item for item in (*book.project.storage, book.project.artifacts)}
    sources = {source.name: source for source in book.project.data}
    for mount in container.mounts:
        if mount.kind == "memory" and mount.target.rstrip("/") == "/dev/shm":
            result["shm_size"] = size(mount.size)
        elif mount.kind == "memory":
            result["volumes"].append(_tmpfs(mount))
        elif mount.kind == "disk":
            name = book.volume(f"{service}-{_NAME.sub('-', mount.target.lower()).strip('-')}", None, origin)
            result["volumes"].append({"type": "volume", "source": name, "target": mount.target})
        elif mount.kind == "storage":
            result["volumes"].append(_storage(book, storage[mount.source], mount.target, mount.read_only))
        elif mount.kind == "data":
            result["volumes"].append(bind(book, sources[mount.source].source, mount.target))
        else:
            result["volumes"].append(bind(book, mount.source, mount.target))
    return result


def referred(book: Book, container: Container) -> list[dict[str, Any]]:
    """The local storage and data that the texts of an endpoint or a notebook refer to."""
    names, data = _referred(container, "storage"), _referred(container, "data")
    found = [
        _storage(book, item, f"/mlwright/storage/{item.name}")
        for item in (*book.project.storage, book.project.artifacts)
        if item.name in names and item.type in _LOCAL
    ]
    return found + [bind(book, it.source, data_path(it)) for it in book.project.data if it.local and it.name in data]


def for_uri(book: Book, uri: str) -> list[dict[str, Any]]:
    """The local storage or data that a `${storage.NAME}/...` or `${data.NAME}` address points into, read-only."""
    found = _REFERENCE.fullmatch(uri)
    kind, name = found.groups()[:2] if found else ("", "")
    if kind == "data":
        return [bind(book, it.source, data_path(it)) for it in book.project.data if it.name == name and it.local]
    return [
        _storage(book, item, f"/mlwright/storage/{item.name}", True)
        for item in book.project.storage
        if item.name == name and item.type in _LOCAL
    ]


def _tmpfs(mount: Mount) -> dict[str, Any]:
    options: dict[str, Any] = {"mode": 0o1777}
    if mount.size:
        options["size"] = mount.size
    return {"type": "tmpfs", "target": mount.target, "tmpfs": options}


def _storage(book: Book, storage: Storage, target: str, read_only: bool = False) -> dict[str, Any]:
    assert storage.type in _LOCAL, storage.name
    if storage.type == "directory":
        return bind(book, storage.path, target, read_only=read_only, create=True)
    body = {"external": True, "name": storage.claim} if storage.claim else None
    name = book.volume(f"storage-{storage.name}", body, storage.origin, ours=not storage.claim)
    volume: dict[str, Any] = {"type": "volume", "source": name, "target": target}
    return {**volume, "read_only": True} if read_only else volume


def bind(book: Book, path: str, target: str, *, read_only: bool = True, create: bool = False) -> dict[str, Any]:
    """A file or folder beside the spec; Compose says so when it is missing, and makes only what `create` allows."""
    volume: dict[str, Any] = {"type": "bind", "source": beside(book, path), "target": target}
    if read_only:
        volume["read_only"] = True
    return {**volume, "bind": {"create_host_path": create}}


def beside(book: Book, path: str) -> str:
    """A path relative to the spec's folder, as seen from the Compose file."""
    if path.startswith("/"):
        return path
    joined = posixpath.normpath(posixpath.join(book.context.spec_folder, path))
    return joined if joined.startswith("..") else f"./{joined}"


def _referred(container: Container, head: str) -> set[str]:
    """The names after `head.` in the container's references."""
    templates = (*container.argv, *container.args, *(value for _, value in container.env))
    paths = [part.path.split(".") for template in templates for part in template if isinstance(part, Ref)]
    return {path[1] for path in paths if path[0] == head}


def _named(book: Book, names: set[str]) -> list[Storage]:
    """The local storage that a step sees, in the project's order; step outputs kept in a folder are seen by all."""
    every = {item.name: item for item in (*book.project.storage, book.project.artifacts)}
    return [
        item
        for item in every.values()
        if item.type in _LOCAL and (item.name in names or item.name == book.project.artifacts.name)
    ]
