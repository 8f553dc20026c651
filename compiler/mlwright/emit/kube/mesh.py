"""The mesh: what pods outside of it call opens its ports, and in Profiles' namespaces, which let in their people alone,
what network policies let in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlwright.emit.kube import kserve, metadata, tenancy
from mlwright.emit.kube.objects import Objects
from mlwright.ir import Search, Task
from mlwright.record import dataclass
from mlwright.target import Document

_CALLED = ("tracking", "store", "endpoint", "gateway")
"""Roles whose pods steps, jobs of the server and smoke tests call."""
_ENTERED = (*_CALLED, "proxy")
"""And those that a gateway calls for people whom Kubeflow does not know."""
_PARTS = ("predictor", "transformer", "explainer")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pods:
    """The pods of one thing that stays up: what they are found by, and the ports they listen on."""

    name: str
    selector: dict[str, str]
    role: str
    ports: list[str]
    suffix: str = ""


def emit_mesh(objects: Objects) -> None:
    """For the pods of what stays up and is called from outside the mesh: a PeerAuthentication where ops allow it, an
    AuthorizationPolicy where Kubeflow's Profiles keep everybody else out."""
    platform = objects.context.platform
    mesh = platform.file.mesh
    outside = not (mesh and mesh.native_sidecars) or _outside(objects)
    plain = mesh is not None and mesh.mtls == "strict" and mesh.permissive_ports and outside
    tenants = tenancy.tenants(platform) and platform.has("istio")
    for document in list(objects.items()) if plain or tenants else ():
        for pods in _pods(objects, document):
            if plain and pods.role in _CALLED:
                spec: dict[str, Any] = {"portLevelMtls": {port: {"mode": "PERMISSIVE"} for port in pods.ports}}
                _add(objects, document, pods, "PeerAuthentication", spec)
            if tenants and pods.role in _ENTERED:
                rule = {"to": [{"operation": {"ports": pods.ports}}]}
                _add(objects, document, pods, "AuthorizationPolicy", {"action": "ALLOW", "rules": [rule]})


def _pods(objects: Objects, document: Document) -> Iterator[_Pods]:
    kind, spec = document.data["kind"], document.data.get("spec", {})
    name = document.data.get("metadata", {}).get("name", "")
    if kind in ("Deployment", "StatefulSet"):
        pod = spec["template"]
        ports = [str(port["containerPort"]) for box in pod["spec"]["containers"] for port in box.get("ports", ())]
        role = pod["metadata"]["labels"][metadata.ROLE]
        yield _Pods(name=name, selector=dict(spec["selector"]["matchLabels"]), role=role, ports=ports)
        return
    if kind not in ("InferenceService", "InferenceGraph", "LLMInferenceService"):
        return
    (part, *_) = document.parts
    served = [service for service in objects.project.services if service.id == part.node]
    ports = [str(port) for port in sorted(kserve.listening(objects, served) or {kserve.ROUTER})]
    if kind == "InferenceService":
        for which in _PARTS:
            if which in spec:
                called, suffix = (name, "") if which == "predictor" else (f"{name}-{which}", which.capitalize())
                yield _found(called, spec[which]["labels"], ports, suffix)
    else:
        yield _found(name, spec["labels"] if "labels" in spec else document.data["metadata"]["labels"], ports)


def _outside(objects: Objects) -> bool:
    """Whether pods have no sidecar, native or not: trials of Katib, and steps on several nodes."""
    owners = objects.context.owners
    return any(
        owners.get(node.id) == "kubeflow" or node.trial.spread
        if isinstance(node, Search)
        else isinstance(node, Task) and node.spread
        for node in objects.project.nodes
    )


def _found(name: str, labels: dict[str, str], ports: list[str], suffix: str = "") -> _Pods:
    selector = {key: labels[key] for key in ("app.kubernetes.io/name", "app.kubernetes.io/instance")}
    return _Pods(name=name, selector=selector, role=labels[metadata.ROLE], ports=ports, suffix=suffix)


def _add(objects: Objects, document: Document, pods: _Pods, kind: str, spec: dict[str, Any]) -> None:
    (part, *_) = document.parts
    objects.add(
        kind,
        pods.name,
        {"spec": {"selector": {"matchLabels": pods.selector}, **spec}},
        node=part.node,
        origin=document.origins[()],
        component=pods.selector["app.kubernetes.io/name"],
        as_kind=f"{part.kind.removesuffix(document.data['kind'])}{pods.suffix}{kind}",
        wave=metadata.BASE,
    )
