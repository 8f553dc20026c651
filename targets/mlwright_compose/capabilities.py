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
_CONTAINERS = (*_STEPS, "serving.*", "notebooks.*")


def _each(prefixes: tuple[str, ...], field: str, support: Support, why: str, *values: str) -> tuple[Capability, ...]:
    return tuple(Capability(field=f"{prefix}.{field}", support=support, why=why, values=values) for prefix in prefixes)


def _one(field: str, support: Support, why: str, *values: str) -> Capability:
    return Capability(field=field, support=support, why=why, values=values)


_RETRY = "the launcher tries again inside the container"
_ONE_NODE = "there is one machine: one node with at most the processes that its GPUs allow"

TABLE: tuple[Capability, ...] = (
    *_each(_CONTAINERS, "placement", "ignored", "there is one machine"),
    *_each(_CONTAINERS, "identity", "ignored", "Compose has no service accounts; use `secrets`"),
    *_each(_CONTAINERS, "resources.extended", "ignored", "Compose knows no extended resources"),
    *_each(_CONTAINERS, "resources.disk", "ignored", "Compose does not reserve disk space"),
    *_each(_CONTAINERS, "resources.cpu", "emulated", "a reservation is only a wish outside of Swarm; `limits` hold"),
    *_each(_CONTAINERS, "resources.gpu.model", "ignored", "the GPUs are those of this machine"),
    *_each(_CONTAINERS, "resources.gpu.memory", "ignored", "the GPUs are those of this machine"),
    *_each(_STEPS, "retries", "emulated", _RETRY),
    *_each(_STEPS, "when", "emulated", "the launcher decides: a skipped step's container starts and ends with 0"),
    *_each(
        _STEPS, "run_if", "emulated", "Compose has no failure edges: the launcher waits by tags", "failed", "always"
    ),
    *_each(_STEPS, "max_parallel", "emulated", "ignored where the list is known at run time only: one item at a time"),
    *_each(_STEPS, "distributed", "emulated", _ONE_NODE),
    *_each(_STEPS, "contract", "emulated", "no metrics, no run id, parameters are their defaults", "bare"),
    *_each(_STEPS, "expected_duration", "ignored", "it is for cost figures only"),
    _one("tuning", "emulated", "a search service and workers: Optuna's samplers, Katib's hyperband"),
    _one("models.*.tuning", "emulated", "a search service and workers: Optuna's samplers, Katib's hyperband"),
    _one("data.*.access", "refused", "Compose cannot mount remote data; use `download` or `uri`", "mount"),
    _one("storage.artifacts", "ignored", "step outputs go through the tracking server here", "s3", "gs", "azure"),
    _one("storage.*.mode", "ignored", "a local volume can be shared by all containers of this machine"),
    _one("storage.*.class", "ignored", "Docker's default driver is used"),
    _one("storage.*.size", "ignored", "Docker volumes grow as needed"),
    _one("serving.*.replicas", "emulated", "one replica: a published port has one container"),
    _one("serving.*.variants", "emulated", "every variant is an endpoint of its own; traffic is not split"),
    _one("serving.*.expose", "emulated", "the port is published on 127.0.0.1, without host name or authentication"),
    _one("serving.*.mode", "refused", "no router runs here; call the endpoints one after another"),
    *(
        _one(f"serving.*.{field}", "refused", "only KServe can do this; leave it out of this environment")
        for field in ("transformer", "explainer", "batcher", "adapters", "roles", "engine", "parallel")
    ),
    _one("serving.*.log", "ignored", "requests are not kept here"),
    _one("serving.*.protocols", "refused", "MLflow's scoring server speaks `mlflow` only", "open-inference-v2", "grpc"),
    _one(
        "pipelines.*.schedule",
        "emulated",
        "services under the profile `schedule-<pipeline>` follow the clock; what they miss is not made up",
    ),
    _one("pipelines.*.triggers", "ignored", "nothing here listens for events"),
    _one("tracking.server", "refused", "a Databricks workspace cannot be reached with this contract", "databricks"),
    _one(
        "tracking.server.expose", "emulated", "the port is published on 127.0.0.1, without host name or authentication"
    ),
    _one("tracking.backend_store.path", "ignored", "the server's files are in a volume"),
    _one("tracking.artifacts.path", "ignored", "the server's files are in a volume"),
    _one("tracking.artifacts.size", "ignored", "Docker volumes grow as needed"),
    _one("tracking.artifacts.mode", "ignored", "a local volume can be shared by all containers of this machine"),
    _one("tracking.artifacts.class", "ignored", "Docker's default driver is used"),
    _one("tracking.autolog", "emulated", "the launcher turns a library's logging on when it is imported"),
    _one("tracking.options.gc.schedule", "emulated", "start it by hand: docker compose --profile gc run mlflow-gc"),
    _one("monitoring", "ignored", "no Prometheus runs here"),
    _one("gitops", "ignored", "nothing is synchronised to a laptop"),
    _one("environments.*.namespace", "ignored", "Compose has no namespaces"),
    _one("environments.*.start", "ignored", "`docker compose up` starts a run"),
)
