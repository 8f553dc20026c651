"""Where KServe fetches models from and keeps requests: addresses, and what opens them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from mlwright.emit import servedoc
from mlwright.emit.kube import environment, metadata
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.pod import default_account
from mlwright.emit.kube.volumes import claim
from mlwright.emit.places import REFERENCE, Places
from mlwright.emit.secrets import of_task
from mlwright.ir import ArtifactStore, ModelSource, Service

_GROUP = "serving.kserve.io"
_TOKEN = "HF_TOKEN"


def address(objects: Objects, source: ModelSource) -> str:
    """Where KServe fetches a model from: what the lock has, an address as it is, a place in a storage."""
    found = REFERENCE.fullmatch(source.uri)
    if found is None:
        return source.uri
    project = objects.project
    for storage in (*project.storage, project.artifacts) if found[1] == "storage" else ():
        if storage.name == found[2] and storage.type == "volume":
            return f"pvc://{claim(project, storage)}/{found[4].strip('/')}".rstrip("/")
    return Places(project).address(source.uri)


def account(objects: Objects, service: Service, where: str) -> str:
    """The ServiceAccount by which KServe opens `where`: with the Secret of the keys and the store's endpoint where
    there are any, else the project's usual one. An identity of the platform stays who the pods are."""
    platform = objects.context.platform
    if identity := platform.identity(service.container.identity):
        return identity.service_account
    secret, settings = _secret(objects, service, where), _settings(objects, where)
    if not secret and not settings:
        return default_account(objects)
    name = objects.name(service.name, "models")
    if objects.has("ServiceAccount", name):
        return name
    return objects.add(
        "ServiceAccount",
        name,
        {
            "automountServiceAccountToken": False,
            **({"secrets": [{"name": environment.secret_object(objects.project, secret)}]} if secret else {}),
        },
        node=service.id,
        origin=service.origin,
        component=service.name,
        annotations=settings or None,
        wave=metadata.BASE,
    )


def opened(objects: Objects, service: Service, where: str) -> dict[str, str]:
    """The annotation by which KServe opens `where` with a Secret, where the pods' account is not the project's."""
    secret = _secret(objects, service, where)
    if not secret or not service.container.identity:
        return {}
    return {f"{_GROUP}/storageSecretName": environment.secret_object(objects.project, secret)}


def logger(objects: Objects, service: Service) -> dict[str, Any]:
    """Where requests and answers are kept."""
    log = dict(service.extra).get("log")
    if not isinstance(log, dict):
        return {}
    to, mode = str(log["to"]), log.get("mode", "all")
    place = Places(objects.project).address(to) or to
    if not place.startswith("s3://"):
        return {"logger": {"mode": mode, "url": place}}
    bucket, _, path = place.removeprefix("s3://").partition("/")
    secret = servedoc.model_secret(objects.project, ModelSource(uri=to))
    storage = {
        "path": f"/{path}",
        "parameters": {"type": "s3", "format": "json"},
        **({"key": environment.secret_object(objects.project, secret)} if secret else {}),
    }
    return {"logger": {"mode": mode, "url": f"s3://{bucket}", "storage": storage}}


def _secret(objects: Objects, service: Service, where: str) -> str:
    """The secret of the project that opens an address."""
    project = objects.project
    if found := servedoc.model_secret(project, service.source):
        return found
    if where.startswith("hf://"):
        used = of_task(project, servedoc.endpoint_task(service))
        tokens = [item for item in project.secrets if item.name in used and _TOKEN in item.keys]
        return tokens[0].name if tokens else ""
    store = _store(objects, where)
    if store and store.secret:
        return store.secret
    near = [item for item in project.storage if item.uri and where.startswith(item.uri) and item.secret]
    return near[0].secret if near else ""


def _store(objects: Objects, where: str) -> ArtifactStore | None:
    """The tracking server's store, where the address is in it."""
    store = objects.project.tracking.artifacts
    return store if store.uri and where.startswith(store.uri) else None


def _settings(objects: Objects, where: str) -> dict[str, str]:
    """What KServe has to know of an object store that is not the cloud's own."""
    store = _store(objects, where)
    if store is None or store.type != "s3":
        return {}
    parts = urlsplit(store.endpoint)
    found = {
        "s3-endpoint": parts.netloc,
        "s3-usehttps": "0" if parts.scheme == "http" else "1" if parts.netloc else "",
        "s3-region": store.region,
        "s3-usevirtualbucket": "false" if store.path_style else "",
    }
    return {f"{_GROUP}/{key}": value for key, value in found.items() if value}
