"""Endpoints: one service for the model and one for each variant, published on this machine only."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from mlwright.emit import servedoc
from mlwright.emit.places import Places
from mlwright.emit.programs import shipped
from mlwright.emit.secrets import named, of_task
from mlwright.ir import Json, ModelSource, Registration, Service
from mlwright_compose import container as fields
from mlwright_compose import secrets, storage, tools
from mlwright_compose.book import FOLDER, RUNTIME, Book, revision
from mlwright_compose.scope import Scope
from mlwright_compose.tasks import parameters
from mlwright_compose.text import duration
from mlwright_compose.tracking import fetch, loopback
from mlwright_compose.words import word

MODEL = f"{FOLDER}/model/files"


def emit_endpoint(book: Book, scopes: Iterable[Scope], service: Service, ports: set[int]) -> None:
    """All services of one endpoint; `ports` are those of this machine that are taken, and grows."""
    scope = _scope(book, list(scopes), service)
    made = [_emit(book, scope, service, service.source, service.name, "Service", ports)]
    for variant in service.variants:
        name = f"{service.name}-{variant.name.replace('_', '-')}"
        made.append(_emit(book, scope, service, variant.source, name, "VariantService", ports))
    for name in made if service.smoke_request else ():
        _emit_smoke(book, service, name)


def _scope(book: Book, scopes: list[Scope], service: Service) -> Scope | None:
    """The pipeline whose run makes what is served: the default one if it does; None for what exists already."""
    makers = [maker for source in servedoc.sources(service) if (maker := _maker(book, service, source))]
    wanted = {*makers, *service.needs}
    fitting = [scope for scope in scopes if wanted and wanted <= scope.waits.keys()]
    return next((scope for scope in fitting if scope.default), fitting[0] if fitting else None)


def _maker(book: Book, service: Service, source: ModelSource) -> str:
    """The node whose run makes `source`, or nothing."""
    if source.kind == "output":
        return source.step
    if source.kind != "registry" or service.binding != "run":
        return ""
    found = (node.id for node in book.project.nodes if isinstance(node, Registration) and node.model == source.model)
    return next(found, "")


def _emit(
    book: Book, scope: Scope | None, service: Service, source: ModelSource, base: str, kind: str, ports: set[int]
) -> str:
    box = service.container
    launched = source.kind != "none"
    name = book.free(base)
    read_only = box.security.read_only_root or (launched and not box.argv and not box.script)
    security = replace(box.security, read_only_root=read_only)
    own = storage.mounts(book, box, name, service.origin)
    body: dict[str, Any] = {
        **_image(book, service, source),
        "environment": _environment(book, scope, service, source),
        **storage.merged(_volumes(book, service, source, name), own, parallel=False),
        "tmpfs": fields.scratch(security),
        "deploy": {"resources": limits} if (limits := fields.resources(box.resources)) else {},
        **fields.security(security),
        "profiles": scope.profiles if scope else [],
        "depends_on": fields.after(book, completed=_waits(book, scope, service, source), server=launched),
        "ports": [loopback(name, service.port, _port(service.port, ports))],
        "restart": "on-failure",
        "init": True,
        "labels": fields.labels(book, service.id, box),
        "annotations": dict(box.annotations),
    }
    if path := servedoc.health_path(service):
        body["healthcheck"] = {
            "test": ["CMD", "python3", "-c", fetch(f"http://127.0.0.1:{service.port}{path}")],
            "interval": "10s",
            "timeout": "5s",
            "retries": 3,
            "start_period": duration(service.startup),
        }
    if launched:
        body |= fields.launched("serve.py")
        document = _document(book, service, source)
        body["volumes"] = [book.program("serve.py"), *body["volumes"]]
        body["configs"] = [book.document(name, document, service.origin)]
        body["labels"]["mlwright.revision"] = revision(document)
    else:
        body |= _own_command(book, service)
    book.service(name, body, node=service.id, kind=kind, origin=service.origin)
    return name


def _image(book: Book, service: Service, source: ModelSource) -> dict[str, Any]:
    """The endpoint's image, else that of the step that makes the model, else the server's."""
    image = servedoc.image(book.project, service, source)
    return fields.image(book, image) if image.ref else {"image": tools.server_image(book)}


def _waits(book: Book, scope: Scope | None, service: Service, source: ModelSource) -> list[str]:
    if scope is None:
        return []
    nodes = dict.fromkeys([*service.needs, _maker(book, service, source)])
    return [name for node in nodes for name in scope.waits.get(node, ())]


def _document(book: Book, service: Service, source: ModelSource) -> dict[str, Json]:
    return servedoc.placed_document(book.project, service, source, MODEL, Places(book.project))


def _own_command(book: Book, service: Service) -> dict[str, Any]:
    box = service.container
    if box.script:
        return {"entrypoint": ["/bin/sh", "-ec"], "command": [box.script]}
    words = [word(book, template) for template in (*box.argv, *box.args)]
    return {"entrypoint": words[:1], "command": words[1:]} if box.argv else {"command": words}


def _environment(book: Book, scope: Scope | None, service: Service, source: ModelSource) -> dict[str, Any]:
    """What the launcher needs to resolve the endpoint's own variables, or, without the launcher, these themselves."""
    box, task = service.container, servedoc.endpoint_task(service)
    if source.kind != "none":
        names = of_task(book.project, task) | {servedoc.model_secret(book.project, source)}
        return {
            **(fields.contract(book, scope) if scope else fields.tracking(book)),
            **parameters(scope, task),
            **secrets.environment(book, names),
            **fields.identity(),
        }
    found: dict[str, Any] = fields.identity()
    for name in box.secrets:
        found |= {key: secrets.required(book, name, key) for key in named(book.project, name).keys}
    return {**found, **{name: word(book, template) for name, template in box.env}}


def _volumes(book: Book, service: Service, source: ModelSource, name: str) -> list[dict[str, Any]]:
    read = storage.referred(book, service.container)
    if source.kind == "none":
        return read
    volume = book.volume(f"{name}-model", None, service.origin)
    found: list[dict[str, Any]] = [{"type": "volume", "source": volume, "target": posixpath.dirname(MODEL)}]
    return [*found, *read, *storage.for_uri(book, source.uri)]


def _port(port: int, taken: set[int]) -> int:
    while port in taken:
        port += 1
    taken.add(port)
    return port


def _emit_smoke(book: Book, service: Service, main: str) -> None:
    ready = {"condition": "service_healthy" if "healthcheck" in book.services[main] else "service_started"}
    body: dict[str, Any] = {
        "image": tools.small(book),
        "entrypoint": ["python3", "-S", f"{RUNTIME}/smoke.py"],
        "command": [
            f"http://{main}:{service.port}{service.smoke_path}",
            f"{FOLDER}/request",
            service.smoke_type,
            str(service.smoke_status),
            f"{service.smoke_timeout:g}",
        ],
        "profiles": ["smoke"],
        "depends_on": {main: ready},
        "restart": "no",
        "volumes": [
            book.shipped("smoke.py", shipped("smoke.py")),
            storage.bind(book, service.smoke_request, f"{FOLDER}/request"),
        ],
        "environment": {"HOME": "/tmp", "USER": "mlwright"},
        **fields.ours(),
        "labels": fields.labels(book, service.id),
    }
    book.service(book.free(f"{main}-smoke"), body, node=service.id, kind="SmokeService", origin=service.origin)
