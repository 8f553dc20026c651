"""`kustomization.yaml`: what `kubectl apply -k` and overlays of ops go by."""

from __future__ import annotations

from collections.abc import Iterable

from mlwright.ir import Origin, Project
from mlwright.target import Document

NAME = "kustomization.yaml"
_HEADER = """\
Apply: kubectl apply --server-side -k .
Overlay: a kustomization.yaml of your own with `resources: [this folder]`
"""


def kustomization(project: Project, documents: Iterable[Document]) -> Document:
    """The list of a folder's objects, in the order in which they are applied."""
    return Document(
        path=NAME,
        data={
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [document.path for document in documents],
        },
        origins={(): Origin(path=("metadata", "name"), kind="derived", by="kustomize")},
        header=_HEADER,
    )
