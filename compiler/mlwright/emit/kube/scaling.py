"""How many copies run: as the processors or the memory in use say, or as the requests that Prometheus has counted."""

from __future__ import annotations

from typing import Any

from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.workloads import Workload
from mlwright.emit.shared import once
from mlwright.ir import Replicas

_CPU = 80.0
"""Percent of the processors asked for, where a spec has several copies and no measure."""


def scaled(replicas: Replicas) -> bool:
    """Whether something changes the number of copies."""
    return replicas.max > replicas.min


def emit_scaling(objects: Objects, work: Workload, replicas: Replicas) -> None:
    """What changes it: a HorizontalPodAutoscaler, or KEDA for requests."""
    measure, value = next(iter(replicas.target), ("cpu", _CPU))
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": work.name}
    if measure in ("cpu", "memory"):
        _by_resource(objects, work, replicas, target, measure, int(value))
    else:
        _by_requests(objects, work, replicas, target, measure, value)


def _by_resource(
    objects: Objects, work: Workload, replicas: Replicas, target: dict[str, Any], measure: str, value: int
) -> None:
    spec = {
        "scaleTargetRef": target,
        "minReplicas": replicas.min,
        "maxReplicas": replicas.max,
        "metrics": _used(measure, value),
    }
    kind = "HorizontalPodAutoscaler"
    objects.add(kind, work.name, {"spec": spec}, as_kind=work.kind(kind), **work.common)


@once
def _used(measure: str, percent: int) -> list[dict[str, Any]]:
    used = {"name": measure, "target": {"type": "Utilization", "averageUtilization": percent}}
    return [{"type": "Resource", "resource": used}]


def _by_requests(
    objects: Objects, work: Workload, replicas: Replicas, target: dict[str, Any], measure: str, value: float
) -> None:
    monitoring = objects.context.platform.file.monitoring
    assert monitoring is not None and monitoring.address is not None  # refused before
    trigger = {
        "type": "prometheus",
        "metricType": "AverageValue",
        "metadata": {
            "serverAddress": monitoring.address,
            "query": requests_query(work.name, objects.namespace, measure, asleep=not replicas.min),
            "threshold": f"{value:g}",
            **({} if replicas.min else {"activationThreshold": "0"}),
        },
    }
    spec = {
        "scaleTargetRef": target,
        "minReplicaCount": replicas.min,
        "maxReplicaCount": replicas.max,
        "pollingInterval": 15,
        "cooldownPeriod": 300,
        "triggers": [trigger],
    }
    kind = "ScaledObject"
    objects.add(kind, work.name, {"spec": spec}, as_kind=work.kind(kind), **work.common)


def requests_query(service: str, namespace: str, measure: str, *, asleep: bool) -> str:
    """Requests a second, or at the same time: a second of answering for each second is one request. The callers' side
    counts where there may be no pod that could."""
    who = "source" if asleep else "destination"
    labels = f'reporter="{who}",destination_service_name="{service}",destination_service_namespace="{namespace}"'
    if measure == "rps":
        return f"sum(rate(istio_requests_total{{{labels}}}[1m]))"
    return f"sum(rate(istio_request_duration_milliseconds_sum{{{labels}}}[1m])) / 1000"
