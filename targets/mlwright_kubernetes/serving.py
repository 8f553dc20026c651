"""Endpoints: one Deployment for the model and one for each variant, and who shares the requests among them."""

from __future__ import annotations

from mlwright.emit import servedoc
from mlwright.emit.kube import endpoints, pod, scaling, workloads
from mlwright.emit.kube.exposure import Backend, expose, route
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.workloads import Workload
from mlwright.emit.shared import shared
from mlwright.ir import Route, Service

_DRAIN = 5
"""Seconds for which a pod that is to end still answers, until nobody sends it requests any more."""
_PAUSE = shared({"preStop": {"sleep": {"seconds": _DRAIN}}})
_SLEEP = shared({"preStop": {"exec": {"command": ["sleep", str(_DRAIN)]}}})


def emit_endpoint(objects: Objects, service: Service) -> None:
    """All objects of one endpoint."""
    works = []
    for name, one, variant in endpoints.each(service):
        work = _workload(objects, service.id, name, service, "Variant" if variant else "")
        works.append((one, work))
        _emit(objects, one, work)
    main = works[0][1]
    backends: list[Backend] = [(objects.name(name), service.port, weight) for name, weight in endpoints.shares(service)]
    shared = len(backends) > 1
    if shared and service.expose.scope == "host":
        below = service.expose.path
        route(objects, main, backends, host=service.expose.host, path=below, strip=below != "/")
    else:
        expose(objects, main, service.expose, port=service.port)
    if shared and objects.context.platform.has("istio"):
        route(objects, main, backends)
    for one, work in works if service.smoke_request else ():
        spec = objects.rendered("Deployment", work.name)["spec"]["template"]["spec"]
        url = f"http://{work.name}:{one.port}{one.smoke_path}"
        endpoints.smoke(objects, one, work, url, endpoints.what_is_served(spec))


def emit_route(objects: Objects, found: Route) -> None:
    """An address in front of several endpoints, by weight: a Service of no pods whose callers the mesh shares out, and
    the host where there is one."""
    work = _workload(objects, found.id, found.name, found)
    services = {service.id: service for service in objects.project.services}
    backends: list[Backend] = [
        (objects.name(services[leg.to].name), services[leg.to].port, leg.weight) for leg in found.legs
    ]
    port = backends[0][1]
    spec = {
        "type": "ClusterIP",
        "ports": [{"name": workloads.HTTP, "port": port, "protocol": "TCP", "targetPort": port}],
        **workloads.STEADY,
    }
    objects.add("Service", work.name, {"spec": spec}, **work.common)
    if objects.context.platform.has("istio"):
        route(objects, work, backends)
    if found.expose.scope == "host":
        below = found.expose.path
        route(objects, work, backends, host=found.expose.host, path=below, strip=below != "/")


def _workload(objects: Objects, node: str, name: str, found: Service | Route, suffix: str = "") -> Workload:
    return Workload(name=objects.name(name), node=node, component=name, origin=found.origin, suffix=suffix)


def _emit(objects: Objects, service: Service, work: Workload) -> None:
    made = endpoints.served(objects, service, service.source, work)
    more = {
        "ports": workloads.ports(service.port),
        **workloads.probes(servedoc.health_path(service), service.startup),
        "lifecycle": _PAUSE if objects.context.platform.at_least("kubernetes", "1.30") else _SLEEP,
    }
    container = pod.user_container(objects, made.box, made.volumes, made.env, made.start, more=more)
    template = pod.template(
        objects,
        [container],
        made.volumes,
        node=service.id,
        component=work.component,
        role="endpoint",
        box=made.box,
        restart="Always",
        grace=endpoints.GRACE,
        more=endpoints.spread(objects, work.component, service.replicas),
    )
    scaled = scaling.scaled(service.replicas)
    least = None if scaled else service.replicas.min
    workloads.deployment(objects, work, template, replicas=least, progress=int(service.startup) + endpoints.SLACK)
    workloads.service(objects, work, service.port)
    if scaled:
        scaling.emit_scaling(objects, work, service.replicas)
    if service.replicas.min > 1:
        workloads.budget(objects, work)
