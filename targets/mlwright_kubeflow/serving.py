"""Endpoints as KServe's InferenceServices, routes as InferenceGraphs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mlwright.emit.kube import endpoints, kserve, workloads
from mlwright.emit.kube.exposure import Backend, expose, route
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.workloads import Workload
from mlwright.ir import Route, Service
from mlwright_kubeflow import serving_graph, serving_model, serving_pod, serving_scale, serving_store
from mlwright_kubeflow.serving_language import language_model
from mlwright_kubeflow.serving_pod import Object

_HOST = "-host"
"""Ends the names of what exposes an endpoint: KServe calls its own like the InferenceService."""
_LOCAL = {"networking.kserve.io/visibility": "cluster-local"}
"""KServe itself exposes nothing: what the specification says is what there is."""


def emit_endpoint(objects: Objects, service: Service) -> None:
    """All objects of one endpoint."""
    works = []
    for component, one, variant in endpoints.each(service):
        name = kserve.name(objects.project, component)
        work = _workload(service.id, name, component, service, "Variant" if variant else "")
        works.append((one, work))
        _emit(objects, service, one, work)
    shares = endpoints.shares(service)
    if kserve.split(objects, service):
        _router(objects, service, service.port, serving_graph.shared(objects, service, shares))
    elif len(shares) > 1:
        _weighted(objects, service, [(objects.name(name), service.port, weight) for name, weight in shares])
    weighted = len(shares) > 1 and not kserve.split(objects, service) and service.expose.auth == "none"
    if kserve.served_as(service, objects.context.platform) != "language" and not weighted:
        routed = kserve.split(objects, service)
        front = (
            kserve.router(objects.project, service.name) if routed else f"{works[0][1].name}-{kserve.front(service)}"
        )
        _expose(objects, service, front)
    for one, work in works if service.smoke_request else ():
        url = kserve.entry(objects, service, work.component) + kserve.path(objects, one, work.component)
        endpoints.smoke(objects, one, work, url, _what(objects, one, work))


def emit_route(objects: Objects, found: Route) -> None:
    """An address in front of several endpoints: by weight through the Gateway or the mesh where they can, else a
    router."""
    services = {service.id: service for service in objects.project.services}
    to = [services[leg.to] for leg in found.legs if leg.to in services]
    if kserve.weighed(objects, found):
        backends: list[Backend] = [
            (objects.name(one.name), one.port, leg.weight) for one, leg in zip(to, found.legs, strict=True)
        ]
        work = _workload(found.id, objects.name(found.name), found.name, found)
        port = to[0].port
        ports = [{"name": workloads.HTTP, "port": port, "protocol": "TCP", "targetPort": port}]
        spec = {"type": "ClusterIP", "ports": ports, **workloads.STEADY}
        objects.add("Service", work.name, {"spec": spec}, **work.common)
        _weighted(objects, found, backends)
        return
    _router(objects, found, kserve.ROUTER, serving_graph.routed(objects, found))
    _expose(objects, found, kserve.router(objects.project, found.name))


def _workload(node: str, name: str, component: str, found: Service | Route, suffix: str = "") -> Workload:
    return Workload(name=name, node=node, component=component, origin=found.origin, suffix=suffix)


def _emit(objects: Objects, whole: Service, service: Service, work: Workload) -> None:
    """The endpoint's own model, or a variant's."""
    platform = objects.context.platform
    served = kserve.served_as(service, platform)
    where = serving_store.address(objects, service.source)
    if served == "language":
        language_model(objects, service, work, work.name, where)
        return
    by = serving_scale.classed(objects, [service.replicas, *(part.replicas for _, part in service.components)])
    called = kserve.pods(objects, whole, work.component)
    spec: Object = {
        "predictor": {
            **serving_scale.copies(objects, service.replicas, by, called=called),
            **_limits(service),
            **_batcher(service),
            **serving_store.logger(objects, service),
            **_predictor(objects, service, work, served, where),
        }
    }
    for kind, part in service.components:
        beside = replace(work, component=f"{work.component}-{kind}")
        spec[kind] = {
            **serving_scale.copies(objects, part.replicas, by, called=called),
            **_limits(service),
            **serving_pod.component(objects, service, part, beside),
        }
    objects.add(
        "InferenceService",
        work.name,
        {"spec": spec},
        as_kind=work.kind("InferenceService"),
        labels=_LOCAL,
        annotations={
            kserve.MODE: serving_graph.mode(objects),
            **serving_scale.annotated(by),
            **_deadline(objects, service),
            **(serving_store.opened(objects, service, where) if served in _FETCHED else {}),
        },
        **work.common,
    )
    if not kserve.knative(platform):
        _service(objects, service, replace(work, name=called), served)


_FETCHED = ("stored", "scored", "model")


def _predictor(objects: Objects, service: Service, work: Workload, served: kserve.Served, where: str) -> Object:
    match served:
        case "model":
            found = serving_model.model(objects, service, work, where)
        case "scored":
            found = serving_model.scored(objects, service, work, where)
        case _:
            found = serving_pod.predictor(objects, service, work, where if served == "stored" else "")
    if served in _FETCHED:
        found["serviceAccountName"] = serving_store.account(objects, service, where)
    return found


def _service(objects: Objects, service: Service, work: Workload, served: kserve.Served) -> None:
    """The Service in front of the pods that KServe makes: of the same name and port as on any other platform."""
    front = kserve.front(service)
    part = dict(service.components).get("transformer")
    port = part.port if part else kserve.model_port(service) if served == "model" else service.port
    if not part and (service.batcher or "log" in dict(service.extra)):
        port = kserve.AGENT
    component = work.component if front == "predictor" else f"{work.component}-{front}"
    workloads.service(objects, work, service.port, to=port, component=component)
    if service.replicas.min > 1:
        workloads.budget(objects, work)


def _limits(service: Service) -> Object:
    return {
        **({"containerConcurrency": service.concurrency} if service.concurrency else {}),
        **({"timeout": math.ceil(service.request_timeout)} if service.request_timeout else {}),
    }


def _batcher(service: Service) -> Object:
    found = service.batcher
    if found is None:
        return {}
    return {
        "batcher": {
            "maxBatchSize": found.max_size,
            **({"maxLatency": math.ceil(found.max_latency * 1000)} if found.max_latency else {}),
            **({"timeout": math.ceil(found.timeout)} if found.timeout else {}),
        }
    }


def _deadline(objects: Objects, service: Service) -> dict[str, str]:
    """How long Knative waits for a first pod."""
    if not kserve.knative(objects.context.platform):
        return {}
    return {"serving.knative.dev/progress-deadline": f"{int(service.startup) + endpoints.SLACK}s"}


def _router(objects: Objects, found: Service | Route, port: int, nodes: Mapping[str, Object]) -> None:
    """The router of an endpoint or a route, and on Deployments the Service of its pods."""
    component = f"{found.name}-router"
    work = _workload(found.id, kserve.router(objects.project, found.name), component, found)
    serving_graph.graph(objects, work, dict(nodes))
    if not kserve.knative(objects.context.platform):
        before = _workload(found.id, objects.name(found.name), found.name, found, "Router")
        workloads.service(objects, before, port, to=kserve.ROUTER, component=component)


def _weighted(objects: Objects, found: Service | Route, backends: list[Backend]) -> None:
    """Requests by weight: of the host, and of callers inside the mesh."""
    work = _workload(found.id, objects.name(found.name), found.name, found)
    wanted = found.expose
    if wanted.scope == "host" and wanted.auth == "none":
        below = wanted.path
        route(objects, work, backends, host=wanted.host, path=below, strip=below != "/", suffix=_HOST)
    if objects.context.platform.has("istio"):
        route(objects, work, backends)


def _expose(objects: Objects, found: Service | Route, knative: str) -> None:
    """The host of an endpoint or a route; `knative` is the Knative Service that answers."""
    work = _workload(found.id, objects.name(found.name), found.name, found)
    port = found.port if isinstance(found, Service) else kserve.ROUTER
    if not kserve.knative(objects.context.platform):
        expose(objects, work, found.expose, port=port, suffix=_HOST)
        return
    if found.expose.auth == "required":
        domain = objects.context.platform.file.cluster_domain
        upstream = f"http://{knative}.{objects.namespace}.svc.{domain}"
        expose(objects, work, found.expose, port=port, upstream=upstream, suffix=_HOST)
    elif found.expose.scope == "host":
        _mapped(objects, work, found, knative)


def _mapped(objects: Objects, work: Workload, found: Service | Route, knative: str) -> None:
    kind, secret = "DomainMapping", found.expose.tls_secret
    spec: dict[str, Any] = {"ref": {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": knative}}
    if secret:
        spec["tls"] = {"secretName": secret}
    objects.add(kind, found.expose.host, {"spec": spec}, as_kind=work.kind(kind), **work.common)


def _what(objects: Objects, service: Service, work: Workload) -> dict[str, Any]:
    """What decides which answer an endpoint gives: its image and its document, or its model's address."""
    served = kserve.served_as(service, objects.context.platform)
    if served in ("image", "launched"):
        predictor = objects.rendered("InferenceService", work.name)["spec"]["predictor"]
        return endpoints.what_is_served(predictor)
    return {
        **({"MLWRIGHT_UNVERIFIED": "1"} if served == "language" else {}),
        "MLWRIGHT_SERVED": serving_store.address(objects, service.source),
        **({"MLWRIGHT_SERVED_IMAGE": service.container.image.ref} if service.container.image.ref else {}),
    }
