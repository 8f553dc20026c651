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


def _each(prefixes: tuple[str, ...], field: str, support: Support, why: str, *values: str) -> tuple[Capability, ...]:
    return tuple(Capability(field=f"{prefix}.{field}", support=support, why=why, values=values) for prefix in prefixes)


def _one(field: str, support: Support, why: str, *values: str) -> Capability:
    return Capability(field=field, support=support, why=why, values=values)


_GRAPH: tuple[Capability, ...] = (
    *_each(_STEPS, "retries", "emulated", "the launcher tries again inside the pod; lost pods are made anew 3 times"),
    *_each(_STEPS, "distributed.nodes.min", "ignored", "an Indexed Job has a fixed number of pods: the most"),
    *_each(_STEPS, "contract", "emulated", "no metrics, no run id, parameters are their defaults", "bare"),
    *_each(_STEPS, "metrics_from", "refused", "only Katib reads metrics there", "tensorboard", "prometheus"),
    *_each(_STEPS, "expected_duration", "ignored", "it is for cost figures only"),
    *_each(_STEPS, "resources.gpu.memory", "ignored", "Kubernetes asks for whole GPUs, whatever their memory"),
    _one("tuning", "emulated", "a search service and workers: Optuna's samplers, Katib's hyperband"),
    _one("models.*.tuning", "emulated", "a search service and workers: Optuna's samplers, Katib's hyperband"),
    _one("storage.artifacts", "ignored", "step outputs go through the tracking server here", "s3", "gs", "azure"),
    _one("data.*.access", "refused", "no volume is known for an address; use `download` or `uri`", "mount"),
    _one("tracking.autolog", "emulated", "the launcher turns a library's logging on when it is imported"),
)

_KSERVE = "only KServe can do this; leave it out of this environment, or list `kubeflow.kserve` on its platform"

_SERVICES: tuple[Capability, ...] = (
    *(
        _one(f"serving.*.{field}", "refused", _KSERVE)
        for field in ("transformer", "explainer", "batcher", "adapters", "roles", "engine", "parallel")
    ),
    _one("serving.*.mode", "refused", _KSERVE, "sequence", "ensemble", "switch"),
    _one("serving.*.log", "ignored", "nothing in front of a plain Deployment keeps requests"),
    _one("serving.*.storage", "emulated", "the model is fetched through the tracking server all the same", "direct"),
    _one("tracking.server", "refused", "a Databricks workspace cannot be reached with this contract", "databricks"),
    _one("tracking.backend_store.path", "ignored", "the server's files are in a volume"),
    _one("tracking.artifacts.path", "ignored", "the server's files are in a volume"),
)

TABLE: tuple[Capability, ...] = (*_GRAPH, *_SERVICES)
