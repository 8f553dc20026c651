"""Secrets: never their values. Who makes the objects by these names: the cluster's store, or people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mlwright.emit import servedoc
from mlwright.emit.environment import variable
from mlwright.emit.kube import metadata
from mlwright.emit.kube.environment import SERVER_KEYS, Expanded, Value, secret_object, secret_value
from mlwright.emit.kube.objects import Objects
from mlwright.emit.secrets import of_container, of_task
from mlwright.ir import Origin, Project, Search, Secret, Task, Template
from mlwright.record import dataclass
from mlwright.target import Document

_GENERATORS = "generators.external-secrets.io/v1alpha1"
PLACEHOLDERS = "placeholders"
"""The folder of SealedSecrets to be filled in, which `kustomization.yaml` does not list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """A Secret with `keys` that pods refer to; `secret` is the spec's, None for one of our own random values."""

    name: str
    keys: tuple[str, ...]
    secret: Secret | None = None


def own_value(objects: Objects, secret: str, key: str) -> Value:
    """`valueFrom` for a random value that nobody but the cluster knows; its Secret is among `needed` from now on."""
    name = objects.name(secret, limit=253)
    found = objects.keys.setdefault(name, [])
    if key not in found:
        found.append(key)
    return {"secretKeyRef": {"name": name, "key": key}}


def variables(objects: Objects, pairs: Iterable[tuple[str, Template]]) -> dict[str, Value]:
    """Variables whose templates refer to `secrets.NAME.KEY`, or to one of the server's own keys as `server.KEY`."""
    found: dict[str, Value] = {}
    for name, template in pairs:
        refs = [part.path for part in template if not isinstance(part, str)]
        if not refs:
            found[name] = "".join(part for part in template if isinstance(part, str))
        elif len(template) == 1:
            found[name] = _reference(objects, refs[0])
        else:
            for path in refs:
                found[_inner(path)] = _reference(objects, path)
            found[name] = Expanded(
                "".join(
                    part.replace("$(", "$$(") if isinstance(part, str) else f"$({_inner(part.path)})"
                    for part in template
                )
            )
    return found


def _inner(path: str) -> str:
    """The variable that holds one secret value inside of a longer text."""
    return f"MLWRIGHT_{variable(path)}"


def _reference(objects: Objects, path: str) -> Value:
    head, _, rest = path.partition(".")
    if head == "server":
        return own_value(objects, SERVER_KEYS, rest)
    name, _, key = rest.partition(".")
    return secret_value(objects.project, name, key)


def needed(objects: Objects) -> list[Needed]:
    """Every Secret that the environment's pods refer to, by name."""
    found: dict[str, Needed] = {}
    for secret in used(objects.project):
        name = secret_object(objects.project, secret.name)
        before = found[name].keys if name in found else ()
        keys = tuple(dict.fromkeys((*before, *secret.keys)))
        found[name] = Needed(name=name, keys=keys, secret=secret)
    for name, own in objects.keys.items():
        found[name] = Needed(name=name, keys=tuple(own))
    return [found[name] for name in sorted(found)]


def used(project: Project) -> tuple[Secret, ...]:
    """The secrets of the spec that something in the cluster refers to: pods, and what listens for events."""
    if not project.secrets:
        return ()
    tasks = [node for node in project.nodes if isinstance(node, Task)]
    tasks += [node.trial for node in project.nodes if isinstance(node, Search)]
    tasks += [servedoc.endpoint_task(service) for service in project.services]
    names = {name for task in tasks for name in of_task(project, task)}
    names |= {name for book in project.notebooks for name in of_container(project, book.container)}
    for service in project.services:
        names |= {servedoc.model_secret(project, source) for source in servedoc.sources(service)}
    settings = [trigger.settings for pipeline in project.pipelines for trigger in pipeline.triggers]
    plain = [dict(found) for found in settings]
    plain += [endpoint for _, endpoint in project.tracking.gateway if isinstance(endpoint, dict)]
    names |= {str(found.get("secret", "")) for found in plain}
    names |= {project.artifacts.secret, *project.tracking.secrets}
    return tuple(secret for secret in project.secrets if secret.name in names)


