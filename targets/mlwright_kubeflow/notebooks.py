"""Notebooks as Kubeflow's own."""

from __future__ import annotations

from mlwright.emit.kube.objects import Objects
from mlwright.ir import Notebook


def emit_notebook(objects: Objects, notebook: Notebook) -> None:
    """One notebook."""
