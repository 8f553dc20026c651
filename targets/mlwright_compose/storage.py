"""Storage, data and mounts as Compose volumes, and where programs find them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from typing import Any

from mlwright.emit import places
from mlwright.emit.places import LOCAL, REFERENCE, data_path
from mlwright.ir import Container, Mount, Origin, Storage, Task
from mlwright_compose.book import Book
from mlwright_compose.text import size

_NAME = re.compile(r"[^a-z0-9_.-]+")


def task_volumes(book: Book, task: Task, service: str) -> dict[str, Any]:
    """`volumes` and `shm_size` of a step: what it mounts, and what its references need."""
    container = task.container
    names = places.referred(container, "storage") | ({task.checkpoints.storage} if task.checkpoints.storage else set())
    sources = {source.name: source for source in book.project.data}
    kept = places.folders(book.project, names)
    found = [_storage(book, storage, f"/mlwright/storage/{storage.name}") for storage in kept]
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
    names, data = places.referred(container, "storage"), places.referred(container, "data")
    found = [
        _storage(book, item, f"/mlwright/storage/{item.name}")
        for item in (*book.project.storage, book.project.artifacts)
        if item.name in names and item.type in LOCAL
    ]
    return found + [bind(book, it.source, data_path(it)) for it in book.project.data if it.local and it.name in data]


def for_uri(book: Book, uri: str) -> list[dict[str, Any]]:
    """The local storage or data that a `${storage.NAME}/...` or `${data.NAME}` address points into, read-only."""
    found = REFERENCE.fullmatch(uri)
    kind, name = found.groups()[:2] if found else ("", "")
    if kind == "data":
        return [bind(book, it.source, data_path(it)) for it in book.project.data if it.name == name and it.local]
    return [
        _storage(book, item, f"/mlwright/storage/{item.name}", True)
        for item in book.project.storage
        if item.name == name and item.type in LOCAL
    ]


def _tmpfs(mount: Mount) -> dict[str, Any]:
    options: dict[str, Any] = {"mode": 0o1777}
    if mount.size:
        options["size"] = mount.size
    return {"type": "tmpfs", "target": mount.target, "tmpfs": options}


def _storage(book: Book, storage: Storage, target: str, read_only: bool = False) -> dict[str, Any]:
    assert storage.type in LOCAL, storage.name
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