def emit_secrets(objects: Objects) -> Iterable[Document]:
    """ExternalSecrets where the platform has a store; else SealedSecrets to fill in where it has that system. What
    neither makes is told in the header of `kustomization.yaml`."""
    platform = objects.context.platform
    store = platform.file.secret_store if platform.has("external_secrets") else None
    for item in needed(objects):
        secret = item.secret
        if secret is not None and secret.existing:
            objects.external[item.name] = item.keys
        elif secret is None and store is not None and platform.at_least("external_secrets", "1.0"):
            _generated(objects, item)
        elif secret is not None and store is not None and secret.remote:
            _external(objects, item, secret)
        else:
            objects.external[item.name] = item.keys
            if secret is not None and platform.has("sealed_secrets"):
                yield _placeholder(objects, item, secret)


def _origin(item: Needed) -> Origin:
    if item.secret is None:
        return Origin(path=("tracking",), kind="derived", by="kubernetes")
    return Origin(path=("secrets", item.secret.name))


def _external(objects: Objects, item: Needed, secret: Secret) -> None:
    """An ExternalSecret; what the API would fill in is written, so that nothing looks changed."""
    store = objects.context.platform.file.secret_store
    assert store is not None
    defaults = {"conversionStrategy": "Default", "decodingStrategy": "None", "metadataPolicy": "None"}
    spec: dict[str, Any] = {
        "refreshInterval": _interval(store.refresh.seconds),
        "secretStoreRef": {"kind": store.kind, "name": store.name},
        "target": {"name": item.name, "creationPolicy": "Owner", "deletionPolicy": "Retain"},
        "data": [
            {"secretKey": key, "remoteRef": {"key": secret.remote, "property": key, **defaults}} for key in item.keys
        ],
    }
    _add(objects, "ExternalSecret", item, spec, f"secrets.{secret.name}")


def _generated(objects: Objects, item: Needed) -> None:
    """Random values that the cluster makes once and keeps."""
    node = "secrets"
    defaults = {"length": 48, "digits": 12, "symbols": 0, "noUpper": False, "allowRepeat": True, "encoding": "raw"}
    _add(objects, "Password", item, {**defaults, "secretKeys": list(item.keys)}, node, api=_GENERATORS)
    reference = {"apiVersion": _GENERATORS, "kind": "Password", "name": item.name}
    spec = {
        "refreshInterval": "0s",
        "target": {"name": item.name, "creationPolicy": "Owner", "deletionPolicy": "Retain"},
        "dataFrom": [{"sourceRef": {"generatorRef": reference}}],
    }
    _add(objects, "ExternalSecret", item, spec, node)


def _add(objects: Objects, kind: str, item: Needed, spec: dict[str, Any], node: str, api: str = "") -> None:
    objects.add(kind, item.name, {"spec": spec}, node=node, origin=_origin(item), wave=metadata.BASE, api=api)


def _placeholder(objects: Objects, item: Needed, secret: Secret) -> Document:
    """A SealedSecret without values: only the cluster's own key can seal them."""
    command = " ".join(f"--from-literal={key}=..." for key in item.keys)
    return Document(
        path=f"{PLACEHOLDERS}/sealedsecret-{item.name}.yaml",
        data={
            "apiVersion": objects.context.platform.api("SealedSecret"),
            "kind": "SealedSecret",
            "metadata": {
                "name": item.name,
                "namespace": objects.namespace,
                "labels": metadata.labels(objects.project, f"secrets.{secret.name}", objects.project.name),
            },
            "spec": {
                "encryptedData": dict.fromkeys(item.keys, ""),
                "template": {"metadata": {"name": item.name, "namespace": objects.namespace}, "type": "Opaque"},
            },
        },
        origins={(): _origin(item)},
        header=(
            "Not applied: only the cluster's key can seal the values. Make the real one, and keep it elsewhere:\n"
            f"  kubectl create secret generic {item.name} -n {objects.namespace} \\\n"
            f"    --dry-run=client -o yaml {command} \\\n"
            "    | kubeseal --format yaml\n"
        ),
    )


def _interval(seconds: float) -> str:
    """Seconds as Go writes them: 1h0m0s."""
    whole = int(seconds)
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours}h{minutes}m{whole % 60}s" if hours else f"{minutes}m{whole % 60}s" if minutes else f"{whole}s"
