"""Objects that the specification and the platform say someone else makes."""

from __future__ import annotations

from collections.abc import Iterator

from mlwright.emit.kube.environment import NOTEBOOK_KEYS, SERVER_KEYS, secret_object
from mlwright.emit.kube.names import named
from mlwright.emit.kube.tenancy import ACCOUNTS, ROLES, tenants
from mlwright.ir import Project
from mlwright.platform import Profile

_EVERYWHERE = tuple(("ClusterRole", name) for name in ("view", "edit", "admin"))
"""What every cluster has."""


def declared(project: Project, profile: Profile) -> frozenset[tuple[str, str]]:
    """(kind, name) of each: secrets, existing claims, and what the platform file names."""
    theirs = _of_profiles() if tenants(profile) else ()
    return frozenset((*_of_project(project), *_of_platform(profile), *theirs, *_EVERYWHERE))


def _of_project(project: Project) -> Iterator[tuple[str, str]]:
    for secret in project.secrets:
        yield "Secret", secret_object(project, secret.name)
    for name in (SERVER_KEYS, NOTEBOOK_KEYS):
        yield "Secret", named(project, name, limit=253)
    for claim in (*(storage.claim for storage in project.storage), project.tracking.artifacts.claim):
        yield "PersistentVolumeClaim", claim


def _of_profiles() -> Iterator[tuple[str, str]]:
    """What Kubeflow makes in the namespace of every Profile, and the roles of people there."""
    for name in ACCOUNTS:
        yield "ServiceAccount", name
    for name in ROLES.values():
        yield "ClusterRole", name


def _of_platform(profile: Profile) -> Iterator[tuple[str, str]]:
    file = profile.written
    if file is None:
        return
    for identity in file.identities.values():
        yield "ServiceAccount", identity.service_account
    for placement in file.placements.values():
        yield "LocalQueue", placement.queue or ""
        yield "PriorityClass", placement.priority_class or ""
    for runtime in file.runtimes.values():
        yield runtime.kind, runtime.name
    for name in file.image_pull_secrets:
        yield "Secret", name
    if file.auth_proxy is not None:
        yield "Secret", file.auth_proxy.secret
