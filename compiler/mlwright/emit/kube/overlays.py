"""What kustomize has to know of objects that an overlay changes: keys of lists, and where images and names stand.

Both are read off the objects themselves, so every kind that is emitted is covered and no other. kustomize takes a
schema in place of its own, not beside it, so the lists of Kubernetes' own kinds are given with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlwright.emit.kube.patching import LIST_KEYS
from mlwright.emit.merge import matches
from mlwright.platform.versions import SERVED
from mlwright.span import Path
from mlwright.target import Embedded

Data = Mapping[str, Any]

_BUILT_IN = frozenset(row.api_version for row in SERVED if row.system == "kubernetes")
_KEY = "name"
_REFERRED: dict[tuple[str, str], str] = {
    ("configMap", "name"): "ConfigMap",
    ("configMapKeyRef", "name"): "ConfigMap",
    ("configMapRef", "name"): "ConfigMap",
    ("secretKeyRef", "name"): "Secret",
    ("secretRef", "name"): "Secret",
    ("secret", "secretName"): "Secret",
    ("accessKey", "name"): "Secret",
    ("secretKey", "name"): "Secret",
    ("authSecret", "name"): "Secret",
    ("accessKeySecret", "name"): "Secret",
    ("secretKeySecret", "name"): "Secret",
    ("imagePullSecrets", "name"): "Secret",
    ("persistentVolumeClaim", "claimName"): "PersistentVolumeClaim",
    ("workflowTemplateRef", "name"): "WorkflowTemplate",
}
"""The last two keys of a path whose value names an object -> its kind."""
_ACCOUNT = "serviceAccountName"
_NAMING = frozenset({"image", _ACCOUNT, *(key for _, key in _REFERRED)})
_COVERED = ("containers", "initContainers")
"""Lists whose images kustomize finds in every kind."""


def built_in(data: Data) -> bool:
    """Whether an object is of one of Kubernetes' own kinds."""
    return data.get("apiVersion") in _BUILT_IN


def references(objects: Iterable[Data]) -> dict[str, Any]:
    """`configurations`: the fields that overlays rename where they rename an image or an object; {} for none."""
    images: dict[tuple[str, str], None] = {}
    names: dict[str, dict[tuple[str, str], None]] = {}
    for data in objects:
        kind = str(data["kind"])
        for path in _places(data):
            *_, above, key = "", *path
            if key == "image":
                if above not in _COVERED:
                    images[kind, "/".join(path)] = None
            elif target := "ServiceAccount" if key == _ACCOUNT else _REFERRED.get((above, key)):
                names.setdefault(target, {})[kind, "/".join(path)] = None
    found: dict[str, Any] = {}
    if images:
        found["images"] = _specs(images)
    if names:
        found["nameReference"] = [{"kind": kind, "fieldSpecs": _specs(names[kind])} for kind in sorted(names)]
    return found


def _specs(found: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"kind": kind, "path": path} for kind, path in sorted(found)]


def _places(data: Data) -> set[tuple[str, ...]]:
    """Where texts stand that may name something, as kustomize writes paths: without positions in lists."""
    found: set[tuple[str, ...]] = set()

    def look(value: Any, path: tuple[str, ...]) -> None:
        if isinstance(value, list):
            for item in value:
                if isinstance(item, dict | list):
                    look(item, path)
        elif not isinstance(value, Embedded):
            for key, item in value.items():
                if isinstance(item, dict | list):
                    if "/" not in key:
                        look(item, (*path, key))
                elif key in _NAMING and item and isinstance(item, str):
                    found.add((*path, key))

    look(data, ())
    return found


def schema(objects: Iterable[Data]) -> dict[str, Any]:
    """An OpenAPI document of nothing but the keys of lists."""
    kinds: dict[tuple[str, str], list[Data]] = {}
    for data in objects:
        kinds.setdefault((str(data["apiVersion"]), str(data["kind"])), []).append(data)
    definitions = dict(_KUBERNETES)
    for (api, kind), found in sorted(kinds.items()):
        group, _, version = api.rpartition("/")
        properties = _properties(found, ())
        definitions[f"{group}.{version}.{kind}"] = {
            **properties,
            "x-kubernetes-group-version-kind": [{"group": group, "kind": kind, "version": version}],
        }
    return {"definitions": definitions}


