"""What an object refers to by name: it is made here, or declared as someone else's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mlwright.diag import Diagnostic
from mlwright.record import dataclass
from mlwright.regex import lazy
from mlwright.source.suggest import did_you_mean
from mlwright.span import Path
from mlwright.verify.finding import finding, is_users, shown
from mlwright.verify.manifest import Manifest, Place, is_open, of_value
from mlwright.verify.objects import Objects
from mlwright.verify.shape import mapping, mappings, word

_ADDRESS = lazy(r"\b(https?)://([a-z0-9-]+)(?::(\d{1,5}))?(?![\w.:@-])")
_IN_CLUSTER = lazy(r"https?://([a-z0-9-]+)\.[a-z0-9-]+\.svc\.[a-z0-9.-]+?(?::(\d{1,5}))?(?:/|$)")
_PORTS = {"http": 80, "https": 443}
_PARTS = {"EventSource": "event", "WorkflowTemplate": "template", "ClusterWorkflowTemplate": "template"}
"""What a reference names of an object beside its name; of other kinds it is a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A reference: `key` is one of the object's keys, events or templates, `port` of a Service, by number or name. An
    `address` counts where it is called like an object of the project: others are not ours to know."""

    kind: str
    name: Any
    path: Path
    key: Any = None
    port: Any = None
    address: bool = False


def check(manifest: Manifest, objects: Objects) -> Iterator[Diagnostic]:
    """VER030 refers to an object that nobody makes, VER031 to a key or port that the object does not have."""
    for key, places in manifest.places.items():
        if (uses := RULES.get(key)) is None:
            continue
        for place in places:
            for use in uses(place):
                if use.address and not str(use.name).startswith(f"{objects.stem}-"):
                    continue
                if isinstance(use.name, str) and use.name and not is_open(use.name):
                    yield from _use(manifest, use, objects)


def _use(manifest: Manifest, use: Use, objects: Objects) -> Iterator[Diagnostic]:
    found = objects.find(use.kind, use.name, manifest.namespace)
    if found is None:
        if (use.kind, use.name) not in objects.outside:
            yield _missing(manifest, use, objects)
        return
    if isinstance(use.key, str) and not is_open(use.key):
        keys = content(found)
        if keys is not None and use.key not in keys:
            yield _lacks(manifest, use, _PARTS.get(use.kind, "key"), use.key, sorted(keys))
    if use.port is not None and use.kind == found.kind == "Service":
        ports = service_ports(found)
        if use.port not in ports:
            yield _lacks(manifest, use, "port", use.port, [str(port) for port in ports])


def _missing(manifest: Manifest, use: Use, objects: Objects) -> Diagnostic:
    names = objects.names(use.kind)
    known = f"there is {', '.join(names[:8])}{' ...' if len(names) > 8 else ''}" if names else f"there is no {use.kind}"
    by_hand = is_users(manifest, use.path)
    return finding(
        "VER030",
        manifest,
        use.path,
        f"{manifest} needs the {use.kind} `{use.name}`, which nobody makes (`{shown(manifest, use.path)}`)",
        did_you_mean(use.name, names) or known,
        severity="warning" if by_hand else "error",
    )


def _lacks(manifest: Manifest, use: Use, what: str, value: Any, there: list[str]) -> Diagnostic:
    message = f"{manifest} needs the {what} `{value}` of the {use.kind} `{use.name}`, which has none"
    help = did_you_mean(str(value), there) or (f"it has {', '.join(there)}" if there else "it has none at all")
    return finding("VER031", manifest, use.path, f"{message} (`{shown(manifest, use.path)}`)", help)


def content(manifest: Manifest) -> set[str] | None:
    """The keys of a ConfigMap or Secret, the events of an EventSource, the templates of a workflow; None where only
    the cluster knows."""
    data = manifest.data
    if manifest.kind in ("ConfigMap", "Secret"):
        return {key for field in ("data", "stringData", "binaryData") for key in mapping(data.get(field))}
    if manifest.kind == "ExternalSecret" and "dataFrom" not in manifest.spec and "template" not in manifest.spec:
        return {str(item.get("secretKey")) for _, item in mappings(manifest.spec.get("data"))}
    if manifest.kind == "SealedSecret":
        return set(mapping(manifest.spec.get("encryptedData")))
    if manifest.kind in ("WorkflowTemplate", "ClusterWorkflowTemplate"):
        return {str(item.get("name")) for _, item in mappings(manifest.spec.get("templates"))}
    if manifest.kind == "EventSource":
        sections = [value for key, value in manifest.spec.items() if key not in ("service", "template")]
        return {name for section in sections for name in mapping(section)}
    return None


def service_ports(manifest: Manifest) -> list[int | str]:
    """The numbers and names of a Service's ports."""
    ports = [port for _, port in mappings(manifest.spec.get("ports"))]
    return [port[field] for port in ports for field in ("port", "name") if field in port]


