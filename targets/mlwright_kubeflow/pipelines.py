"""Pipelines as Kubeflow Pipelines' own language, and what starts them."""

from __future__ import annotations

from mlwright.emit.kube.objects import Objects


def emit_pipelines(objects: Objects) -> None:
    """Every pipeline."""
