"""Routes as InferenceGraphs: a router that asks endpoints one after another, all at once, by weight or by condition."""

from __future__ import annotations

from typing import Any

from mlwright.emit.kube import kserve, metadata
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.workloads import Workload
from mlwright.ir import Container, Leg, Route, Service

_TYPES = {"sequence": "Sequence", "ensemble": "Ensemble", "split": "Splitter", "switch": "Switch"}
_ASKED = ("open-inference-v1", "open-inference-v2")
"""Protocols whose paths KServe knows."""
_LOCAL = dict.fromkeys(("networking.kserve.io/visibility", "networking.knative.dev/visibility"), "cluster-local")
_ALWAYS = "@this"
"""A condition that holds for every request."""
Object = dict[str, Any]


def graph(objects: Objects, work: Workload, nodes: dict[str, Object]) -> None:
    """One InferenceGraph; its router's pods have the labels of the endpoint's."""
    labels = {
        **objects.context.platform.file.pods.labels,
        **metadata.labels(objects.project, work.node, work.component, Container()),
        metadata.ROLE: "endpoint",
    }
    objects.add(
        "InferenceGraph",
        work.name,
        {"spec": {"nodes": nodes}},
        as_kind=work.kind("InferenceGraph"),
        annotations={kserve.MODE: mode(objects)},
        labels={**labels, **_LOCAL},
        **work.common,
    )


def mode(objects: Objects) -> str:
    """The deployment mode, by the name that the release has for it."""
    platform = objects.context.platform
    now = platform.has("kserve_standard_mode")
    if kserve.knative(platform):
        return "Knative" if now else "Serverless"
    return "Standard" if now else "RawDeployment"


def routed(objects: Objects, route: Route) -> dict[str, Object]:
    """The nodes of a route; routes that it leads to are nodes of it, too."""
    routes = {item.id: item for item in objects.project.routes}
    services = {item.id: item for item in objects.project.services}
    nodes: dict[str, Object] = {}

    def node(name: str, found: Route) -> None:
        steps: list[Object] = []
        nodes[name] = {"routerType": _TYPES[found.mode], "steps": steps}
        for position, leg in enumerate(found.legs):
            inner = routes.get(leg.to)
            target = {"nodeName": inner.name} if inner else asked(objects, services[leg.to])
            steps.append({**target, **_leg(objects, found, position, leg)})
            if inner and inner.name not in nodes:
                node(inner.name, inner)

    node("root", route)
    return nodes


def _leg(objects: Objects, route: Route, position: int, leg: Leg) -> Object:
    name = leg.to.rpartition(".")[2].replace("_", "-")
    later = route.mode == "sequence" and position > 0
    following = route.legs[position + 1].input if position + 1 < len(route.legs) else "request"
    mapped = route.mode == "sequence" and following == "response" and _predicts(objects, leg)
    condition = leg.condition or (_ALWAYS if route.mode == "switch" else "")
    return {
        "name": name,
        **({"data": f"${leg.input}"} if later else {}),
        **({"mapPredictionsToInstances": True} if mapped else {}),
        **({"weight": leg.weight} if route.mode == "split" else {}),
        **({"condition": condition} if condition else {}),
        **({"dependency": "Hard"} if leg.required else {}),
    }


def _predicts(objects: Objects, leg: Leg) -> bool:
    """Whether an answer is called `predictions` where the next request has `instances`."""
    if not objects.context.platform.has("kserve_graph_mapping"):
        return False
    found = next((item for item in objects.project.services if item.id == leg.to), None)
    return found is not None and found.protocols[0] in ("mlflow", "open-inference-v1")


def shared(objects: Objects, service: Service, components: list[tuple[str, int]]) -> dict[str, Object]:
    """The nodes that share the requests of an endpoint among its variants."""
    steps = []
    for component, weight in components:
        where = kserve.entry(objects, service, component)
        url = f"{where}{kserve.path(objects, service, component)}"
        steps.append({"name": component, "serviceUrl": url, "weight": weight})
    return {"root": {"routerType": "Splitter", "steps": steps}}


def asked(objects: Objects, service: Service) -> Object:
    """Which endpoint a step asks: by name where KServe knows the path of a request, else by address."""
    served = kserve.served_as(service, objects.context.platform)
    if service.protocols[0] in _ASKED and served != "language" and not kserve.split(objects, service):
        return {"serviceName": kserve.name(objects.project, service.name)}
    return {"serviceUrl": f"{kserve.address(objects, service)}{kserve.path(objects, service, service.name)}"}
