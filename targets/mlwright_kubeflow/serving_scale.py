"""How many copies KServe keeps of a part of an endpoint, and what it goes by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from mlwright.emit.kube import kserve, scaling
from mlwright.emit.kube.objects import Objects
from mlwright.ir import Replicas

_CLASS = "serving.kserve.io/autoscalerClass"
_KNATIVE = "autoscaling.knative.dev/class"
_KNATIVE_HPA = "hpa.autoscaling.knative.dev"
_USED, _ASKED = frozenset({"cpu", "memory"}), frozenset({"rps", "concurrency"})
_CPU = 80.0


def classed(objects: Objects, every: Sequence[Replicas]) -> str:
    """Who scales the parts of an InferenceService, which is one for all of them: nobody, a HorizontalPodAutoscaler, or
    KEDA. Knative goes by itself, but for processors and memory."""
    measures = {name for replicas in every for name, _ in replicas.target}
    if kserve.knative(objects.context.platform):
        return _KNATIVE_HPA if measures & _USED else ""
    if measures & _ASKED:
        return "keda"
    return "hpa" if any(scaling.scaled(replicas) for replicas in every) else "none"


def annotated(by: str) -> dict[str, str]:
    """The annotation that says who scales."""
    return {_KNATIVE if by == _KNATIVE_HPA else _CLASS: by} if by else {}


def copies(objects: Objects, replicas: Replicas, by: str, *, called: str) -> dict[str, Any]:
    """The fields of a part that say how many copies of it there are, by what scales the InferenceService. `called` is
    the Service by which requests are counted."""
    found: dict[str, Any] = {"minReplicas": replicas.min, "maxReplicas": replicas.max}
    measure, value = next(iter(replicas.target), ("", 0.0))
    if kserve.knative(objects.context.platform):
        return {**found, "scaleMetric": measure, "scaleTarget": math.ceil(value)} if measure else found
    if not measure:
        measure, value = "cpu", _CPU
    if by == "keda":
        return {**found, "autoScaling": {"metrics": [_metric(objects, replicas, measure, value, called)]}}
    if by == "none":
        return found
    return {**found, "scaleMetric": measure, "scaleMetricType": "Utilization", "scaleTarget": int(value)}


def _metric(objects: Objects, replicas: Replicas, measure: str, value: float, called: str) -> dict[str, Any]:
    if measure in _USED:
        target = {"type": "Utilization", "averageUtilization": int(value)}
        return {"type": "Resource", "resource": {"name": measure, "target": target}}
    monitoring = objects.context.platform.file.monitoring
    assert monitoring is not None and monitoring.address is not None  # refused before
    query = scaling.requests_query(called, objects.namespace, measure, asleep=not replicas.min)
    external = {
        "metric": {"backend": "prometheus", "serverAddress": monitoring.address, "query": query},
        "target": {"type": "Value", "value": f"{value:g}"},
    }
    return {"type": "External", "external": external}
