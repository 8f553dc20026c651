"""The table of single fields: what each is called in a sentence, how its value is shown, what it is by default."""

from __future__ import annotations

from collections.abc import Mapping

from mlwright.record import dataclass
from mlwright.review.words.frames import CONTAINERS, Frame, Place
from mlwright.review.words.values import Kind
from mlwright.source.tree import Json
from mlwright.span import Path


@dataclass(frozen=True, slots=True)
class Field:
    """`{0}` in `label` is the part of the path that `*` stands for."""

    label: str
    kind: Kind = "value"
    default: Json = None


_CONTAINER: dict[str, Field] = {
    "resources.cpu": Field("CPU", "cpu"),
    "resources.memory": Field("memory", "memory"),
    "resources.disk": Field("temporary disk", "memory"),
    "resources.gpu.count": Field("GPUs", "value", 0),
    "resources.gpu.model": Field("GPU model"),
    "resources.gpu.memory": Field("memory of each GPU", "memory"),
    "resources.limits.cpu": Field("CPU limit", "cpu"),
    "resources.limits.memory": Field("memory limit", "memory"),
    "resources.*": Field("{0}", "value", 0),
    "image.pull_policy": Field("image pull policy"),
    "image.build.context": Field("image built from"),
    "image.build.dockerfile": Field("Dockerfile", "value", "Dockerfile"),
    "image.build.target": Field("image build stage"),
    "image.build.args.*": Field("image build argument {0}"),
    "placement": Field("placement"),
    "identity": Field("identity (service account)"),
    "owner": Field("owning target"),
    "security.run_as_user": Field("runs as user", "value", 65532),
    "security.run_as_root.reason": Field("runs as root, because"),
    "security.read_only_root_filesystem": Field("read-only root file system", "flag"),
    "env.*": Field("env.{0}"),
    "labels.*": Field("label {0}"),
    "annotations.*": Field("annotation {0}"),
    "mounts.*.source": Field("mount {0}"),
    "mounts.*.memory": Field("mount {0}, in memory", "memory"),
    "mounts.*.disk": Field("mount {0}, empty folder", "memory"),
    "mounts.*.read_only": Field("mount {0} read-only", "flag", False),
    "retries.limit": Field("retries", "value", 0),
    "retries.backoff": Field("wait before a retry"),
    "retries.factor": Field("growth of the wait between retries", "value", 2.0),
    "retries.max_backoff": Field("longest wait before a retry"),
    "timeout": Field("timeout"),
    "expected_duration": Field("expected duration"),
    "cache": Field("cache", "flag", False),
    "contract": Field("contract", "value", "launcher"),
    "framework": Field("framework"),
    "when": Field("runs only when"),
    "run_if": Field("runs if what it needs has", "value", "succeeded"),
    "max_parallel": Field("items at the same time"),
    "for_each.*": Field("items of {0}"),
    "distributed.launcher": Field("launcher"),
    "distributed.processes_per_node": Field("processes per node"),
    "distributed.max_restarts": Field("restarts of the group", "value", 0),
    "distributed.roles.*.nodes": Field("nodes of role {0}", "value", 0),
    "checkpoints.path": Field("checkpoints in"),
    "checkpoints.resume": Field("starts from the last checkpoint", "flag", False),
    "metrics.*.goal": Field("goal of {0}"),
    "metrics.*.pattern": Field("pattern of {0}"),
    "metrics.*.sample": Field("sample of {0}"),
    "metrics.*.reduce": Field("which value of {0} counts"),
    "metrics_from.type": Field("metrics read from", "value", "stdout"),
    "metrics_from.path": Field("metrics read at"),
    "metrics_from.port": Field("metrics port"),
    "metrics_from.format": Field("metrics format", "value", "text"),
    "outputs.*.type": Field("type of output {0}"),
    "outputs.*.description": Field("description of output {0}"),
    "params.*": Field("{0}"),
    "health.startup": Field("longest time to load", "value", "10m"),
    "health.path": Field("health checked at"),
    "port": Field("port"),
    "storage": Field("model fetched", "value", "proxied"),
    "format": Field("model format"),
    "protocols": Field("protocols"),
    "binding": Field("model binding"),
    "runtime": Field("serving runtime"),
    "engine": Field("engine"),
    "model": Field("model"),
    "traffic": Field("traffic", "percent", 0),
    "concurrency": Field("requests at the same time per replica"),
    "request_timeout": Field("request timeout"),
    "adapters.*": Field("adapter {0}"),
    "parallel.tensor": Field("GPUs that share a layer", "value", 1),
    "parallel.pipeline": Field("groups of layers in a row", "value", 1),
    "parallel.data": Field("whole copies of the model", "value", 1),
    "parallel.expert": Field("experts spread over GPUs", "flag", False),
    "batcher.max_size": Field("largest batch"),
    "batcher.max_latency": Field("longest wait for a batch"),
    "batcher.timeout": Field("longest wait for an answer of a batch"),
    "log.to": Field("requests logged to"),
    "log.sample": Field("share of requests logged", "value", 1.0),
    "log.mode": Field("logged"),
    "smoke_test.request": Field("smoke test's request"),
    "smoke_test.path": Field("smoke test's path"),
    "smoke_test.status": Field("status that passes the smoke test", "value", 200),
    "smoke_test.timeout": Field("smoke test's timeout"),
    "mode": Field("mode"),
    "like": Field("like"),
    "type": Field("type"),
    "version": Field("MLflow version"),
    "url": Field("address"),
}
_OTHER: dict[Place, dict[str, Field]] = {
    "tuning": {
        "objective": Field("objective"),
        "stop_at": Field("stops at"),
        "algorithm.name": Field("algorithm", "value", "random"),
        "algorithm.settings.*": Field("algorithm's {0}"),
        "early_stopping.name": Field("early stopping"),
        "early_stopping.settings.*": Field("early stopping's {0}"),
        "trials.max": Field("trials"),
        "trials.parallel": Field("trials at the same time", "value", 1),
        "trials.max_failed": Field("failed trials that are borne"),
        "resume": Field("kept for going on", "value", "never"),
        "retrain": Field("trains again with the best parameters", "flag", True),
        "owner": Field("owning target"),
    },
    "registry": {
        "model": Field("registered model"),
        "from": Field("registers"),
        "description": Field("description"),
        "tags.*": Field("tag {0}"),
        "model_tags.*": Field("model's tag {0}"),
        "on_pass.alias": Field("alias that passes move"),
        "owner": Field("owning target"),
    },
    "param": {
        "default": Field("default"),
        "type": Field("type"),
        "min": Field("least value"),
        "max": Field("greatest value"),
        "choices": Field("choices"),
        "description": Field("description"),
    },
    "data": {
        "source": Field("source"),
        "secret": Field("opened with secret"),
        "access": Field("access", "value", "download"),
        "description": Field("description"),
    },
    "storage": {
        "type": Field("type"),
        "uri": Field("address"),
        "path": Field("folder"),
        "secret": Field("opened with secret"),
        "claim": Field("existing claim"),
        "size": Field("size", "memory"),
        "mode": Field("access mode"),
        "class": Field("storage class"),
        "max_proxied": Field("largest output through the server", "memory", "5Gi"),
    },
    "secret": {
        "keys": Field("keys"),
        "name": Field("Kubernetes Secret"),
        "remote": Field("path in the secret store"),
    },
    "pipeline": {
        "run": Field("runs"),
        "params.*": Field("{0}"),
        "description": Field("description"),
        "owner": Field("owning target"),
        "triggers.*.cron": Field("trigger {0}: cron"),
    },
    "alert": {
        "on": Field("watches"),
        "metric": Field("measures"),
        "quantile": Field("quantile"),
        "max": Field("fires above"),
        "min": Field("fires below"),
        "for": Field("after"),
        "severity": Field("severity", "value", "warning"),
        "description": Field("description"),
    },
    "environment": {
        "platform": Field("platform"),
        "default": Field("the default environment", "flag", False),
        "namespace.name": Field("namespace"),
        "namespace.create": Field("namespace is made", "flag", False),
        "start": Field("pipelines start"),
        "mode": Field("mode"),
        "name_prefix": Field("names begin with"),
        "allow_remote_writes": Field("may write to remote addresses", "flag", False),
    },
    "tracking": {
        "experiment.name": Field("experiment"),
        "experiment.description": Field("experiment's description"),
        "experiment.artifact_location": Field("experiment's files"),
        "backend_store.type": Field("backend store"),
        "backend_store.secret": Field("backend store's secret"),
        "backend_store.path": Field("backend store's file"),
        "registry_store.type": Field("registry store"),
        "registry_store.secret": Field("registry store's secret"),
        "artifacts.type": Field("artifact store"),
        "artifacts.uri": Field("artifact store at"),
        "artifacts.path": Field("artifact store's folder"),
        "artifacts.secret": Field("artifact store's secret"),
        "artifacts.endpoint": Field("artifact store's endpoint"),
        "artifacts.claim": Field("artifact store's claim"),
        "artifacts.size": Field("artifact store's size", "memory"),
        "artifacts.class": Field("artifact store's storage class"),
        "auth.type": Field("log-in", "value", "none"),
        "auth.secret": Field("log-in's secret"),
        "auth.admin": Field("administrator's secret"),
        "auth.default_permission": Field("everybody may", "value", "read"),
        "permissions.*.experiments": Field("{0} on experiments"),
        "permissions.*.models": Field("{0} on models"),
        "models.*.aliases.*": Field("alias {0}@{1}"),
        "options.workers": Field("server processes"),
        "options.gc.older_than": Field("deleted runs kept for"),
        "options.gc.schedule": Field("deleted runs removed at"),
        "options.allowed_hosts": Field("allowed hosts"),
        "options.cors": Field("pages that may call it (CORS)"),
        "options.prometheus": Field("own metrics", "flag", False),
        "autolog": Field("autolog"),
        "owner": Field("owning target"),
    },
    "platform": {
        "kubernetes": Field("Kubernetes"),
        "orchestrator": Field("orchestrator"),
        "pod_security": Field("pod security", "value", "restricted"),
        "network.policies": Field("network policies", "flag", True),
        "network.allow_from": Field("namespaces that reach services"),
        "retention.runs": Field("finished runs kept for"),
        "retention.artifacts": Field("deleted runs kept for"),
        "images.registry": Field("images pulled through"),
        "images.tools": Field("image of mlwright's own programs"),
        "prices": Field("price file"),
        "storage_classes.*.name": Field("storage class {0}"),
        "identities.*.service_account": Field("service account of identity {0}"),
        "mesh.mtls": Field("mutual TLS", "value", "permissive"),
    },
    "patch": {"why": Field("reason")},
    "objects": {"path": Field("path"), "target": Field("target")},
    "top": {
        "repo": Field("repository"),
        "revision": Field("branch", "value", "main"),
        "path": Field("folder", "value", "manifests"),
        "automated": Field("applied by itself (prune and self-heal)", "flag", True),
        "name": Field("name"),
        "description": Field("description"),
        "owners": Field("owners"),
        "labels.*": Field("label {0}"),
    },
}


def _table(rows: Mapping[str, Field]) -> dict[tuple[str, ...], Field]:
    return {tuple(pattern.split(".")): field for pattern, field in rows.items()}


_TABLES: dict[Place, dict[tuple[str, ...], Field]] = {
    **{place: _table(_CONTAINER) for place in CONTAINERS},
    **{place: _table(rows) for place, rows in _OTHER.items()},
}


def field_at(frame: Frame) -> Field | None:
    """The field that the frame's rest is, with its label filled in; None for one without words of its own."""
    words = tuple(map(str, frame.rest))
    for pattern, found in _TABLES.get(frame.place, {}).items():
        if matches(pattern, words):
            stars = [word for part, word in zip(pattern, words, strict=True) if part == "*"]
            return Field(found.label.format(*stars), found.kind, found.default) if stars else found
    return None


def matches(pattern: tuple[str, ...], words: tuple[str, ...]) -> bool:
    """Whether `*` stands for one part of `words`, and everything else is the same."""
    return len(pattern) == len(words) and all(part in ("*", word) for part, word in zip(pattern, words, strict=True))


def below(path: Path, root: Path) -> bool:
    """Whether `path` is `root` or below it."""
    return path[: len(root)] == root
