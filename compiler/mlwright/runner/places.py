"""Where storage and data are on this machine."""

from __future__ import annotations

from dataclasses import dataclass

from mlwright import ir
from mlwright.runner.folder import Folder


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalPlaces:
    """Answers for `emit.stepdoc`: folders here for what is a folder elsewhere, addresses as they are."""

    project: ir.Project
    folder: Folder

    def storage(self, name: str) -> str:
        """A folder (made when missing) for `volume` and `directory`, else the URI."""
        listed = {storage.name: storage for storage in (*self.project.storage, self.project.artifacts)}
        storage = listed[name]
        if storage.type == "directory" and storage.path:
            path = (self.folder.spec / storage.path).absolute()
        elif storage.type in ("directory", "volume"):
            path = self.folder.storage(name)
        else:
            return storage.uri
        path.mkdir(parents=True, exist_ok=True)
        return str(path)

    def data(self, source: ir.DataSource) -> tuple[str, str]:
        """(access, source): `path` and an absolute path where it is here."""
        if source.local:
            return "path", str((self.folder.spec / source.source).absolute())
        if source.source.startswith("file://"):
            return "path", source.source.removeprefix("file://")
        return source.access, source.source


class NoPlaces:
    """Places of a document that is only looked at, never run: nothing is made."""

    def storage(self, name: str) -> str:
        return name

    def data(self, source: ir.DataSource) -> tuple[str, str]:
        return ("path" if source.local else source.access), source.source
