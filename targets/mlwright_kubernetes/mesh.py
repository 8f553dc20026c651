"""A mesh that insists on mutual TLS: pods that end run outside it, so what they call opens its ports."""

from __future__ import annotations

from mlwright.emit.kube import metadata
from mlwright.emit.kube.objects import Objects

_CALLED = ("tracking", "store", "endpoint", "gateway")
"""Roles whose pods steps, jobs of the server and smoke tests call."""


def emit_mesh(objects: Objects) -> None:
    """A PeerAuthentication for each Deployment or StatefulSet that pods outside the mesh call, where ops allow it."""
    mesh = objects.context.platform.file.mesh
    if mesh is None or mesh.mtls != "strict" or mesh.native_sidecars or not mesh.permissive_ports:
        return
    for document in list(objects.items()):
        kind = document.data["kind"]
        if kind not in ("Deployment", "StatefulSet"):
            continue
        spec = document.data["spec"]
        pod = spec["template"]
        if pod["metadata"]["labels"][metadata.ROLE] not in _CALLED:
            continue
        ports = [port["containerPort"] for box in pod["spec"]["containers"] for port in box.get("ports", ())]
        (part, *_) = document.parts
        objects.add(
            "PeerAuthentication",
            document.data["metadata"]["name"],
            {
                "spec": {
                    "selector": {"matchLabels": dict(spec["selector"]["matchLabels"])},
                    "portLevelMtls": {str(port): {"mode": "PERMISSIVE"} for port in ports},
                }
            },
            node=part.node,
            origin=document.origins[()],
            component=pod["metadata"]["labels"]["app.kubernetes.io/name"],
            as_kind=f"{part.kind.removesuffix(kind)}PeerAuthentication",
            wave=metadata.BASE,
        )
