"""Serve documents: what an endpoint's container reads before it becomes the server."""

from __future__ import annotations

import math
from collections.abc import Iterable

from mlwright import ir
from mlwright.emit import places as inside
from mlwright.emit.stepdoc import Document, Places, head, step_document
from mlwright.platform.kserve import SERVERS, elsewhere
from mlwright.record import replace

ELSEWHERE = tuple(name for name in SERVERS if elsewhere(name))
"""Formats that only a server of KServe's own loads."""
_HEALTH = {"mlflow": "/ping", "openai": "/health", "open-inference-v2": "/v2/health/ready", "open-inference-v1": "/"}


def serve_document(
    project: ir.Project, service: ir.Service, source: ir.ModelSource, folder: str, argv: Iterable[str]
) -> Document:
    """An endpoint: fetch `source` (the service's own, or a variant's) into `folder`, then become `argv`."""
    model: Document = {
        "kind": source.kind,
        "model": source.model,
        "alias": source.alias,
        "version": source.version,
        "model_id": source.model_id,
        "step": source.step,
        "output": source.output,
        "uri": source.uri,
        "digest": source.digest,
    }
    return {
        **head(project, "serve", service.id, service.name),
        "model": model,
        "binding": service.binding,
        "folder": folder,
        "command": {"argv": [[word] for word in argv]},
    }


def endpoint_document(
    project: ir.Project,
    service: ir.Service,
    source: ir.ModelSource,
    folder: str,
    places: Places,
    server: Iterable[str],
) -> Document:
    """`serve_document` with the container's own command, variables, parameters, data and secrets, which the launcher
    resolves as those of a step. `server` are the words that serve where the container says nothing."""
    box = with_model(service.container, folder)
    step = step_document(project, endpoint_task(replace(service, container=box)), places)
    document = serve_document(project, service, source, folder, server)
    document |= {key: step[key] for key in ("env", "secrets", "secret_keys", "params", "data")}
    if box.argv or box.script or box.args:
        document["command"] = step["command"]
    secret, model, known = model_secret(project, source), document["model"], document["secret_keys"]
    if secret and isinstance(model, dict) and isinstance(known, dict):
        keys: list[ir.Json] = [key for item in project.secrets if item.name == secret for key in item.keys]
        document |= {"model": {**model, "secret": secret}, "secret_keys": {**known, secret: keys}}
    return document


def placed_document(
    project: ir.Project, service: ir.Service, source: ir.ModelSource, folder: str, places: inside.Places
) -> Document:
    """`endpoint_document` with MLflow's scoring server where the container says nothing, and with the address that a
    reference in the model's stands for."""
    server = ["mlflow", "models", "serve", "-m", folder, "--env-manager", "local", "-h", "0.0.0.0"]
    server += [
        "-p",
        str(service.port),
        *(["-t", str(math.ceil(service.request_timeout))] if service.request_timeout else []),
    ]
    document = endpoint_document(project, service, source, folder, places, server)
    if isinstance(document["model"], dict) and (place := places.address(source.uri)):
        document["model"] |= {"kind": "path" if place.startswith("/") else "uri", "uri": place}
    return document


def image(project: ir.Project, service: ir.Service, source: ir.ModelSource) -> ir.Image:
    """The endpoint's image, else that of the step that makes the model, which can read it; without a reference where
    the tracking server's has to do."""
    if service.container.image.ref:
        return service.container.image
    steps = {source.step} | {
        node.step for node in project.nodes if isinstance(node, ir.Registration) and node.model == source.model
    }
    for node in project.nodes:
        if isinstance(node, ir.Task) and node.id in steps:
            return node.container.image
        if isinstance(node, ir.Search) and node.training in steps:
            return node.trial.container.image
    return ir.Image()


def health_path(service: ir.Service) -> str:
    """The path that answers 200 when the endpoint is ready; empty where nobody knows one."""
    health = dict(service.extra).get("health")
    path = health.get("path") if isinstance(health, dict) else None
    if isinstance(path, str):
        return path
    return "" if service.source.kind == "none" else _HEALTH.get(service.protocols[0], "")


def endpoint_task(service: ir.Service) -> ir.Task:
    """The step that has the endpoint's container: its command, variables and secrets are read like a step's."""
    container = service.container
    templates = (*container.argv, *container.args, *(value for _, value in container.env))
    paths = [part.path.split(".") for template in templates for part in template if isinstance(part, ir.Ref)]
    return ir.Task(
        id=service.id,
        name=service.name,
        container=container,
        params=tuple(sorted({path[1] for path in paths if path[0] == "params"})),
        data=tuple(sorted({path[1] for path in paths if path[0] == "data"})),
        origin=service.origin,
    )


def sources(service: ir.Service) -> tuple[ir.ModelSource, ...]:
    """What the endpoint and its variants serve."""
    return (service.source, *(variant.source for variant in service.variants))


def model_secret(project: ir.Project, source: ir.ModelSource) -> str:
    """The secret that opens the storage or data source which `source` is in, if any."""
    head, _, rest = source.uri.removeprefix("${").partition("}")[0].partition(".")
    places: tuple[ir.Storage | ir.DataSource, ...] = ()
    if head in ("storage", "data"):
        places = project.storage if head == "storage" else project.data
    return next((place.secret for place in places if place.name == rest.partition(".")[0]), "")


def with_model(container: ir.Container, folder: str) -> ir.Container:
    """The container with the model's folder in the place of every reference to a model or an output."""

    def filled(template: ir.Template) -> ir.Template:
        parts: list[str | ir.Ref] = []
        for part in template:
            known = isinstance(part, ir.Ref) and (part.path.startswith("registry.") or ".outputs." in part.path)
            text = folder if known else part
            if parts and isinstance(parts[-1], str) and isinstance(text, str):
                parts[-1] += text
            else:
                parts.append(text)
        return tuple(parts)

    return replace(
        container,
        argv=tuple(filled(word) for word in container.argv),
        args=tuple(filled(word) for word in container.args),
        env=tuple((name, filled(value)) for name, value in container.env),
    )
