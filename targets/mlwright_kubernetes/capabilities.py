"""What this target can express, field by field; everything that is not listed is exact."""

from __future__ import annotations

from mlwright.emit.servedoc import ELSEWHERE
from mlwright.target import STEPS, Capability, each, one

_GRAPH: tuple[Capability, ...] = (
    *each(STEPS, "retries", "emulated", "the launcher tries again inside the pod; lost pods are made anew 3 times"),
    *each(STEPS, "distributed.nodes.min", "ignored", "an Indexed Job has a fixed number of pods: the most"),
    *each(STEPS, "contract", "emulated", "no metrics, no run id, parameters are their defaults", "bare"),
    *each(STEPS, "metrics_from", "refused", "only Katib reads metrics there", "tensorboard", "prometheus"),
    *each(STEPS, "resources.gpu.memory", "ignored", "Kubernetes asks for whole GPUs, whatever their memory"),
    one("tuning", "emulated", "a search service and workers: Optuna's samplers, Katib's hyperband"),
    one("models.*.tuning", "emulated", "a search service and workers: Optuna's samplers, Katib's hyperband"),
    one("storage.artifacts", "ignored", "step outputs go through the tracking server here", "s3", "gs", "azure"),
    one("data.*.access", "refused", "no volume is known for an address; use `download` or `uri`", "mount"),
    one("tracking.autolog", "emulated", "the launcher turns a library's logging on when it is imported"),
)

_KSERVE = "only KServe can do this; leave it out of this environment, or list `kubeflow.kserve` on its platform"

_SERVICES: tuple[Capability, ...] = (
    *(
        one(f"serving.*.{field}", "refused", _KSERVE)
        for field in ("transformer", "explainer", "batcher", "adapters", "roles", "engine", "parallel", "runtime")
    ),
    one("serving.*.mode", "refused", _KSERVE, "sequence", "ensemble", "switch"),
    one("serving.*.concurrency", "ignored", "nothing in front of a plain Deployment counts requests"),
    one("serving.*.request_timeout", "emulated", "MLflow's scoring server gives up; a server of your own has to"),
    one("serving.*.format", "refused", _KSERVE, *ELSEWHERE),
    one("serving.*.log", "ignored", "nothing in front of a plain Deployment keeps requests"),
    one("serving.*.storage", "emulated", "the model is fetched through the tracking server all the same", "direct"),
    one("tracking.server", "refused", "a Databricks workspace cannot be reached with this contract", "databricks"),
    one("tracking.backend_store.path", "ignored", "the server's files are in a volume"),
    one("tracking.artifacts.path", "ignored", "the server's files are in a volume"),
)

TABLE: tuple[Capability, ...] = (*_GRAPH, *_SERVICES)
