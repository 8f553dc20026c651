"""What one environment wants of its tracking server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mlwright import ir


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One environment of one project. `folder` is the spec's; `elsewhere` has the experiments and models, by kind and
    name, that other environments of the project use, with one of those; `values` are the secrets that are here."""

    project: ir.Project
    folder: Path
    spec: str
    elsewhere: Mapping[tuple[str, str], str] = field(default_factory=dict)
    values: Mapping[tuple[str, str], str] = field(default_factory=dict, repr=False)

    @property
    def catalog(self) -> ir.Catalog:
        """The objects; without permissions where the server has no users."""
        if self.project.tracking.auth.type == "basic":
            return self.project.catalog
        return replace(self.project.catalog, grants=())

    @property
    def owner(self) -> str:
        """How its objects are marked: `<project>/<environment>`."""
        return f"{self.project.name}/{self.project.environment.name}"
