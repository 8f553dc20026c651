"""The target itself: which of its parts an environment asks for."""

from __future__ import annotations

from collections.abc import Iterable

from mlwright.ir import Project
from mlwright.target import Document, EmitContext, KnownField, ListKeys, Protected, TextFile
from mlwright_mlflow import capabilities
from mlwright_mlflow.client import emit_client
from mlwright_mlflow.project import NODE, emit_project


class MlflowTarget:
    """A plain folder for MLflow itself: nothing in it needs a container engine or a cluster."""

    name = "mlflow"
    capabilities = capabilities.TABLE
    list_keys: ListKeys = {}  # noqa: RUF012  a constant
    protected: tuple[Protected, ...] = (
        Protected(kind="MLproject", path=("entry_points", "*", "command"), why="the launcher starts every program"),
        Protected(kind="MLproject", path=("name",), why="it identifies what mlwright made"),
    )
    known_fields: tuple[KnownField, ...] = (
        KnownField(kind="MLproject", path=("docker_env", "image"), field="tracking.project.image"),
        KnownField(kind="MLproject", path=("python_env",), field="tracking.project"),
    )

    def emit(self, project: Project, context: EmitContext) -> Iterable[Document | TextFile]:
        """The MLproject with its programs, where `tracking.project` asks for it."""

        def mine(node: str) -> bool:
            return context.owners.get(node) == self.name

        if mine(NODE):
            yield from emit_project(project, context)
            yield emit_client(project, context)