def _properties(values: Sequence[Data], path: Path) -> dict[str, Any]:
    """What is known below mappings that stand at the same place; {} where nothing is."""
    found: dict[str, Any] = {}
    for name in sorted({name for value in values for name in value}):
        below = [value[name] for value in values if name in value]
        here = (*path, name)
        if (path, name) == ((), "metadata"):
            found[name] = {"$ref": "#/definitions/ObjectMeta"}
        elif all(isinstance(item, Mapping) and not isinstance(item, Embedded) for item in below):
            if inner := _properties(below, here):
                found[name] = inner
        elif all(isinstance(item, list) for item in below) and (inner := _list(below, here)):
            found[name] = inner
    return {"properties": found, "type": "object"} if found else {}


def _list(lists: Sequence[list[Any]], path: Path) -> dict[str, Any]:
    entries = [entry for one in lists for entry in one]
    if not entries or not all(isinstance(entry, Mapping) for entry in entries):
        return {}
    key = next((key for pattern, key in LIST_KEYS.items() if matches(pattern, path)), _KEY)
    inner = _properties(entries, (*path, "*"))
    if all(_distinct(one, key) for one in lists):
        return _keyed(key, inner or {"type": "object"})
    return {"items": inner, "type": "array"} if inner else {}


def _distinct(entries: list[Any], key: str) -> bool:
    found = [entry.get(key) for entry in entries]
    return all(isinstance(value, str | int) for value in found) and len(set(found)) == len(found)


def _keyed(key: str, items: dict[str, Any], *also: str) -> dict[str, Any]:
    more = {"x-kubernetes-list-map-keys": [key, *also], "x-kubernetes-list-type": "map"} if also else {}
    return {
        "items": items,
        "type": "array",
        **more,
        "x-kubernetes-patch-merge-key": key,
        "x-kubernetes-patch-strategy": "merge",
    }


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{name}"}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"properties": properties, "type": "object"}


_ENTRY = {"type": "object"}
_CONTAINERS = _keyed("name", _ref("Container"))
_SPEC = _object(spec=_ref("PodSpec"))
_PODS = _object(template=_SPEC)


def _kind(group: str, version: str, kind: str, **properties: dict[str, Any]) -> dict[str, Any]:
    return {
        **_object(metadata=_ref("ObjectMeta"), **properties),
        "x-kubernetes-group-version-kind": [{"group": group, "kind": kind, "version": version}],
    }


_KUBERNETES: dict[str, Any] = {
    "Container": _object(
        env=_keyed("name", _ENTRY),
        ports=_keyed("containerPort", _ENTRY, "protocol"),
        volumeDevices=_keyed("devicePath", _ENTRY),
        volumeMounts=_keyed("mountPath", _ENTRY),
    ),
    "ObjectMeta": _object(
        finalizers={"items": {"type": "string"}, "type": "array", "x-kubernetes-patch-strategy": "merge"},
        ownerReferences=_keyed("uid", _ENTRY),
    ),
    "PodSpec": _object(
        containers=_CONTAINERS,
        ephemeralContainers=_CONTAINERS,
        hostAliases=_keyed("ip", _ENTRY),
        imagePullSecrets=_keyed("name", _ENTRY),
        initContainers=_CONTAINERS,
        resourceClaims=_keyed("name", _ENTRY),
        schedulingGates=_keyed("name", _ENTRY),
        topologySpreadConstraints=_keyed("topologyKey", _ENTRY, "whenUnsatisfiable"),
        volumes=_keyed("name", _ENTRY),
    ),
    "v1.Pod": _kind("", "v1", "Pod", spec=_ref("PodSpec")),
    "v1.Service": _kind("", "v1", "Service", spec=_object(ports=_keyed("port", _ENTRY, "protocol"))),
    "v1.ServiceAccount": _kind(
        "", "v1", "ServiceAccount", imagePullSecrets=_keyed("name", _ENTRY), secrets=_keyed("name", _ENTRY)
    ),
    "batch.v1.CronJob": _kind("batch", "v1", "CronJob", spec=_object(jobTemplate=_object(spec=_PODS))),
    **{
        f"{group}.v1.{kind}": _kind(group, "v1", kind, spec=_PODS)
        for group, kind in (
            *(("apps", kind) for kind in ("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet")),
            ("batch", "Job"),
        )
    },
}
"""Kubernetes' own kinds whose lists have keys, as far as they are of a namespace."""
