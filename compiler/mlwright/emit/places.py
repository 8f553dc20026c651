"""Where storage and data are inside containers, the same in every environment that has containers."""

from __future__ import annotations

import posixpath
import re

from mlwright.ir import Container, DataSource, Project, Ref, Storage
from mlwright.regex import lazy

LOCAL = ("volume", "directory")
"""Types of storage that programs see as a folder."""
REFERENCE = lazy(r"\$\{(storage|data)\.([^.}]+)(\.uri)?\}(.*)", re.DOTALL)
"""An address that begins with a reference: its kind, its name, `.uri`, and what follows."""


class Places:
    """Where things are inside every container that engines start."""

    def __init__(self, project: Project) -> None:
        self._storage = {storage.name: storage for storage in project.storage}
        self._data = project.data
        self._storage.setdefault(project.artifacts.name, project.artifacts)

    def storage(self, name: str) -> str:
        """The folder, or the URI of remote storage."""
        storage = self._storage[name]
        return f"/mlwright/storage/{name}" if storage.type in LOCAL else storage.uri

    def address(self, uri: str) -> str:
        """The path or URI that `${storage.NAME}/...` or `${data.NAME}` stands for; empty for any other text."""
        found = REFERENCE.fullmatch(uri)
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


def referred(container: Container, head: str) -> set[str]:
    """The names after `head.` in the container's references."""
    templates = (*container.argv, *container.args, *(value for _, value in container.env))
    paths = [part.path.split(".") for template in templates for part in template if isinstance(part, Ref)]
    return {path[1] for path in paths if path[0] == head}


def folders(project: Project, names: set[str]) -> list[Storage]:
    """The storage among `names` that is a folder, in the project's order, and step outputs where these are one."""
    every = {item.name: item for item in (*project.storage, project.artifacts)}
    return [
        item
        for item in every.values()
        if item.type in LOCAL and (item.name in names or item.name == project.artifacts.name)
    ]
