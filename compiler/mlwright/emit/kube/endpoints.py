"""Endpoints on a cluster: the container that serves a model, who gets which part of the requests, the smoke test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from posixpath import basename, dirname
from typing import Any

from mlwright.emit import servedoc, tools
from mlwright.emit.kube import environment, metadata, pod
from mlwright.emit.kube.environment import Value
from mlwright.emit.kube.names import hashed
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.volumes import Volumes
from mlwright.emit.kube.workloads import Workload
from mlwright.emit.places import LOCAL, REFERENCE, Places
from mlwright.emit.programs import shipped
from mlwright.emit.secrets import of_task
from mlwright.ir import Container, Image, ModelSource, Replicas, Service, Variant
from mlwright.record import dataclass, replace

MODEL = f"{pod.FOLDER}/model/files"
"""The folder that a model is fetched into."""
GRACE = 60
SLACK = 300
"""Seconds beside an endpoint's own time to load, for its image and its place."""
_SMOKE = "smoke.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What the container of an endpoint is made of: `start` are its `command` and `args`."""

    box: Container
    volumes: Volumes
    env: dict[str, Value]
    start: dict[str, Any]


def name_of(service: Service, variant: Variant | None = None) -> str:
    """The endpoint's own component, or a variant's."""
    return f"{service.name}-{variant.name.replace('_', '-')}" if variant else service.name


def each(service: Service) -> Iterator[tuple[str, Service, Variant | None]]:
    """The endpoint as it is for its own model, and for each variant, with the component's name."""
    yield name_of(service), service, None
    for variant in service.variants:
        box = replace(service.container, resources=variant.resources or service.container.resources)
        replicas = variant.replicas or service.replicas
        yield (
            name_of(service, variant),
            replace(service, container=box, source=variant.source, replicas=replicas),
            variant,
        )


def shares(service: Service) -> list[tuple[str, int]]:
    """Who gets which part of the requests: (component, percent), -1 for a copy of each; not those with none."""
    rest = 100 - sum(max(0, variant.traffic) for variant in service.variants)
    found = [(name_of(service), rest)]
    return found + [(name_of(service, variant), variant.traffic) for variant in service.variants if variant.traffic]


def served(objects: Objects, service: Service, source: ModelSource, work: Workload) -> Served:
    """The container that fetches a model and becomes its server, or that brings its own; its document is a ConfigMap of
    `work`."""
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
        env = bare_environment(objects, box)
    volumes.service(box)
    read_only = box.security.read_only_root or (launched and not box.argv and not box.script)
    box = replace(
        box,
        image=image(objects, service, source),
        security=replace(box.security, read_only_root=read_only),
    )
    return Served(box=box, volumes=volumes, env=env, start=start)


def bare_environment(objects: Objects, box: Container) -> dict[str, Value]:
    """The variables of a container that starts without the launcher."""
    own = {name: environment.filled(objects.project, value) for name, value in box.env}
    return {**environment.identity(), **environment.exported(objects.project, box.secrets), **own}


def image(objects: Objects, service: Service, source: ModelSource) -> Image:
    """The endpoint's image; the tracking server's where nobody says one."""
    found = servedoc.image(objects.project, service, source)
    if found.ref:
        return found
    found = objects.project.tracking.image
    return found if found.ref else Image(ref=objects.context.platform.mlflow_image())


def spread(objects: Objects, component: str, replicas: Replicas) -> dict[str, Any]:
    """Copies on different nodes where that is possible."""
    if replicas.max < 2:
        return {}
    constraint = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": metadata.selector(objects.project, component)},
    }
    return {"topologySpreadConstraints": [constraint]}


def smoke(objects: Objects, service: Service, work: Workload, url: str, what: Mapping[str, Value]) -> None:
    """The Job that asks the endpoint at `url` once. Its name follows `what` is served, so that another version is
    asked, too."""
    volumes = Volumes(objects, service.id, service.origin)
    config = objects.config(
        objects.name("smoke" if objects.target == "kubernetes" else f"{objects.target}-smoke"),
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
            url,
            request,
            service.smoke_type,
            str(service.smoke_status),
            f"{service.smoke_timeout:g}",
            str(patience),
        ],
    }
    box = tools.small(objects.project, objects.context.platform)
    container = pod.our_container(objects, box, volumes, what, start)
    component = f"{work.component}-smoke"
    template = pod.template(objects, [container], volumes, node=service.id, component=component, role="smoke")
    body = {"spec": {"backoffLimit": 2, "activeDeadlineSeconds": patience + SLACK, "template": template}}
    hook = {"argocd.argoproj.io/hook": "PostSync", "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation"}
    objects.add(
        "Job",
        hashed(f"{work.name}-smoke"),
        body,
        as_kind=work.kind("SmokeJob"),
        annotations=hook if objects.context.platform.has("argo_cd") else None,
        **{**work.common, "component": component},
    )


def what_is_served(pod_spec: Mapping[str, Any]) -> dict[str, Value]:
    """What of a pod decides which answer it gives: its image and its document, which has the model's version."""
    found: dict[str, Value] = {"MLWRIGHT_SERVED_IMAGE": pod_spec["containers"][0]["image"]}
    for volume in pod_spec["volumes"]:
        if volume["name"] == "document":
            found["MLWRIGHT_SERVED"] = volume["configMap"]["name"]
    return found


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
