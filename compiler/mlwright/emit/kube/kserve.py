"""Endpoints on KServe, as far as several targets know them: what is called how, who answers where."""

from __future__ import annotations

from collections.abc import Sequence

from mlwright.emit.kube.names import named
from mlwright.emit.kube.objects import Objects
from mlwright.ir import Project, Route, Service
from mlwright.platform.kserve import SERVERS, Served, format_of, front, is_split, is_weighed, knative, served_as

__all__ = ["SERVERS", "Served", "format_of", "front", "knative", "served_as"]

MODE = "serving.kserve.io/deploymentMode"
CONTAINER = "kserve-container"
AGENT = 9081
"""The port of the agent beside the model, which puts requests together and keeps them."""
ROUTER = 8080
WORKLOAD = 8000
"""The port of a large language model."""
_SIDECAR = 8001
"""The port of the server itself where groups of copies share a request: a sidecar has the other."""
_QUEUE = {8012, 8013, 8022, 8112, 9090, 9091}
"""Ports of the proxy that Knative puts before the program."""
_PATHS = {
    "mlflow": "/invocations",
    "openai": "/v1/chat/completions",
    "open-inference-v1": "/v1/models/{}:predict",
    "open-inference-v2": "/v2/models/{}/infer",
}


def name(project: Project, component: str) -> str:
    """The name of an InferenceService or LLMInferenceService: short enough for everything that is called after it."""
    return named(project, component, limit=40)


def split(objects: Objects, service: Service) -> bool:
    """Whether a router of KServe's shares the requests of an endpoint among its variants."""
    return is_split(service, objects.context.platform)


def weighed(objects: Objects, route: Route) -> bool:
    """Whether a Gateway or the mesh shares the requests of a route; else a router of KServe's does."""
    return is_weighed(route, objects.project.services, objects.context.platform)


def router(project: Project, component: str) -> str:
    """The InferenceGraph of a route, or of an endpoint that shares its requests."""
    return named(project, component, "router", limit=40)


def pods(objects: Objects, service: Service, component: str) -> str:
    """The Service of the pods of an endpoint or a variant: the endpoint's own name stands before the router, where
    there is one."""
    own = component == service.name and split(objects, service)
    return objects.name(component, "main") if own else objects.name(component)


def entry(objects: Objects, service: Service, component: str) -> str:
    """Where the pods of an endpoint or a variant answer inside the cluster, without a path."""
    if served_as(service, objects.context.platform) == "language":
        return f"https://{_host(objects, f'{name(objects.project, component)}-kserve-workload-svc')}:{WORKLOAD}"
    if knative(objects.context.platform):
        return f"http://{_host(objects, f'{name(objects.project, component)}-{front(service)}')}"
    return f"http://{_host(objects, pods(objects, service, component))}:{service.port}"


def address(objects: Objects, service: Service) -> str:
    """Where an endpoint answers inside the cluster, without a path: for all that share its requests."""
    if not split(objects, service):
        return entry(objects, service, service.name)
    if knative(objects.context.platform):
        return f"http://{_host(objects, router(objects.project, service.name))}"
    return f"http://{_host(objects, objects.name(service.name))}:{service.port}"


def _host(objects: Objects, service: str) -> str:
    return f"{service}.{objects.namespace}.svc.{objects.context.platform.file.cluster_domain}"


def listening(objects: Objects, services: Sequence[Service]) -> set[int]:
    """The ports that pods of these endpoints, of what is beside them and of routers listen on."""
    if not services:
        return set()
    found = {port for service in services for port in _ports(objects, service)}
    routed = bool(objects.project.routes) or any(split(objects, service) for service in services)
    return found | ({ROUTER} if routed else set()) | (_QUEUE if knative(objects.context.platform) else set())


def _ports(objects: Objects, service: Service) -> set[int]:
    served = served_as(service, objects.context.platform)
    if served == "language":
        return {WORKLOAD, _SIDECAR}
    found = {part.port for _, part in service.components} | {model_port(service) if served == "model" else service.port}
    return found | ({AGENT} if service.batcher or "log" in dict(service.extra) else set())


def model_port(service: Service) -> int:
    """The port that KServe's own servers listen on."""
    server = SERVERS.get(format_of(service.format)[0])
    if service.protocols[0] == "grpc":
        return (server.grpc if server else 0) or service.port
    return 8080


def path(objects: Objects, service: Service, component: str) -> str:
    """The path of a request, by the first protocol, where the smoke test does not say another; KServe's servers call a
    model like its InferenceService."""
    text = usual = _PATHS.get(service.protocols[0], "/")
    if usual == _PATHS["openai"] and served_as(service, objects.context.platform) == "model":
        text = f"/openai{usual}"
    if service.smoke_request and service.smoke_path not in ("/", usual):
        return service.smoke_path
    return text.format(name(objects.project, component))
