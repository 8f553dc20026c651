"""Namespaces as Profiles: owner, quota, cloud identity, and contributors as Kubeflow's access management makes them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlwright.emit.kube import metadata, quantity, tenancy
from mlwright.emit.kube.objects import Objects

NODE = "namespace"
_RBAC = "rbac.authorization.k8s.io"
_USER = "kubeflow-userid"
"""The header in which the gateway says who asks."""
_CALLERS = (
    "cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account",
    "cluster.local/ns/kubeflow/sa/ml-pipeline-ui",
)
"""Who may speak for people: the gateway, and the page of Kubeflow Pipelines."""
_STAYS = {"argocd.argoproj.io/sync-options": "Prune=false,Delete=false"}
"""With a Profile goes its namespace and all that is in it."""
_PLUGINS = {
    "eks.amazonaws.com/role-arn": ("AwsIamForServiceAccount", "awsIamRole"),
    "iam.gke.io/gcp-service-account": ("WorkloadIdentity", "gcpServiceAccount"),
}
"""Annotations of `default-editor` that a plugin of Profiles sets -> it, and its field."""


def emit_profile(objects: Objects) -> None:
    """The Profile, whose controller makes the namespace, and the objects of its contributors. They belong to the
    namespace: each of several projects in it writes the same ones."""
    found = objects.context.platform.namespace(objects.namespace)
    assert found is not None and found.owner is not None  # a check has asked for it
    platform = objects.context.platform
    common: dict[str, Any] = {"node": NODE, "origin": objects.project.environment.origin, "shared": True}
    spec: dict[str, Any] = {"owner": {"kind": "User", "name": found.owner}}
    if found.quota:
        spec["resourceQuotaSpec"] = {"hard": quantity.amounts(found.quota.hard)}
    if plugins := list(_plugins(objects)):
        spec["plugins"] = plugins
    kept = _STAYS if platform.has("argo_cd") else None
    objects.add("Profile", objects.namespace, {"spec": spec}, wave=metadata.NAMESPACE, annotations=kept, **common)
    for person, role in sorted(found.contributors.items()):
        if person != found.owner:  # whom the controller lets in
            _contributor(objects, person, role, common)


def _plugins(objects: Objects) -> Iterator[dict[str, Any]]:
    """What the controller does with `default-editor`, which is its own account, for identities that are it."""
    notes: dict[str, str] = {}
    for identity in objects.context.platform.file.identities.values():
        if identity.service_account == tenancy.EDITOR:
            notes |= identity.annotations
    for annotation, (kind, field) in _PLUGINS.items():
        if annotation in notes:
            # the role's trust is ops' own: the controller would need rights in the cloud to write it
            only = {"annotateOnly": True} if kind == "AwsIamForServiceAccount" else {}
            yield {"kind": kind, "spec": {field: notes[annotation], **only}}


def _contributor(objects: Objects, person: str, role: str, common: Mapping[str, Any]) -> None:
    """A person's role in the namespace, and the way in through the mesh, under the names that the dashboard knows."""
    name, notes = binding(person, role), {"user": person, "role": role}
    body: dict[str, Any] = {
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": tenancy.ROLES[role]},
        "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": person}],
    }
    objects.add("RoleBinding", name, body, wave=metadata.BASE, annotations=notes, **common)
    if objects.context.platform.has("istio"):
        rule = {
            "from": [{"source": {"principals": list(_CALLERS)}}],
            "when": [{"key": f"request.headers[{_USER}]", "values": [person]}],
        }
        body = {"spec": {"rules": [rule]}}
        objects.add("AuthorizationPolicy", name, body, wave=metadata.BASE, annotations=notes, **common)


def binding(person: str, role: str) -> str:
    """What Kubeflow's access management calls the objects of a contributor."""
    return re.sub(r"[^a-zA-Z0-9]+", "-", f"user-{person}-clusterrole-{role}").lower()
