"""What this target can express, field by field; everything that is not listed is exact."""

from __future__ import annotations

from mlwright.target import STEPS, Capability, each, one

_SEARCH = "a search service and workers: Optuna's samplers, Katib's hyperband"

_GRAPH: tuple[Capability, ...] = (
    *each(STEPS, "retries", "emulated", "the launcher tries again inside the pod; lost pods are made anew 3 times"),
    *each(STEPS, "contract", "emulated", "no metrics, no run id, parameters are their defaults", "bare"),
    *each(STEPS, "metrics_from", "refused", "only Katib reads metrics there", "tensorboard", "prometheus"),
    *each(STEPS, "resources.gpu.memory", "ignored", "Kubernetes asks for whole GPUs, whatever their memory"),
    one("tuning", "emulated", _SEARCH),
    one("models.*.tuning", "emulated", _SEARCH),
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
