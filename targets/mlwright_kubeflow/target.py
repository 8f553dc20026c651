"""The target itself: what it can express, and the order in which things are emitted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from mlwright.emit.kube.join import Kubernetes
from mlwright.emit.kube.mesh import emit_mesh
from mlwright.emit.kube.objects import Objects
from mlwright.ir import Pipeline, Project, Search, Task
from mlwright.target import Document, EmitContext, TextFile
from mlwright_kubeflow import capabilities
from mlwright_kubeflow.dashboard import dashboard
from mlwright_kubeflow.defaults import emit_defaults
from mlwright_kubeflow.katib import search_manifests
from mlwright_kubeflow.notebooks import emit_notebook
from mlwright_kubeflow.pipelines import emit_pipelines
from mlwright_kubeflow.profiles import emit_profile
from mlwright_kubeflow.serving import emit_endpoint, emit_route
from mlwright_kubeflow.training import training_manifests


class KubeflowTarget(Kubernetes):
    """Kubeflow Pipelines, Katib, Trainer, KServe, Notebooks and Profiles: those parts that the platform has."""

    name = "kubeflow"
    capabilities = capabilities.TABLE

    def emit(self, project: Project, context: EmitContext) -> Iterable[Document | TextFile]:
        """One file for each object, and the `kustomization.yaml` that lists them."""
        objects = Objects(project, context, self.name)

        def ours(node: str) -> bool:
            return context.owners.get(node) == self.name

        if ours("namespace"):
            emit_profile(objects)
        if ours("graph"):
            emit_pipelines(objects)
        for service in project.services:
            if ours(service.id):
                emit_endpoint(objects, service)
        for route in project.routes:
            if ours(route.id):
                emit_route(objects, route)
        notebooks = [notebook for notebook in project.notebooks if ours(notebook.id)]
        for notebook in notebooks:
            emit_notebook(objects, notebook)
        if ours("namespace") or notebooks:
            emit_defaults(objects)
        emit_mesh(objects)
        yield from objects.items()
        if links := dashboard(objects):
            yield links

    def operates(self, node: Search | Task, context: EmitContext) -> bool:
        """Searches, and steps on several nodes or with a training runtime of the platform."""
        return isinstance(node, Search) or node.spread or node.framework in context.platform.names("runtimes")

    def manifests(self, objects: Objects, pipeline: Pipeline, node: Search | Task) -> Sequence[dict[str, Any]]:
        """An Experiment of a search, a TrainJob (or one of the training operator's kinds) of a step."""
        if isinstance(node, Search):
            return search_manifests(objects, pipeline, node)
        return training_manifests(objects, pipeline, node)
