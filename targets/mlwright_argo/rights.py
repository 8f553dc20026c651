"""Who the pods of workflows are, and what they may do: report their results, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlwright.emit.kube import metadata, operated
from mlwright.emit.kube.objects import Objects
from mlwright.ir import Origin, Pipeline, Search, Task

WORKFLOW = "workflow"
Rule = dict[str, Any]
_RESULTS: Rule = {"apiGroups": ["argoproj.io"], "resources": ["workflowtaskresults"], "verbs": ["create", "patch"]}
_API = "rbac.authorization.k8s.io"


def account_name(objects: Objects) -> str:
    """The ServiceAccount of a workflow's pods."""
    return objects.name(WORKFLOW)


def emit_rights(objects: Objects, pipelines: tuple[Pipeline, ...]) -> None:
    """The accounts, the roles, and who has them: identities of steps, too, whose pods report results like others."""
    name, origin = account_name(objects), Origin(path=("pipelines",), kind="derived", by=objects.target)
    _account(objects, name, origin)
    accounts = [name, *sorted(_identities(objects, pipelines))]
    if rules := operated.rules(objects, pipelines):
        own = objects.name(operated.OPERATOR)
        _account(objects, own, origin)
        _role(objects, own, rules, [own], origin)
        accounts.append(own)
    _role(objects, name, [_RESULTS], accounts, origin)


def _identities(objects: Objects, pipelines: tuple[Pipeline, ...]) -> set[str]:
    used = {id for pipeline in pipelines for id in pipeline.nodes}
    found: set[str] = set()
    for node in objects.project.nodes:
        inner = node.trial if isinstance(node, Search) else node
        if node.id in used and isinstance(inner, Task) and inner.container.identity:
            identity = objects.context.platform.identity(inner.container.identity)
            found |= {identity.service_account} if identity else set()
    return found


def _account(objects: Objects, name: str, origin: Origin) -> None:
    objects.add(
        "ServiceAccount",
        name,
        {"automountServiceAccountToken": False},
        node="graph",
        origin=origin,
        wave=metadata.BASE,
        component=WORKFLOW,
    )


def _role(objects: Objects, name: str, rules: Sequence[Rule], accounts: Sequence[str], origin: Origin) -> None:
    common: dict[str, Any] = {"node": "graph", "origin": origin, "wave": metadata.BASE, "component": WORKFLOW}
    objects.add("Role", name, {"rules": list(rules)}, **common)
    body = {
        "roleRef": {"apiGroup": _API, "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": one, "namespace": objects.namespace} for one in accounts],
    }
    objects.add("RoleBinding", name, body, **common)
