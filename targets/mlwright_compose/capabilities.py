"""What this target can express, field by field; everything that is not listed is exact."""

from __future__ import annotations

from mlwright.emit.servedoc import ELSEWHERE
from mlwright.target import STEPS, Capability, each, one

_CONTAINERS = (*STEPS, "serving.*", "notebooks.*")


_RETRY = "the launcher tries again inside the container"
_ONE_NODE = "there is one machine: one node with at most the processes that its GPUs allow"

TABLE: tuple[Capability, ...] = (
    *each(_CONTAINERS, "placement", "ignored", "there is one machine"),
    *each(_CONTAINERS, "identity", "ignored", "Compose has no service accounts; use `secrets`"),
    *each(_CONTAINERS, "resources.extended", "ignored", "Compose knows no extended resources"),
    *each(_CONTAINERS, "resources.disk", "ignored", "Compose does not reserve disk space"),
    *each(_CONTAINERS, "resources.cpu", "emulated", "a reservation is only a wish outside of Swarm; `limits` hold"),
    *each(_CONTAINERS, "resources.gpu.model", "ignored", "the GPUs are those of this machine"),
    *each(_CONTAINERS, "resources.gpu.memory", "ignored", "the GPUs are those of this machine"),
    *each(STEPS, "retries", "emulated", _RETRY),
    *each(STEPS, "when", "emulated", "the launcher decides: a skipped step's container starts and ends with 0"),
    *each(STEPS, "run_if", "emulated", "Compose has no failure edges: the launcher waits by tags", "failed", "always"),
    *each(STEPS, "max_parallel", "emulated", "ignored where the list is known at run time only: one item at a time"),
    *each(STEPS, "distributed", "emulated", _ONE_NODE),
    *each(STEPS, "contract", "emulated", "no metrics, no run id, parameters are their defaults", "bare"),
    one("tuning", "emulated", "a search service and workers: Optuna's samplers, Katib's hyperband"),
    one("models.*.tuning", "emulated", "a search service and workers: Optuna's samplers, Katib's hyperband"),
    one("data.*.access", "refused", "Compose cannot mount remote data; use `download` or `uri`", "mount"),
    one("storage.artifacts", "ignored", "step outputs go through the tracking server here", "s3", "gs", "azure"),
    one("storage.*.mode", "ignored", "a local volume can be shared by all containers of this machine"),
    one("storage.*.class", "ignored", "Docker's default driver is used"),
    one("storage.*.size", "ignored", "Docker volumes grow as needed"),
    one("serving.*.replicas", "emulated", "one replica: a published port has one container"),
    one("serving.*.variants", "emulated", "every variant is an endpoint of its own; traffic is not split"),
    one("serving.*.expose", "emulated", "the port is published on 127.0.0.1, without host name or authentication"),
    one("serving.*.mode", "refused", "no router runs here; call the endpoints one after another"),
    *(
        one(f"serving.*.{field}", "refused", "only KServe can do this; leave it out of this environment")
        for field in ("transformer", "explainer", "batcher", "adapters", "roles", "engine", "parallel", "runtime")
    ),
    one("serving.*.format", "refused", "only a server of KServe's reads such a model", *ELSEWHERE),
    one("serving.*.concurrency", "ignored", "nothing in front of the container counts requests"),
    one("serving.*.request_timeout", "emulated", "MLflow's scoring server gives up; a server of your own has to"),
    one("serving.*.log", "ignored", "requests are not kept here"),
    one("serving.*.protocols", "refused", "MLflow's scoring server speaks `mlflow` only", "open-inference-v2", "grpc"),
    one(
        "pipelines.*.schedule",
        "emulated",
        "services under the profile `schedule-<pipeline>` follow the clock; what they miss is not made up",
    ),
    one("pipelines.*.triggers", "ignored", "nothing here listens for events"),
    one("tracking.server", "refused", "a Databricks workspace cannot be reached with this contract", "databricks"),
    one(
        "tracking.server.expose", "emulated", "the port is published on 127.0.0.1, without host name or authentication"
    ),
    one("tracking.backend_store.path", "ignored", "the server's files are in a volume"),
    one("tracking.artifacts.path", "ignored", "the server's files are in a volume"),
    one("tracking.artifacts.size", "ignored", "Docker volumes grow as needed"),
    one("tracking.artifacts.mode", "ignored", "a local volume can be shared by all containers of this machine"),
    one("tracking.artifacts.class", "ignored", "Docker's default driver is used"),
    one("tracking.autolog", "emulated", "the launcher turns a library's logging on when it is imported"),
    one("tracking.options.gc.schedule", "emulated", "start it by hand: docker compose --profile gc run mlflow-gc"),
    one("monitoring", "ignored", "no Prometheus runs here"),
    one("gitops", "ignored", "nothing is synchronised to a laptop"),
    one("environments.*.namespace", "ignored", "Compose has no namespaces"),
    one("environments.*.start", "ignored", "`docker compose up` starts a run"),
)
