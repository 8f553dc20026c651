"""The pods of an endpoint as KServe takes them: in line with what KServe itself adds, for Deployments and Knative."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mlwright.emit import servedoc
from mlwright.emit.kube import endpoints, kserve, pod, workloads
from mlwright.emit.kube.environment import entries
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.volumes import Volumes
from mlwright.emit.kube.workloads import Workload
from mlwright.ir import Component, Container, Image, Service, Template

Object = dict[str, Any]
MODELS = "/mnt/models"
"""The folder that KServe fetches a model into."""
STORAGE = "STORAGE_URI"
_KNATIVE = "http1"
"""What Knative calls a port that speaks HTTP."""
_OMITTED = ("restartPolicy", "terminationGracePeriodSeconds", "topologySpreadConstraints")
"""Fields of pods that Knative sets itself."""
_CONTAINER = ("runAsNonRoot", "runAsUser", "runAsGroup", "seccompProfile")
"""Settings of a pod that Knative takes of its containers only."""
_GRADUAL = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def predictor(objects: Objects, service: Service, work: Workload, address: str) -> Object:
    """The pod that serves the model in a container of the project's; `address` is where KServe fetches the model from,
    empty where it does not."""
    fetched = endpoints.served
    made = _stored(objects, service, address) if address else fetched(objects, service, service.source, work)
    more = serves(objects, service.port, servedoc.health_path(service), service.startup)
    container = pod.user_container(
        objects, made.box, made.volumes, made.env, made.start, name=kserve.CONTAINER, more=more
    )
    return spec(objects, service, work, made.box, made.volumes, container)


def component(objects: Objects, service: Service, part: Component, work: Workload) -> Object:
    """The pod of a transformer or an explainer. KServe appends where the model is, and the port it should listen on."""
    box = part.container
    if not box.image.ref:
        box = replace(box, image=endpoints.image(objects, service, service.source))
    volumes = Volumes(objects, service.id, service.origin)
    start = pod.bare(objects, box)
    volumes.service(box)
    if part.port != 8080:
        start["args"] = [*start.get("args", ()), "--http_port", str(part.port)]
    env = endpoints.bare_environment(objects, box)
    more = serves(objects, part.port, "", 300)
    container = pod.user_container(objects, box, volumes, env, start, name=kserve.CONTAINER, more=more)
    return spec(objects, service, work, box, volumes, container, part=part)


def _stored(objects: Objects, service: Service, address: str) -> endpoints.Served:
    """A container that finds its model in a folder."""
    box = servedoc.with_model(service.container, MODELS)
    if not box.image.ref:
        box = replace(box, image=endpoints.image(objects, service, service.source))
    volumes = Volumes(objects, service.id, service.origin)
    start = pod.bare(objects, box)
    volumes.service(box)
    env = {**endpoints.bare_environment(objects, box), STORAGE: address}
    return endpoints.Served(box=box, volumes=volumes, env=env, start=start)


def serves(objects: Objects, port: int, path: str, startup: float) -> Object:
    """Port and probes of a container. Probes name the port by its number: KServe's agent takes them over."""
    name = _KNATIVE if kserve.knative(objects.context.platform) else workloads.HTTP
    return {"ports": workloads.ports(port, name), **workloads.probes(path, startup, port)}


def spec(
    objects: Objects,
    service: Service,
    work: Workload,
    box: Container,
    volumes: Volumes,
    container: Object,
    *,
    part: Component | None = None,
) -> Object:
    """A pod's spec with labels and annotations beside it, as a part of an InferenceService has them."""
    replicas = part.replicas if part else service.replicas
    template = pod.template(
        objects,
        [bounded(container)],
        volumes,
        node=service.id,
        component=work.component,
        role="endpoint",
        box=box,
        restart="Always",
        grace=endpoints.GRACE,
        more=endpoints.spread(objects, work.component, replicas),
    )
    about, found = template["metadata"], dict(template["spec"])
    del found["restartPolicy"]
    knative = kserve.knative(objects.context.platform)
    return {
        "labels": about["labels"],
        **({"annotations": about["annotations"]} if "annotations" in about else {}),
        **({} if knative else {"deploymentStrategy": _GRADUAL}),
        **(_for_knative(found) if knative else found),
    }


def bounded(container: Object) -> Object:
    """The container with limits for its processors and memory: KServe adds those of its configuration, one processor
    and 2Gi unless ops changed them, which may be less than what is asked for."""
    asked = container.get("resources", {})
    requests, limits = asked.get("requests", {}), dict(asked.get("limits", {}))
    if "cpu" in requests:
        limits.setdefault("cpu", "1" if requests["cpu"].endswith("m") and _below(requests["cpu"]) else requests["cpu"])
    if "memory" in requests:
        limits.setdefault("memory", "2Gi")  # what a specification asks for is its limit, too
    return {**container, "resources": {**asked, "limits": limits}} if limits else container


def _below(cpu: str) -> bool:
    """Whether thousandths of a processor are less than one."""
    return int(cpu.removesuffix("m")) < 1000


def _for_knative(found: Mapping[str, Any]) -> Object:
    """The pod's spec without what Knative refuses; what it takes of containers only goes there."""
    kept = {key: value for key, value in found.items() if key not in (*_OMITTED, "securityContext")}
    who = found.get("securityContext", {})
    moved = {key: who[key] for key in _CONTAINER if key in who}
    boxes = [{**box, "securityContext": {**moved, **box.get("securityContext", {})}} for box in found["containers"]]
    return {**kept, "containers": boxes}


def words(objects: Objects, templates: Sequence[Template]) -> list[str]:
    """Words of a command as text."""
    found = pod.bare(objects, Container(args=tuple(templates)))
    return list(found.get("args", ()))


def runtime_image(objects: Objects, image: Image) -> Object:
    """`image` of a container whose other fields a runtime has; nothing where it has its own."""
    return pod.image(objects, image) if image.ref else {}


def variables(objects: Objects, box: Container) -> list[Object]:
    """The container's own variables and its secrets'."""
    every = endpoints.bare_environment(objects, box)
    own = {name for name, _ in box.env}
    secret = {name for name, value in every.items() if not isinstance(value, str)}
    return entries({name: value for name, value in every.items() if name in own | secret})
