"""What the tests of the Kubernetes target share: a program on a cluster, and the objects that it becomes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mlwright import ir
from mlwright.emit.kube.settle import settle
from mlwright.platform import BUILTIN
from mlwright.platform.demand import asked
from mlwright.target import Document, EmitContext, TextFile
from mlwright.testing import programs
from mlwright_kubernetes import KubernetesTarget

PLATFORM = BUILTIN["kubernetes"]


class Files:
    """One line of text for every path."""

    def read(self, path: str) -> bytes:
        return f"content of {path}\n".encode()

    def below(self, path: str) -> tuple[str, ...]:
        return ()


def churn(**environment: Any) -> ir.Project:
    """The sample program in an environment on a cluster, its folder a volume."""
    project = programs.churn()
    place = replace(project.environment, name="prod", platform="kubernetes", namespace="churn-prod", **environment)
    stores = tuple(replace(one, type="volume", mode="ReadWriteMany") for one in project.storage)
    return replace(project, environment=place, storage=stores)


def context(project: ir.Project, **changes: Any) -> EmitContext:
    """Everything is the Kubernetes target's."""
    owners = {item.id: "kubernetes" for item in asked(project, PLATFORM)}
    return programs.context(**{"platform": PLATFORM, "owners": owners, "files": Files(), **changes})


def emitted(project: ir.Project, **changes: Any) -> list[Document | TextFile]:
    """The target's files with the digests in their names."""
    items = list(KubernetesTarget().emit(project, context(project, **changes)))
    return settle([("kubernetes", items)])[0][1]


def objects(project: ir.Project, **changes: Any) -> dict[str, dict[str, Any]]:
    """The objects by their file's name without its ending."""
    found = emitted(project, **changes)
    return {item.path.removesuffix(".yaml"): item.data for item in found if isinstance(item, Document)}
