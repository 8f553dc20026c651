"""The target itself: what it can express, and the order in which things are emitted."""

from __future__ import annotations

from collections.abc import Iterable

from mlwright.emit.kube.join import Kubernetes
from mlwright.emit.kube.objects import Objects
from mlwright.ir import Project
from mlwright.target import Document, EmitContext, TextFile
from mlwright_argo import capabilities, cd
from mlwright_argo import patching as own
from mlwright_argo.events import emit_events
from mlwright_argo.workflow import emit_workflows


class ArgoTarget(Kubernetes):
    """Argo Workflows, Argo Events and Argo CD."""

    name = "argo"
    capabilities = capabilities.TABLE
    protected = own.PROTECTED
    known_fields = own.KNOWN_FIELDS

    def emit(self, project: Project, context: EmitContext) -> Iterable[Document | TextFile]:
        """One file for each object, and the `kustomization.yaml` that lists them."""
        objects = Objects(project, context, self.name)
        if context.owners.get("graph") == self.name:
            emit_workflows(objects)
        emit_events(objects)
        yield from objects.items()
        yield from cd.applications(project, context)

    def close(self, emitted: cd.Emitted, project: Project, context: EmitContext) -> list[Document | TextFile]:
        """The files with what Argo CD has to know of those of other targets."""
        return cd.closed(emitted, next(items for name, items in emitted if name == self.name))
