"""Searches as Katib's Experiments."""

from __future__ import annotations

from typing import Any

from mlwright.emit.kube.objects import Objects
from mlwright.ir import Pipeline, Search


def search_manifests(objects: Objects, pipeline: Pipeline, node: Search) -> list[dict[str, Any]]:
    """The Experiment of a search."""
    return []
