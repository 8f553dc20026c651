"""Labels, annotations and the order in which objects are applied."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Literal

from mlwright.emit.kube.names import stem
from mlwright.emit.shared import once, shared
from mlwright.ir import Container, Project

NODE = "mlwright.dev/node"
ENVIRONMENT = "mlwright.dev/environment"
OWNERS = "mlwright.dev/owners"
ROOT = "mlwright.dev/run-as-root"
SYNC_WAVE = "argocd.argoproj.io/sync-wave"
KEPT = {"argocd.argoproj.io/sync-options": "Prune=false"}
"""Argo CD does not delete such an object when it is no longer in git."""
OUTLIVES = {**KEPT, "argocd.argoproj.io/compare-options": "IgnoreExtraneous"}
"""The same, and Argo CD does not call it a difference: runs go on with what they began with."""
MANAGED = shared({"app.kubernetes.io/managed-by": "mlwright"})
"""The label of every object."""
ROLE = "app.kubernetes.io/component"

Role = Literal["step", "control", "search", "tracking", "store", "endpoint", "gateway", "notebook", "proxy", "smoke"]
"""What a pod is to the network, which lets it reach and be reached accordingly: `control` starts pods by the Kubernetes
API (conductor, operator), `tracking` is the server and its own jobs, `store` a database or object store beside it."""

NAMESPACE, BASE, TRACKING, TEMPLATES, SERVING, RUNS = -30, -20, -10, 0, 10, 20
"""Waves: an object is applied after all objects of a lower wave are healthy."""


def selector(project: Project, name: str) -> dict[str, str]:
    """The labels that pods of the component `name` are found by; they never change."""
    return _selector(name, instance(project))


@once
def _selector(name: str, instance: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": label(name), "app.kubernetes.io/instance": label(instance)}


def instance(project: Project) -> str:
    """One project in one environment."""
    return f"{stem(project)}-{project.environment.name}"


def labels(project: Project, node: str, name: str, container: Container | None = None) -> dict[str, str]:
    """The project's labels, the container's, the recommended ones and ours; `node` is the spec node behind the
    object, `name` the component."""
    given = (*project.labels, *(container.labels if container else ()))
    return _labels(given, name, instance(project), project.name, project.environment.name, node)


@once
def _labels(
    given: tuple[tuple[str, str], ...], name: str, instance: str, project: str, environment: str, node: str
) -> dict[str, str]:
    return {
        **dict(given),
        **_selector(name, instance),
        "app.kubernetes.io/part-of": label(project),
        **MANAGED,
        ENVIRONMENT: label(environment),
        NODE: label(node),
    }


@lru_cache(maxsize=4096)
def label(text: str) -> str:
    """`text` as the value of a label: at most 63 of its characters, and none that a label cannot have."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", text)[:63].strip("-._")


def contacts(project: Project) -> dict[str, str]:
    """Whom to ask about an object."""
    return {OWNERS: ", ".join(project.owners)} if project.owners else {}


def merged(*values: dict[str, Any]) -> dict[str, Any]:
    """All mappings in one, later ones first in rank, without what is empty."""
    return {key: value for one in values for key, value in one.items() if value not in (None, {}, [], "")}
