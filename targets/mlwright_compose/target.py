"""The target itself: what it can express, and the order in which things are emitted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlwright.emit.trackserver import PORT
from mlwright.ir import Project
from mlwright.target import AddedFile, Document, EmitContext, Joined, TextFile
from mlwright_compose import addresses, capabilities, gateway, objects, secrets
from mlwright_compose.book import Book
from mlwright_compose.notebooks import emit_notebook
from mlwright_compose.scope import scheduled, scopes
from mlwright_compose.serving import emit_endpoint
from mlwright_compose.tasks import emit_pipeline
from mlwright_compose.tracking import emit_server, emit_volumes

_HEADER = """\
Start everything: mlwright up, or docker compose up
Start one other pipeline: mlwright up --pipeline NAME, or docker compose up with all its services, NAME-...
Run the smoke tests: docker compose --profile smoke up
"""
_STORE = """\
MLflow's client gets addresses of the object store, which only containers reach; elsewhere tell it to do without:
  export MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD=false MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD=false
"""


class ComposeTarget:
    """Docker Compose: one `compose.yaml` that needs nothing beside it but `.env`."""

    name = "compose"
    capabilities = capabilities.TABLE
    list_keys = addresses.LIST_KEYS
    protected = addresses.PROTECTED
    known_fields = addresses.KNOWN_FIELDS

    def emit(self, project: Project, context: EmitContext) -> Iterable[Document | TextFile]:
        """`compose.yaml`, the step documents, the runtime programs, and `.env.example` where there are secrets."""

        def mine(node: str) -> bool:
            return context.owners.get(node, self.name) == self.name

        book = Book(project, context)
        nodes = {node.id: node for node in project.nodes if mine(node.id)}
        if mine("tracking"):
            emit_server(book)
        pipelines = scopes(project.pipelines)
        paused = project.environment.mode == "development"
        clocked = [] if paused else scheduled(project.pipelines)
        book.reserved.update(name for scope in (*pipelines, *clocked) for name in (scope.start, scope.finish))
        for scope in (*pipelines, *clocked):
            emit_pipeline(book, scope, nodes)
        ports = {PORT}
        if mine(gateway.NODE):
            gateway.emit_gateway(book, ports)
        for service in project.services:
            if mine(service.id):
                emit_endpoint(book, pipelines, service, ports)
        for notebook in project.notebooks:
            if mine(notebook.id):
                emit_notebook(book, notebook, ports)
        emit_volumes(book)
        if book.variables:
            book.text(".env.example", secrets.example(book))
        environment, tracking = project.environment, project.tracking
        own = mine("tracking") and tracking.server == "deployed" and tracking.artifacts.own
        header = _HEADER + _STORE if own else _HEADER
        return list(book.items(f"{environment.name_prefix}{project.name}-{environment.name}", header))

    def join(
        self,
        files: Sequence[AddedFile],
        emitted: Sequence[Document | TextFile],
        project: Project,
        context: EmitContext,
    ) -> Joined:
        """The user's own Compose files, included by `compose.yaml`."""
        return objects.join(files, emitted, project, context)
