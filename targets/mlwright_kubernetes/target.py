"""The target itself: what it can express, and the order in which things are emitted."""

from __future__ import annotations

from collections.abc import Iterable

from mlwright.emit import tools
from mlwright.emit.kube.join import Kubernetes
from mlwright.emit.kube.mesh import emit_mesh
from mlwright.emit.kube.objects import Objects
from mlwright.ir import Project, Search
from mlwright.target import Document, EmitContext, TextFile
from mlwright_kubernetes import capabilities
from mlwright_kubernetes.base import emit_base
from mlwright_kubernetes.gateway import NODE as GATEWAY
from mlwright_kubernetes.gateway import emit_gateway
from mlwright_kubernetes.graph import emit_graph
from mlwright_kubernetes.monitoring import NODE as MONITORING
from mlwright_kubernetes.monitoring import emit_alerts
from mlwright_kubernetes.network import emit_network
from mlwright_kubernetes.notebooks import emit_notebook
from mlwright_kubernetes.quota import emit_limits, emit_quota
from mlwright_kubernetes.secrets import emit_secrets
from mlwright_kubernetes.serving import emit_endpoint, emit_route
from mlwright_kubernetes.tracking import emit_tracking


class KubernetesTarget(Kubernetes):
    """Kubernetes' own kinds: all of a plain cluster, and on any other the namespace, accounts, volumes and services."""

    name = "kubernetes"
    capabilities = capabilities.TABLE

    def emit(self, project: Project, context: EmitContext) -> Iterable[Document | TextFile]:
        """One file for each object, and the `kustomization.yaml` that lists them."""
        objects = Objects(project, context, self.name)
        nodes = {node.id: node for node in project.nodes if context.owners.get(node.id) == self.name}
        emit_base(objects)
        if context.owners.get("graph") == self.name:
            emit_graph(objects)
        _emit_services(objects)
        emit_network(objects)
        emit_mesh(objects)
        yield from emit_secrets(objects)
        yield from objects.items()
        if any(isinstance(node, Search) for node in nodes.values()):
            yield TextFile(path="tools/Dockerfile", text=tools.dockerfile(project))
            yield TextFile(path="tools/requirements.txt", text=tools.REQUIREMENTS)


def _emit_services(objects: Objects) -> None:
    """What stays up, and what ops say of the namespace."""
    project, owners = objects.project, objects.context.owners

    def ours(node: str) -> bool:
        return owners.get(node) == objects.target

    if ours("tracking"):
        emit_tracking(objects)
    for service in project.services:
        if ours(service.id):
            emit_endpoint(objects, service)
    for route in project.routes:
        if ours(route.id):
            emit_route(objects, route)
    for notebook in project.notebooks:
        if ours(notebook.id):
            emit_notebook(objects, notebook)
    if ours(GATEWAY):
        emit_gateway(objects)
    if ours(MONITORING):
        emit_alerts(objects)
    if ours("namespace"):
        emit_quota(objects)
    emit_limits(objects)
