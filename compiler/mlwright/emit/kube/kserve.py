"""Endpoints on KServe, as far as several targets know them: what is called how, who answers where."""

from __future__ import annotations

from typing import Literal

from mlwright.emit.kube.names import named
from mlwright.emit.kube.objects import Objects
from mlwright.ir import Project, Route, Service
from mlwright.platform import Profile
from mlwright.platform.kserve import SERVERS, format_of, knative, language_models

__all__ = ["SERVERS", "format_of", "knative", "language_models"]

MODE = "serving.kserve.io/deploymentMode"
CONTAINER = "kserve-container"
AGENT = 9081
"""The port of the agent beside the model, which puts requests together and keeps them."""
ROUTER = 8080
WORKLOAD = 8000
"""The port of a large language model."""
_PATHS = {
    "mlflow": "/invocations",
    "openai": "/v1/chat/completions",
    "open-inference-v1": "/v1/models/{}:predict",
    "open-inference-v2": "/v2/models/{}/infer",
}

Served = Literal["image", "launched", "stored", "scored", "model", "language"]
"""Who serves: a container that brings its own model; one that fetches it through the tracking server; one that finds it
in a folder that KServe fills; MLflow's scoring server on such a folder; a server of KServe's own; its servers of large
language models."""


def served_as(service: Service, platform: Profile) -> Served:
    """Who serves an endpoint's model."""
    box = service.container
    own = bool(box.argv or box.script or box.args)
    if "openai" in service.protocols and not own and not service.runtime and language_models(platform):
        return "language"
    if service.source.kind == "none":
        return "image"
    if service.storage == "proxied":
        return "launched"
    if own:
        return "stored"
    return "scored" if service.format == "mlflow" and box.image.ref and not service.runtime else "model"


def name(project: Project, component: str) -> str:
    """The name of an InferenceService or LLMInferenceService: short enough for everything that is called after it."""
    return named(project, component, limit=40)


def front(service: Service) -> str:
    """The part of an endpoint that gets its requests."""
    return "transformer" if dict(service.components).get("transformer") else "predictor"


def split(objects: Objects, service: Service) -> bool:
    """Whether a router of KServe's shares the requests of an endpoint among its variants: where neither a Gateway nor
    the mesh does."""
    if not any(variant.traffic for variant in service.variants):
        return False
    platform, expose = objects.context.platform, service.expose
    if knative(platform) or not platform.has("gateway_api"):
        return True
    straight = expose.scope == "host" and expose.auth == "none"
    return platform.file.gateway is None if straight else not platform.has("istio")


def weighed(objects: Objects, route: Route) -> bool:
    """Whether a Gateway or the mesh shares the requests of a route; else a router of KServe's does."""
    platform = objects.context.platform
    services = {service.id: service for service in objects.project.services}
    plain = all(leg.to in services and served_as(services[leg.to], platform) != "language" for leg in route.legs)
    if route.mode != "split" or knative(platform) or not platform.has("gateway_api") or not plain:
        return False
    straight = route.expose.scope == "host" and route.expose.auth == "none"
    return platform.file.gateway is not None if straight else platform.has("istio") and route.expose.scope != "host"


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


def path(objects: Objects, service: Service, component: str) -> str:
    """The path of a request, by the first protocol; KServe's servers call a model like its InferenceService."""
    text = _PATHS.get(service.protocols[0], "/")
    if text == _PATHS["openai"] and served_as(service, objects.context.platform) == "model":
        text = f"/openai{text}"
    if text == "/" or service.smoke_path not in ("/", text, _PATHS["openai"]):
        return service.smoke_path
    return text.format(name(objects.project, component))
