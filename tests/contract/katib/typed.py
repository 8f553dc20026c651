"""Katib's and Trainer's typed models, and what they lose of an object: a field that they do not know, or change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kubeflow_katib_api import models as katib
from kubeflow_trainer_api import models as trainer

MODELS: Mapping[str, Any] = {
    "Experiment": katib.V1beta1Experiment,
    "TrainJob": trainer.TrainerV1alpha1TrainJob,
    "TrainingRuntime": trainer.TrainerV1alpha1TrainingRuntime,
}


def lost(item: Mapping[str, Any]) -> list[str]:
    """Paths that the model of the object's kind does not know."""
    read = MODELS[item["kind"]].from_dict(dict(item))
    return list(_differences(item, read.to_dict(), ""))


def _differences(given: Any, kept: Any, path: str) -> Iterator[str]:
    if isinstance(given, dict) and isinstance(kept, dict):
        for key, value in given.items():
            yield from _differences(value, kept.get(key), f"{path}/{key}")
    elif isinstance(given, (list, tuple)) and isinstance(kept, (list, tuple)) and len(given) == len(kept):
        for number, (one, other) in enumerate(zip(given, kept, strict=True)):
            yield from _differences(one, other, f"{path}/{number}")
    elif given != kept:
        yield path
