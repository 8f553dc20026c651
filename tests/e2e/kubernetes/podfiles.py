"""What a pod's containers read: variables, volumes and names, with the owners and modes that a kubelet gives them."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.e2e.kubernetes.plane import Plane, Refused

Json = dict[str, Any]


class Waiting(Exception):
    """A container cannot start yet; its first word is the reason that the status shows."""


def environment(plane: Plane, pod: Json, container: Json) -> dict[str, str]:
    """The container's variables, those that refer to others included."""
    url = plane.url.rpartition("//")[2]
    host, _, port = url.partition(":")
    found = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOSTNAME": pod["spec"].get("hostname") or pod["metadata"]["name"],
        "KUBERNETES_SERVICE_HOST": host,
        "KUBERNETES_SERVICE_PORT": port,
        "KUBERNETES_SERVICE_PORT_HTTPS": port,
    }
    for source in container.get("envFrom", ()):
        for kind, key in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
            if key in source:
                data = _data(plane, pod, kind, source[key])
                prefix = source.get("prefix", "")
                found.update({prefix + name: value.decode() for name, value in data.items()})
    for item in container.get("env", ()):
        if "valueFrom" not in item:
            found[item["name"]] = expanded(item.get("value", ""), found)
            continue
        value = _value(plane, pod, container, item["valueFrom"])
        if value is not None:
            found[item["name"]] = value
    return found


def expanded(text: str, values: Mapping[str, str]) -> str:
    """`text` with $(NAME) replaced where there is such a variable, and $$ standing for a dollar."""

    def one(match: re.Match[str]) -> str:
        return "$" + match[0][2:] if match[0].startswith("$$") else values.get(match[1], match[0])

    return re.sub(r"\$\$\([^)]*\)|\$\$|\$\(([^)]*)\)", one, text)


def volumes(plane: Plane, pod: Json, folder: Path, claims: Path) -> dict[str, Path]:
    """A folder for every volume of the pod, by name. Claims are below `claims`: they outlive the pod."""
    found = {}
    for volume in pod["spec"].get("volumes", ()):
        place = folder / volume["name"]
        group = _group(pod)
        if "persistentVolumeClaim" in volume:
            claim = volume["persistentVolumeClaim"]["claimName"]
            _asked(plane, pod, "persistentvolumeclaims", claim)
            place = claims / pod["metadata"]["namespace"] / claim
            place.mkdir(parents=True, exist_ok=True)
            _owned(place, 0o755, group)
        elif "emptyDir" in volume:
            place.mkdir(parents=True, exist_ok=True)
            _owned(place, 0o777, group)
        else:
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            for path, (data, mode) in sorted(_files(plane, pod, volume).items()):
                file = place / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)
                _owned(file, mode, group)
        found[volume["name"]] = place
    return found


def _files(plane: Plane, pod: Json, volume: Json) -> dict[str, tuple[bytes, int]]:
    """Content and mode of the files in a volume that is made of other objects."""
    found: dict[str, tuple[bytes, int]] = {}
    (kind,) = set(volume) - {"name"}
    body = volume[kind]
    mode = body.get("defaultMode", 0o644)
    for each in body.get("sources", ()) if kind == "projected" else ({kind: body},):
        if "serviceAccountToken" in each:
            source = each["serviceAccountToken"]
            name = pod["spec"].get("serviceAccountName", "default")
            reference = {"apiVersion": "v1", "kind": "Pod", **{key: pod["metadata"][key] for key in ("name", "uid")}}
            token = plane.account(pod["metadata"]["namespace"], name, audience=source.get("audience"), bound=reference)
            found[source["path"]] = (token.encode(), 0o600 if _group(pod) is not None else mode)
        elif "downwardAPI" in each:
            for item in each["downwardAPI"].get("items", ()):
                found[item["path"]] = ((_value(plane, pod, {}, item) or "").encode(), item.get("mode", mode))
        elif "configMap" in each or "secret" in each:
            wanted = "ConfigMap" if "configMap" in each else "Secret"
            source = each.get("configMap") or each["secret"]
            data = _data(plane, pod, wanted, {**source, "name": source.get("name") or source.get("secretName")})
            items = source.get("items") or [{"key": key, "path": key} for key in data]
            for item in items:
                if item["key"] not in data:
                    if source.get("optional"):
                        continue
                    raise Waiting(f"ContainerCreating {wanted} {source} has no key {item['key']}")
                found[item["path"]] = (data[item["key"]], item.get("mode", mode))
        else:
            raise Waiting(f"ContainerCreating this kubelet knows no volume like {json.dumps(each)}")
    return found


def _value(plane: Plane, pod: Json, container: Json, source: Json) -> str | None:
    """The value of one variable or file, None where an optional one is not there."""
    for kind, key in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
        if key in source:
            reference = source[key]
            data = _data(plane, pod, kind, reference)
            if reference["key"] in data:
                return data[reference["key"]].decode()
            if reference.get("optional"):
                return None
            raise Waiting(f"CreateContainerConfigError no key {reference['key']} in {kind} {reference['name']}")
    if "fieldRef" in source:
        return _field(pod, source["fieldRef"]["fieldPath"])
    if "resourceFieldRef" in source:
        kind, _, name = source["resourceFieldRef"]["resource"].partition(".")
        return str(container.get("resources", {}).get(kind, {}).get(name, "0"))
    raise Waiting(f"CreateContainerConfigError this kubelet knows no variable from {json.dumps(source)}")


def _field(pod: Json, path: str) -> str:
    """What the downward API says at a path."""
    match = re.fullmatch(r"metadata\.(labels|annotations)\['([^']+)'\]", path)
    if match:
        return str(pod["metadata"].get(match[1], {}).get(match[2], ""))
    if path in ("metadata.labels", "metadata.annotations"):
        held = pod["metadata"].get(path.partition(".")[2], {})
        return "\n".join(f"{key}={json.dumps(text)}" for key, text in sorted(held.items()))
    found: Any = pod
    for key in path.split("."):
        found = found.get(key, "")
    return str(found)


def _data(plane: Plane, pod: Json, kind: str, reference: Json) -> dict[str, bytes]:
    """The content of a ConfigMap or Secret, empty where an optional one is not there."""
    try:
        found = _asked(plane, pod, kind.lower() + "s", reference["name"])
    except Waiting:
        if reference.get("optional"):
            return {}
        raise
    plain = {key: text if kind == "Secret" else text.encode() for key, text in (found.get("data") or {}).items()}
    coded = plain if kind == "Secret" else found.get("binaryData") or {}
    return {**plain, **{key: base64.b64decode(text) for key, text in coded.items()}}


def _asked(plane: Plane, pod: Json, plural: str, name: str) -> Json:
    try:
        return plane.ask("GET", f"/api/v1/namespaces/{pod['metadata']['namespace']}/{plural}/{name}")
    except Refused as problem:
        if problem.code != 404:
            raise
        raise Waiting(f"CreateContainerConfigError {problem.status.get('message')}") from None


def _group(pod: Json) -> int | None:
    return (pod["spec"].get("securityContext") or {}).get("fsGroup")


def _owned(path: Path, mode: int, group: int | None) -> None:
    """Gives a file its mode, and with it to the pod's group, as a kubelet does for `fsGroup`."""
    if group is not None:
        os.chown(path, 0, group)
        mode |= 0o440 if path.is_file() else 0o2070
    path.chmod(mode)