def _keyed(kind: str) -> Callable[[Place], Iterator[Use]]:
    """`{name, key, optional}`."""

    def uses(place: Place) -> Iterator[Use]:
        value = place.value
        if isinstance(value, dict) and "name" in value and value.get("optional") is not True:
            yield Use(kind=kind, name=value["name"], path=(*place.path, "name"), key=value.get("key"))

    return uses


def _event(place: Place) -> Iterator[Use]:
    """What a Sensor waits for."""
    at = (*place.path[:-1], "eventName")
    yield Use(kind="EventSource", name=place.value, path=at, key=place.holder.get("eventName"))


def _plain(kind: str) -> Callable[[Place], Iterator[Use]]:
    """A name as it is."""

    def uses(place: Place) -> Iterator[Use]:
        yield Use(kind=kind, name=place.value, path=place.path)

    return uses


@of_value
def _volumes(place: Place) -> Iterator[Use]:
    for position, volume in mappings(place.value):
        yield from _volume(volume, (*place.path, position))
        for number, source in mappings(mapping(volume.get("projected")).get("sources")):
            yield from _volume(source, (*place.path, position, "projected", "sources", number))


def _volume(volume: dict[str, Any], path: Path) -> Iterator[Use]:
    for field, name, kind in (("secret", "secretName", "Secret"), ("configMap", "name", "ConfigMap")):
        source = volume.get(field)
        if not isinstance(source, dict) or source.get("optional") is True:
            continue
        name = name if name in source else "name"
        if not (items := source.get("items")):
            yield Use(kind=kind, name=source.get(name), path=(*path, field, name))
        for position, item in mappings(items):
            at = (*path, field, "items", position, "key")
            yield Use(kind=kind, name=source.get(name), path=at, key=item.get("key"))
    claim = volume.get("persistentVolumeClaim")
    if isinstance(claim, dict):
        at = (*path, "persistentVolumeClaim", "claimName")
        yield Use(kind="PersistentVolumeClaim", name=claim.get("claimName"), path=at)


@of_value
def _addresses(place: Place) -> Iterator[Use]:
    """URLs in environment variables whose host is a plain name: a Service of the namespace."""
    for position, entry in mappings(place.value):
        for hit in _ADDRESS.finditer(word(entry.get("value"))):
            port = int(hit[3]) if hit[3] else _PORTS[hit[1]]
            yield Use(kind="Service", name=hit[2], path=(*place.path, position, "value"), port=port, address=True)


def _pull_secrets(place: Place) -> Iterator[Use]:
    for position, entry in mappings(place.value):
        yield Use(kind="Secret", name=entry.get("name"), path=(*place.path, position, "name"))


def _template(place: Place) -> Iterator[Use]:
    if isinstance(place.value, dict):
        kind = "ClusterWorkflowTemplate" if place.value.get("clusterScope") is True else "WorkflowTemplate"
        name, template = place.value.get("name"), place.value.get("template")
        yield Use(kind=kind, name=name, path=(*place.path, "name" if template is None else "template"), key=template)


def _typed(default: str) -> Callable[[Place], Iterator[Use]]:
    """`{kind, name}`, and a namespace of its own where it has one."""

    def uses(place: Place) -> Iterator[Use]:
        value = place.value
        if isinstance(value, dict) and "namespace" not in value:
            yield Use(kind=str(value.get("kind", default)), name=value.get("name"), path=(*place.path, "name"))

    return uses


def _subjects(place: Place) -> Iterator[Use]:
    for position, subject in mappings(place.value):
        if subject.get("kind") == "ServiceAccount":
            yield Use(kind="ServiceAccount", name=subject.get("name"), path=(*place.path, position, "name"))


def _backends(place: Place) -> Iterator[Use]:
    """Of a Gateway API route."""
    for position, backend in mappings(place.value):
        if "namespace" not in backend and backend.get("kind", "Service") == "Service":
            path = (*place.path, position, "name")
            yield Use(kind="Service", name=backend.get("name"), path=path, port=backend.get("port"))


def _ingress(place: Place) -> Iterator[Use]:
    service = place.value.get("service") if isinstance(place.value, dict) else None
    if isinstance(service, dict):
        port = service.get("port")
        wanted = port.get("number", port.get("name")) if isinstance(port, dict) else None
        yield Use(kind="Service", name=service.get("name"), path=(*place.path, "service", "name"), port=wanted)


