"""Endpoints: one Deployment for the model and one for each variant, and who shares the requests among them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from posixpath import basename, dirname
from typing import Any

from mlwright.emit import servedoc, tools
from mlwright.emit.kube import environment, metadata, pod
from mlwright.emit.kube.environment import Value
from mlwright.emit.kube.names import hashed
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.volumes import Volumes
from mlwright.emit.places import LOCAL, REFERENCE, Places
from mlwright.emit.programs import shipped
from mlwright.emit.secrets import of_task
from mlwright.ir import Image, ModelSource, Replicas, Route, Service, Variant
from mlwright_kubernetes import scaling, workloads
from mlwright_kubernetes.exposure import Backend, expose, route
from mlwright_kubernetes.workloads import Workload

MODEL = f"{pod.FOLDER}/model/files"
_SMOKE = "smoke.py"
_GRACE = 60
_DRAIN = 5
"""Seconds for which a pod that is to end still answers, until nobody sends it requests any more."""
_SLACK = 300


def emit_endpoint(objects: Objects, service: Service) -> None:
    """All objects of one endpoint."""
    works = []
    for one, source, work in _each(objects, service):
        works.append((one, work))
        _emit(objects, one, source, work)
    main = works[0][1]
    backends = _backends(objects, service)
    shared = len(backends) > 1
    if shared and service.expose.scope == "host":
        below = service.expose.path
        route(objects, main, backends, host=service.expose.host, path=below, strip=below != "/")
    else:
        expose(objects, main, service.expose, port=service.port)
    if shared and objects.context.platform.has("istio"):
        route(objects, main, backends)
    for one, work in works if service.smoke_request else ():
        _smoke(objects, one, work)


def emit_route(objects: Objects, found: Route) -> None:
    """An address in front of several endpoints, by weight: a Service of no pods whose callers the mesh shares out, and
    the host where there is one."""
    work = _workload(objects, found.id, found.name, found)
    services = {service.id: service for service in objects.project.services}
    backends = [
        (objects.name(services[target].name), services[target].port, int(weight or 0)) for target, weight in found.to
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


def _each(objects: Objects, service: Service) -> Iterator[tuple[Service, ModelSource, Workload]]:
    """The endpoint as it is for its own model, and for each variant."""
    yield service, service.source, _workload(objects, service.id, service.name, service)
    for variant in service.variants:
        name = f"{service.name}-{variant.name.replace('_', '-')}"
        yield _variant(service, variant), variant.source, _workload(objects, service.id, name, service, "Variant")


def _variant(service: Service, variant: Variant) -> Service:
    box = replace(service.container, resources=variant.resources or service.container.resources)
    return replace(service, container=box, source=variant.source, replicas=variant.replicas or service.replicas)


def _backends(objects: Objects, service: Service) -> list[Backend]:
    """Who gets which part of the requests."""
    rest = 100 - sum(max(0, variant.traffic) for variant in service.variants)
    found: list[Backend] = [(objects.name(service.name), service.port, rest)]
    for variant in service.variants:
        name = objects.name(f"{service.name}-{variant.name.replace('_', '-')}")
        if variant.traffic:
            found.append((name, service.port, variant.traffic))
    return found


def _emit(objects: Objects, service: Service, source: ModelSource, work: Workload) -> None:
    box = service.container
    volumes = Volumes(objects, service.id, service.origin)
    launched = source.kind != "none"
    if launched:
        start = pod.launched(volumes, objects, "serve.py", _document(objects, service, source, work))
        volumes.empty("model", dirname(MODEL))
        _model_storage(objects, volumes, source)
        env = _environment(objects, service, source)
    else:
        start = pod.bare(objects, box)
        own = {name: environment.filled(objects.project, value) for name, value in box.env}
        env = {**environment.identity(), **environment.exported(objects.project, box.secrets), **own}
    volumes.service(box)
    image = servedoc.image(objects.project, service, source)
    image = image if image.ref else _server_image(objects)
    read_only = box.security.read_only_root or (launched and not box.argv and not box.script)
    box = replace(box, image=image, security=replace(box.security, read_only_root=read_only))
    more = {
        "ports": workloads.ports(service.port),
        **workloads.probes(servedoc.health_path(service), service.startup),
        "lifecycle": {"preStop": _pause(objects)},
    }
    container = pod.user_container(objects, box, volumes, env, start, more=more)
    template = pod.template(
        objects,
        [container],
        volumes,
        node=service.id,
        component=work.component,
        role="endpoint",
        box=box,
        restart="Always",
        grace=_GRACE,
        more=_spread(objects, work, service.replicas),
    )
    scaled = scaling.scaled(service.replicas)
    least = None if scaled else service.replicas.min
    workloads.deployment(objects, work, template, replicas=least, progress=int(service.startup) + _SLACK)
    workloads.service(objects, work, service.port)
    if scaled:
        scaling.emit_scaling(objects, work, service.replicas)
    if service.replicas.min > 1:
        workloads.budget(objects, work)


def _document(objects: Objects, service: Service, source: ModelSource, work: Workload) -> str:
    document = servedoc.placed_document(objects.project, service, source, MODEL, Places(objects.project))
    return objects.config(
        work.name,
        {pod.DOCUMENT: document},
        node=service.id,
        origin=service.origin,
        component=work.component,
        as_kind=work.kind("ConfigMap"),
    )


def _environment(objects: Objects, service: Service, source: ModelSource) -> dict[str, Value]:
    """What the launcher needs to resolve the endpoint's own variables."""
    task = servedoc.endpoint_task(service)
    names = of_task(objects.project, task) | {servedoc.model_secret(objects.project, source)}
    return {
        **environment.tracking(objects.project),
        **environment.secrets(objects.project, names),
        **environment.identity(),
    }


