"""Alerts: a PrometheusRule over what is really measured on the platform, which `platform.needs` has made sure of."""

from __future__ import annotations

from typing import Any

from mlwright.emit.kube import kserve
from mlwright.emit.kube.names import named
from mlwright.emit.kube.objects import Objects
from mlwright.ir import Alert, Notebook, Origin, Project, Route, Service

NODE = "monitoring"
_KSERVE = "kubeflow"
_WINDOW = "5m"


def emit_alerts(objects: Objects) -> None:
    """One rule for each bound of each alert on what this target brings up, or KServe, and what is served already."""
    project, owners = objects.project, objects.context.owners
    served = {node for node in _endpoints(project) if owners.get(node) == _KSERVE}
    alerts = [alert for alert in project.monitoring if owners.get(alert.on) == objects.target or alert.on in served]
    rules = [rule for alert in alerts for rule in _rules(objects, alert)]
    if not rules:
        return
    monitoring = objects.context.platform.file.monitoring
    spec = {"groups": [{"name": objects.name(), "rules": rules}]}
    objects.add(
        "PrometheusRule",
        objects.name(),
        {"spec": spec},
        node=NODE,
        origin=Origin(path=(NODE,)),
        labels=dict(monitoring.labels) if monitoring else None,
        origins={
            ("spec", "groups", 0, "rules", position): alert.origin
            for position, alert in enumerate(
                alert for alert in alerts for bound in (alert.max, alert.min) if bound is not None
            )
        },
    )


def _rules(objects: Objects, alert: Alert) -> list[dict[str, Any]]:
    measure = _measure(objects, alert)
    bounds = [(">", alert.max), ("<", alert.min)]
    return [
        {
            "alert": f"{objects.name(alert.name)}",
            "expr": f"{measure} {sign} {bound:g}",
            **({"for": f"{int(alert.lasting)}s"} if alert.lasting else {}),
            "labels": {"severity": alert.severity, "project": objects.project.name, "node": alert.on},
            "annotations": {"summary": alert.description or f"{alert.metric} of {alert.on} is {sign} {bound:g}"},
        }
        for sign, bound in bounds
        if bound is not None
    ]


def _measure(objects: Objects, alert: Alert) -> str:
    name, namespace = _service(objects.project, alert.on), objects.namespace
    if alert.metric in ("replicas", "restarts"):
        return _state(_deployment(objects, alert.on, name), namespace, alert.metric)
    if alert.on == "tracking":
        labels = f'namespace="{namespace}",service="{name}"'
        return _counted("mlflow_http_request_total", labels, 'status=~"5.."', alert.metric)
    labels = f'reporter="destination",destination_service_name="{name}",destination_service_namespace="{namespace}"'
    if alert.metric == "latency":
        buckets = f"sum by (le) (rate(istio_request_duration_milliseconds_bucket{{{labels}}}[{_WINDOW}]))"
        return f"histogram_quantile({alert.quantile or 0.5:g}, {buckets}) / 1000"
    return _counted("istio_requests_total", labels, 'response_code=~"5.."', alert.metric)


def _counted(counter: str, labels: str, failed: str, metric: str) -> str:
    """Requests a second, or the share of them that failed."""
    every = f"sum(rate({counter}{{{labels}}}[{_WINDOW}]))"
    if metric == "requests":
        return f"({every} or vector(0))"
    return f"sum(rate({counter}{{{labels},{failed}}}[{_WINDOW}])) / {every}"


def _state(name: str, namespace: str, metric: str) -> str:
    """What kube-state-metrics says of a Deployment and its pods; a name with `[` in it is a pattern, of all of them."""
    several = "[" in name
    if metric == "replicas":
        labels = f'namespace="{namespace}",deployment{"=~" if several else "="}"{name}"'
        ready = f"kube_deployment_status_replicas_available{{{labels}}}"
        return f"sum({ready})" if several else ready
    pods = f'namespace="{namespace}",pod=~"{name}-[a-z0-9]{{6,10}}-[a-z0-9]{{5}}"'
    return f"sum(increase(kube_pod_container_status_restarts_total{{{pods}}}[1h]))"


def _deployment(objects: Objects, node: str, name: str) -> str:
    """The Deployment behind a node: KServe calls its own after the InferenceService, Knative after each revision."""
    project = objects.project
    if objects.context.owners.get(node) != _KSERVE:
        return name
    for route in project.routes:
        if route.id == node:
            name = kserve.router(project, route.name)
            return f"{name}-[0-9]{{5}}-deployment" if kserve.knative(objects.context.platform) else name
    service = next(item for item in project.services if item.id == node)
    name = kserve.name(project, service.name)
    if kserve.served_as(service, objects.context.platform) == "language":
        return f"{name}-kserve"
    made = f"{name}-predictor"
    return f"{made}-[0-9]{{5}}-deployment" if kserve.knative(objects.context.platform) else made


def _endpoints(project: Project) -> list[str]:
    return [service.id for service in project.services] + [route.id for route in project.routes]


def _service(project: Project, node: str) -> str:
    """The name of the objects that a node became."""
    if node == "tracking":
        return named(project, "mlflow")
    if node == "tracking.gateway":
        return named(project, "gateway")
    every: list[Service | Route | Notebook] = [*project.services, *project.routes, *project.notebooks]
    return named(project, next(item.name for item in every if item.id == node))
