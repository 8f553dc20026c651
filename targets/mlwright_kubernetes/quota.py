"""What ops say of the namespace: who works in it and how much it may use."""

from __future__ import annotations

from typing import Any

from mlwright.emit.kube import metadata, quantity
from mlwright.emit.kube.objects import Objects

NODE = "namespace"


def emit_quota(objects: Objects) -> None:
    """A ResourceQuota, and a RoleBinding for each role that people have. They are the namespace's, not a project's: a
    namespace that several projects share has them once for each project, all the same."""
    found = objects.context.platform.namespace(objects.namespace)
    if found is None:
        return
    common = _common(objects)
    if found.quota:
        hard = quantity.amounts(found.quota.hard)
        objects.add("ResourceQuota", objects.name(), {"spec": {"hard": hard}}, **common)
    for role in ("view", "edit", "admin"):
        people = sorted(user for user, given in found.contributors.items() if given == role)
        if role == "admin" and found.owner and found.owner not in people:
            people = [found.owner, *people]
        if people:
            body = {
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                "subjects": [
                    {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": person} for person in people
                ],
            }
            objects.add("RoleBinding", objects.name(role), body, as_kind=f"{role.capitalize()}RoleBinding", **common)


def emit_limits(objects: Objects) -> None:
    """A LimitRange: also where the rest of what ops say of the namespace is another target's."""
    found = objects.context.platform.namespace(objects.namespace)
    if found and found.limits:
        limits = found.limits
        default = {**limits.max, **limits.default}  # as the API server completes them
        parts = {
            "default": default,
            "defaultRequest": {**limits.min, **default, **limits.default_request},
            "min": limits.min,
            "max": limits.max,
        }
        entry = {"type": "Container", **{key: quantity.amounts(value) for key, value in parts.items() if value}}
        objects.add("LimitRange", objects.name(), {"spec": {"limits": [entry]}}, **_common(objects))


def _common(objects: Objects) -> dict[str, Any]:
    return {"node": NODE, "origin": objects.project.environment.origin, "wave": metadata.BASE}
