"""Where storage and data are for programs that `mlflow run` starts: in the project's folder, which they run in."""

from __future__ import annotations

from mlwright.ir import DataSource, Project

LOCAL = ".mlwright/storage"


class Places:
    """Paths relative to the project's folder for what is on this machine, else the address."""

    def __init__(self, project: Project) -> None:
        self._storage = {storage.name: storage for storage in (project.artifacts, *project.storage)}

    def storage(self, name: str) -> str:
        """The folder, or the URI of remote storage."""
        storage = self._storage[name]
        if storage.type == "directory" and storage.path:
            return storage.path
        return f"{LOCAL}/{name}" if storage.type in ("directory", "volume") else storage.uri

    def data(self, source: DataSource) -> tuple[str, str]:
        """(access, source) as a step document has it."""
        return ("path" if source.local else source.access), source.source
