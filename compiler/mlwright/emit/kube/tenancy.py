"""Namespaces that Kubeflow's Profiles made: what is in each of them, and who may call what there."""

from __future__ import annotations

from mlwright.platform import Profile

EDITOR = "default-editor"
ACCOUNTS = (EDITOR, "default-viewer")
"""ServiceAccounts of every such namespace."""
ROLES = {"view": "kubeflow-view", "edit": "kubeflow-edit", "admin": "kubeflow-admin"}
"""Roles that people have -> Kubeflow's ClusterRoles for them."""


def tenants(platform: Profile) -> bool:
    """Whether namespaces are Profiles here."""
    return platform.orchestrator in ("argo", "kubeflow-pipelines") and platform.has("kubeflow.profiles")
