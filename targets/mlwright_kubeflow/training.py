"""Steps on several nodes, and steps of a training runtime, as Trainer's and the training operator's jobs."""

from __future__ import annotations

from typing import Any

from mlwright.emit.kube.objects import Objects
from mlwright.ir import Pipeline, Task


def training_manifests(objects: Objects, pipeline: Pipeline, task: Task) -> list[dict[str, Any]]:
    """The TrainJob of a step."""
    return []
