"""The mesh: what pods outside of it call opens its ports, and in Profiles' namespaces, which let in their people alone,
what network policies let in."""

from __future__ import annotations

from typing import Any

from mlwright.emit.kube import metadata, tenancy
from mlwright.emit.kube.objects import Objects
from mlwright.ir import Search
from mlwright.target import Document

_CALLED = ("tracking", "store", "endpoint", "gateway")
"""Roles whose pods steps, jobs of the server and smoke tests call."""
_ENTERED = (*_CALLED, "proxy")
"""And those that a gateway calls for people whom Kubeflow does not know."""


def emit_mesh(objects: Objects) -> None:
    """For each Deployment or StatefulSet that pods outside the mesh call: a PeerAuthentication where ops allow it, an
    AuthorizationPolicy where Kubeflow's Profiles keep everybody else out."""
    platform = objects.context.platform
    mesh = platform.file.mesh
    outside = not (mesh and mesh.native_sidecars) or _searched(objects)
    plain = mesh is not None and mesh.mtls == "strict" and mesh.permissive_ports and outside
    tenants = tenancy.tenants(platform) and platform.has("istio")
    for document in list(objects.items()) if plain or tenants else ():
        if document.data["kind"] not in ("Deployment", "StatefulSet"):
            continue
        pod = document.data["spec"]["template"]
        role = pod["metadata"]["labels"][metadata.ROLE]
        ports = [str(port["containerPort"]) for box in pod["spec"]["containers"] for port in box.get("ports", ())]
        if plain and role in _CALLED:
            spec: dict[str, Any] = {"portLevelMtls": {port: {"mode": "PERMISSIVE"} for port in ports}}
            _add(objects, document, "PeerAuthentication", spec)
        if tenants and role in _ENTERED:
            rule = {"to": [{"operation": {"ports": ports}}]}
            _add(objects, document, "AuthorizationPolicy", {"action": "ALLOW", "rules": [rule]})


def _searched(objects: Objects) -> bool:
    """Whether Katib makes trials, which have no sidecar, native or not."""
    owners = objects.context.owners
    return any(isinstance(node, Search) and owners.get(node.id) == "kubeflow" for node in objects.project.nodes)


def _add(objects: Objects, document: Document, kind: str, spec: dict[str, Any]) -> None:
    """An object about the pods of a Deployment or StatefulSet."""
    template = document.data["spec"]["template"]
    (part, *_) = document.parts
    objects.add(
        kind,
        document.data["metadata"]["name"],
        {"spec": {"selector": {"matchLabels": dict(document.data["spec"]["selector"]["matchLabels"])}, **spec}},
        node=part.node,
        origin=document.origins[()],
        component=template["metadata"]["labels"]["app.kubernetes.io/name"],
        as_kind=f"{part.kind.removesuffix(document.data['kind'])}{kind}",
        wave=metadata.BASE,
    )
