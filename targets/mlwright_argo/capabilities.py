"""What this target can express, field by field; everything that is not listed is exact."""

from __future__ import annotations

from mlwright.target import Capability, Support

_STEPS = (
    "steps.*",
    "training",
    "evaluation",
    "tuning.trial",
    "models.*.training",
    "models.*.evaluation",
    "models.*.tuning.trial",
)


def _each(field: str, support: Support, why: str, *values: str) -> tuple[Capability, ...]:
    return tuple(Capability(field=f"{step}.{field}", support=support, why=why, values=values) for step in _STEPS)


def _one(field: str, support: Support, why: str) -> Capability:
    return Capability(field=field, support=support, why=why)


_SEARCH = "a search service and workers: Optuna's samplers, Katib's hyperband"

_GRAPH: tuple[Capability, ...] = (
    *_each("retries", "emulated", "the launcher tries again inside the pod; lost pods are made anew 3 times"),
    *_each("contract", "emulated", "no metrics, no run id, parameters are their defaults", "bare"),
    *_each("metrics_from", "refused", "only Katib reads metrics there", "tensorboard", "prometheus"),
    *_each("expected_duration", "ignored", "it is for cost figures only"),
    *_each("resources.gpu.memory", "ignored", "Kubernetes asks for whole GPUs, whatever their memory"),
    _one("tuning", "emulated", _SEARCH),
    _one("models.*.tuning", "emulated", _SEARCH),
    Capability(
        field="pipelines.*.schedule.concurrency",
        support="emulated",
        why="Argo ends the old workflow without its exit handler: its root run stays open in MLflow",
        values=("replace",),
    ),
    Capability(
        field="storage.artifacts",
        support="emulated",
        why="Argo carries files between its pods, one run's only; those of steps on several nodes go through the "
        "tracking server",
        values=("s3", "gs", "azure"),
    ),
)

TABLE: tuple[Capability, ...] = (*_GRAPH,)