def _server_image(objects: Objects) -> Image:
    found = objects.project.tracking.image
    return found if found.ref else Image(ref=objects.context.platform.mlflow_image())


def _model_storage(objects: Objects, volumes: Volumes, source: ModelSource) -> None:
    """The storage or the local data that the model's address is in."""
    if (found := REFERENCE.fullmatch(source.uri)) is None:
        return
    project = objects.project
    for storage in project.storage if found[1] == "storage" else ():
        if storage.name == found[2] and storage.type in LOCAL:
            volumes.storage(storage)
    for data in project.data if found[1] == "data" else ():
        if data.name == found[2] and data.local:
            volumes.data(data)


def _pause(objects: Objects) -> dict[str, Any]:
    if objects.context.platform.at_least("kubernetes", "1.30"):
        return {"sleep": {"seconds": _DRAIN}}
    return {"exec": {"command": ["sleep", str(_DRAIN)]}}


def _spread(objects: Objects, work: Workload, replicas: Replicas) -> dict[str, Any]:
    """Copies on different nodes where that is possible."""
    if replicas.max < 2:
        return {}
    constraint = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": metadata.selector(objects.project, work.component)},
    }
    return {"topologySpreadConstraints": [constraint]}


def _smoke(objects: Objects, service: Service, work: Workload) -> None:
    """The Job that asks the endpoint once. Its name follows what is served, so that another version is asked, too."""
    volumes = Volumes(objects, service.id, service.origin)
    config = objects.config(
        f"{objects.project.environment.name_prefix}{objects.project.name}-{_SMOKE.partition('.')[0]}",
        {_SMOKE: shipped(_SMOKE)},
        node="cluster",
        origin=objects.project.environment.origin,
        component="runtime",
        as_kind="SmokeConfigMap",
    )
    volumes.config("smoke", config, f"{pod.FOLDER}/smoke")
    request = f"{pod.FOLDER}/request/{basename(service.smoke_request)}"
    volumes.file(service.smoke_request, request)
    patience = int(service.startup) + int(service.smoke_timeout)
    start = {
        "command": ["python3", "-S"],
        "args": [
            f"{pod.FOLDER}/smoke/{_SMOKE}",
            f"http://{work.name}:{service.port}{service.smoke_path}",
            request,
            service.smoke_type,
            str(service.smoke_status),
            f"{service.smoke_timeout:g}",
            str(patience),
        ],
    }
    env = _served(objects.rendered("Deployment", work.name))
    image = tools.small(objects.project, objects.context.platform)
    container = pod.our_container(objects, image, volumes, env, start)
    component = f"{work.component}-smoke"
    template = pod.template(objects, [container], volumes, node=service.id, component=component, role="smoke")
    body = {"spec": {"backoffLimit": 2, "activeDeadlineSeconds": patience + _SLACK, "template": template}}
    hook = {"argocd.argoproj.io/hook": "PostSync", "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation"}
    objects.add(
        "Job",
        hashed(f"{work.name}-smoke"),
        body,
        as_kind=work.kind("SmokeJob"),
        annotations=hook if objects.context.platform.has("argo_cd") else None,
        **{**work.common, "component": component},
    )


def _served(deployment: Mapping[str, Any]) -> dict[str, Value]:
    """What of a Deployment decides which answer it gives: its image and its document, which has the model's version."""
    spec = deployment["spec"]["template"]["spec"]
    found: dict[str, Value] = {"MLWRIGHT_SERVED_IMAGE": spec["containers"][0]["image"]}
    for volume in spec["volumes"]:
        if volume["name"] == "document":
            found["MLWRIGHT_SERVED"] = volume["configMap"]["name"]
    return found
