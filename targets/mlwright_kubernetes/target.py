"""The target itself: what it can express, and the order in which things are emitted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlwright.emit import tools
from mlwright.emit.kube import join, patching
from mlwright.emit.kube.objects import Objects
from mlwright.ir import Project, Search
from mlwright.target import AddedFile, Document, EmitContext, Joined, TextFile
from mlwright_kubernetes import capabilities
from mlwright_kubernetes.base import emit_base
from mlwright_kubernetes.graph import emit_graph


class KubernetesTarget:
    """Kubernetes' own kinds: all of a plain cluster, and on any other the namespace, accounts, volumes and services."""

    name = "kubernetes"
    capabilities = capabilities.TABLE
    list_keys = patching.LIST_KEYS
    protected = patching.PROTECTED
    known_fields = patching.KNOWN_FIELDS

    def emit(self, project: Project, context: EmitContext) -> Iterable[Document | TextFile]:
        """One file for each object, and the `kustomization.yaml` that lists them."""
        objects = Objects(project, context, self.name)
        nodes = {node.id: node for node in project.nodes if context.owners.get(node.id) == self.name}
        emit_base(objects)
        if context.owners.get("graph") == self.name:
            emit_graph(objects, nodes)
        yield from objects.items()
        if any(isinstance(node, Search) for node in nodes.values()):
            yield TextFile(path="tools/Dockerfile", text=tools.dockerfile(project))
            yield TextFile(path="tools/requirements.txt", text=tools.REQUIREMENTS)

    def join(
        self,
        files: Sequence[AddedFile],
        emitted: Sequence[Document | TextFile],
        project: Project,
        context: EmitContext,
    ) -> Joined:
        """Objects of the user's own, labelled and listed with ours."""
        return join.join(files, emitted, project, context)
