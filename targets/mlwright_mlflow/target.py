"""The target itself: which of its parts an environment asks for."""

from __future__ import annotations

from collections.abc import Iterable

from mlwright.ir import Project
from mlwright.target import Document, EmitContext, KnownField, ListKeys, Protected, TextFile
from mlwright_mlflow import capabilities, gateway
from mlwright_mlflow.client import emit_client
from mlwright_mlflow.project import NODE, emit_project
from mlwright_mlflow.server import emit_server


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
        """The MLproject, the server's folder, the gateway: each where the environment asks for it."""

        def mine(node: str) -> bool:
            return context.owners.get(node) == self.name

        if mine(NODE):
            yield from emit_project(project, context)
        if mine("tracking") and project.tracking.server == "deployed":
            yield from emit_server(project, context)
        if mine(gateway.NODE) and project.tracking.gateway:
            yield from gateway.emit_gateway(project, context)
        if mine("tracking") or mine(NODE):
            yield emit_client(project, context)