def _destination(place: Place) -> Iterator[Use]:
    """Of an Istio route; hosts with dots are in other namespaces or outside."""
    value = place.value
    if isinstance(value, dict) and isinstance(value.get("host"), str) and "." not in value["host"]:
        port = value.get("port")
        wanted = port.get("number") if isinstance(port, dict) else None
        yield Use(kind="Service", name=value["host"], path=(*place.path, "host"), port=wanted)


def _cache(place: Place) -> Iterator[Use]:
    """Where a Workflow finds its artifact repository."""
    if isinstance(place.value, dict) and "configMap" in place.value:
        path = (*place.path, "configMap")
        yield Use(kind="ConfigMap", name=place.value["configMap"], path=path, key=place.value.get("key"))


def _of_set(place: Place) -> Iterator[Use]:
    """The Service that names a StatefulSet's pods, or what a step of an InferenceGraph asks."""
    if "template" in place.holder and "selector" in place.holder:
        yield Use(kind="Service", name=place.value, path=place.path)
    elif "steps" in place.path:
        yield Use(kind="InferenceService", name=place.value, path=place.path)


def _runtime(place: Place) -> Iterator[Use]:
    """What serves a model, where it is called like an object of the project: others are the platform's."""
    if "modelFormat" in place.holder:
        yield Use(kind="ServingRuntime", name=place.value, path=place.path, address=True)


def _node(place: Place) -> Iterator[Use]:
    """A place of a request that is asked for by URL: a Service of the project in its namespace."""
    if hit := _IN_CLUSTER.match(str(place.value)):
        yield Use(kind="Service", name=hit[1], path=place.path, port=int(hit[2]) if hit[2] else 80, address=True)


def _of_account(place: Place) -> Iterator[Use]:
    """Secrets that a ServiceAccount lists."""
    if place.path == ("secrets",):
        yield from _pull_secrets(place)


@of_value
def _queue(place: Place) -> Iterator[Use]:
    if isinstance(place.value, dict) and (name := place.value.get("kueue.x-k8s.io/queue-name")):
        yield Use(kind="LocalQueue", name=name, path=(*place.path, "kueue.x-k8s.io/queue-name"))


def _executor(kind: str, field: str) -> Callable[[Place], Iterator[Use]]:
    """What an executor of Kubeflow Pipelines mounts, or has in its environment: a list of `{field: name}`."""

    def uses(place: Place) -> Iterator[Use]:
        for position, entry in mappings(place.value):
            at = (*place.path, position)
            keys = [(number, key.get("secretKey")) for number, key in mappings(entry.get("keyToEnv"))]
            if entry.get("optional") is not True and not keys:
                yield Use(kind=kind, name=entry.get(field), path=(*at, field))
            for number, key in keys:
                yield Use(kind=kind, name=entry.get(field), path=(*at, "keyToEnv", number, "secretKey"), key=key)

    return uses


RULES: dict[str, Callable[[Place], Iterator[Use]]] = {
    **dict.fromkeys(("secretKeyRef", "secretRef"), _keyed("Secret")),
    **dict.fromkeys(("accessKeySecret", "secretKeySecret", "sessionTokenSecret"), _keyed("Secret")),
    **dict.fromkeys(("serviceAccountKeySecret", "accountKeySecret", "caSecret"), _keyed("Secret")),
    **dict.fromkeys(("username", "password"), _keyed("Secret")),
    **dict.fromkeys(("configMapKeyRef", "configMapRef"), _keyed("ConfigMap")),
    **dict.fromkeys(("serviceAccountName", "serviceAccount"), _plain("ServiceAccount")),
    **dict.fromkeys(("priorityClassName", "podPriorityClassName"), _plain("PriorityClass")),
    **dict.fromkeys(("workflowTemplateRef", "templateRef"), _template),
    "env": _addresses,
    "volumes": _volumes,
    "pvcName": _plain("PersistentVolumeClaim"),
    "imagePullSecrets": _pull_secrets,
    "eventSourceName": _event,
    "serviceName": _of_set,
    "serviceUrl": _node,
    "runtime": _runtime,
    "secrets": _of_account,
    "authenticationRef": _typed("TriggerAuthentication"),
    "scaleTargetRef": _typed("Deployment"),
    "runtimeRef": _typed("ClusterTrainingRuntime"),
    "roleRef": _typed("Role"),
    "subjects": _subjects,
    "backendRefs": _backends,
    "backend": _ingress,
    "destination": _destination,
    "artifactRepositoryRef": _cache,
    "labels": _queue,
    "configMapAsVolume": _executor("ConfigMap", "configMapName"),
    "secretAsEnv": _executor("Secret", "secretName"),
    "pvcMount": _executor("PersistentVolumeClaim", "constant"),
    "imagePullSecret": _executor("Secret", "secretName"),
    "pipelineName": _plain("Pipeline"),
}
"""Key -> the references in its value."""
KEYS = frozenset(RULES)
