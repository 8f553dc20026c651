"""Pods that objects describe, and whether a selector finds them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlwright.record import dataclass
from mlwright.verify.manifest import Manifest, is_open
from mlwright.verify.shape import mapping, mappings, word

KEYS = frozenset({"template", "podMetadata", "templates"})

WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"})
CORE = WORKLOADS | {"Job", "CronJob", "Pod"}
# fmt: off
OPERATED = frozenset([
    "Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow", "EventSource", "Sensor",
    "InferenceService", "InferenceGraph", "LLMInferenceService", "TrainJob", "JobSet", "PyTorchJob", "TFJob",
    "XGBoostJob", "MPIJob", "JAXJob", "PaddleJob", "Notebook", "Workspace", "RayJob", "RayCluster", "RayService",
    "SparkApplication", "ScaledJob",
])
# fmt: on
"""Kinds that operators make pods of, with labels of theirs."""
_PARTS = {"InferenceService": ("predictor", "transformer", "explainer")}
"""Parts of an object that are pods of their own, with labels of their own."""
_OURS = ("mlwright.dev/", "app.kubernetes.io/")
_ADDED = frozenset(
    {
        "job-name",
        "batch.kubernetes.io/job-name",
        "batch.kubernetes.io/job-completion-index",
        "statefulset.kubernetes.io/pod-name",
        "apps.kubernetes.io/pod-index",
    }
)
"""Labels that controllers of Kubernetes itself add to pods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pods:
    """The pods of one template. `ports` are the names of their ports; `grows` where others add labels of their own."""

    labels: Mapping[str, Any]
    ports: frozenset[str]
    grows: bool


class Index:
    """Pods by their labels: a selector in a project of thousands is not held against each of them."""

    def __init__(self, pods: Iterable[Pods]) -> None:
        self.every = list(pods)
        self._having: dict[tuple[str, Any], list[Pods]] = {}
        self._uncertain: list[Pods] = []
        for item in self.every:
            if item.grows or any(is_open(str(value)) for value in item.labels.values()):
                self._uncertain.append(item)
                continue
            for key, value in item.labels.items():
                self._having.setdefault((key, str(value)), []).append(item)

    def like(self, labels: Mapping[str, Any]) -> list[Pods]:
        """All that may have these labels, by the one that fewest have."""
        found = self.every
        for key, value in labels.items():
            if key not in _ADDED and not is_open(str(value)):
                having = self._having.get((key, str(value)), [])
                found = having if len(having) < len(found) else found
        return found if found is self.every else [*found, *self._uncertain]


def pods_of(manifest: Manifest) -> Iterator[Pods]:
    """The pods that an object becomes."""
    grows = manifest.kind not in CORE
    own = manifest.labels()
    if manifest.kind == "Pod":
        yield Pods(labels=own, ports=_ports(manifest.spec), grows=False)
    for place in manifest.places_of("template"):
        if isinstance(place.value, dict) and isinstance(spec := place.value.get("spec"), dict) and "containers" in spec:
            labels = mapping(mapping(place.value.get("metadata")).get("labels"))
            yield Pods(labels={**own, **labels} if grows else labels, ports=_ports(spec), grows=grows)
    if manifest.kind in ("EventSource", "Sensor"):  # a template with one container in the place of a pod's spec
        template = mapping(manifest.spec.get("template"))
        labels = mapping(mapping(template.get("metadata")).get("labels"))
        yield Pods(labels=labels, ports=frozenset(), grows=True)
    elif manifest.kind == "PipelineVersion":  # a pod of each of its executors
        for place in manifest.places_of("podMetadata"):
            yield Pods(labels=mapping(mapping(place.value).get("labels")), ports=frozenset(), grows=True)
    elif manifest.kind in OPERATED:
        for part in _PARTS.get(manifest.kind, ()):
            if labels := mapping(mapping(manifest.spec.get(part)).get("labels")):
                yield Pods(labels={**own, **labels}, ports=frozenset(), grows=True)
        if manifest.kind == "LLMInferenceService":
            own = {**own, **mapping(manifest.spec.get("labels"))}
        for place in manifest.places_of("podMetadata"):
            own = {**own, **mapping(mapping(place.value).get("labels"))}
        yield Pods(labels=own, ports=frozenset(), grows=True)
        for place in manifest.places_of("templates"):
            for _, template in mappings(place.value):
                if labels := mapping(mapping(template.get("metadata")).get("labels")):
                    yield Pods(labels={**own, **labels}, ports=frozenset(), grows=True)


def _ports(spec: Mapping[str, Any]) -> frozenset[str]:
    containers = [item for key in ("initContainers", "containers") for _, item in mappings(spec.get(key))]
    ports = [port for item in containers for _, port in mappings(item.get("ports"))]
    return frozenset(str(port["name"]) for port in ports if "name" in port)


def matches(selector: Mapping[str, Any], labels: Mapping[str, Any], grows: bool = False) -> bool:
    """Whether labels fit a LabelSelector; with `grows`, those that others add are taken to fit."""
    for key, value in mapping(selector.get("matchLabels")).items():
        if labels.get(key) != value and not _fits(key, (value,), labels, grows):
            return False
    for _, term in mappings(selector.get("matchExpressions")):
        operator, key, values = term.get("operator"), word(term.get("key")), term.get("values")
        values = tuple(values) if isinstance(values, (list, tuple)) else ()
        present = key in labels or _may_come(key, grows)
        if operator == "In" and not _fits(key, values, labels, grows):
            return False
        if operator == "Exists" and not present:
            return False
        if (operator == "NotIn" and labels.get(key) in values) or (operator == "DoesNotExist" and key in labels):
            return False
    return True


def _fits(key: str, values: tuple[Any, ...], labels: Mapping[str, Any], grows: bool) -> bool:
    if key not in labels:
        return _may_come(key, grows)
    return labels[key] in values or is_open(str(labels[key])) or any(is_open(str(value)) for value in values)


def _may_come(key: str, grows: bool) -> bool:
    return key in _ADDED or (grows and not key.startswith(_OURS))
