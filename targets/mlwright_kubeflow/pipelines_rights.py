"""Who the pods of pipelines are, and what they may do: what the engine's own containers do in them, and make objects
where a step is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mlwright.emit.kube import jobs, kfp, metadata, operated, plan
from mlwright.emit.kube.objects import Objects
from mlwright.ir import Origin, Pipeline, Search, Task
from mlwright_kubeflow import pipelines_pods as pods

Rule = dict[str, Any]
_API = "rbac.authorization.k8s.io"
_EXECUTOR: tuple[Rule, ...] = (
    {"apiGroups": [""], "resources": ["configmaps", "secrets"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch", "patch"]},
    {"apiGroups": ["argoproj.io"], "resources": ["workflowtaskresults"], "verbs": ["create", "patch"]},
    {"apiGroups": ["argoproj.io"], "resources": ["workflows"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": ["pipelines.kubeflow.org"], "resources": ["runs"], "verbs": ["get", "list", "reportMetrics"]},
)
"""What the engine's driver and launcher do: find their settings and the object store, tell how a task ended."""
_SUBMIT: tuple[Rule, ...] = (
    {
        "apiGroups": ["pipelines.kubeflow.org"],
        "resources": ["pipelines", "pipelines/versions", "experiments", "runs"],
        "verbs": ["get", "list", "create"],
    },
    {
        "apiGroups": ["pipelines.kubeflow.org"],
        "resources": ["jobs"],
        "verbs": ["get", "list", "create", "delete", "enable", "disable"],
    },
)
"""What the submit Job asks of the API, which looks it up here; recurring runs are called jobs there."""


def emit_rights(objects: Objects, pipelines: Sequence[Pipeline]) -> None:
    """The accounts, their roles, and who has them."""
    found = [*operated.made(objects, pipelines), *_jobs(objects, pipelines)]
    own = plan.rules(found, "operate") if found else []
    _account(objects, kfp.account(objects), [*_EXECUTOR, *own], token=True)
    _account(objects, objects.name(kfp.SUBMIT), _SUBMIT, token=False)
    if _by_workers(objects, pipelines):
        _account(objects, objects.name(operated.OPERATOR), own, token=False)


def _by_workers(objects: Objects, pipelines: Sequence[Pipeline]) -> bool:
    """Whether workers of a search, which are pods of our own, make the objects of their trials."""
    wanted = {id for pipeline in pipelines for id in pipeline.nodes}
    searches = [node for node in objects.project.nodes if isinstance(node, Search) and node.id in wanted]
    by_katib = objects.context.platform.has("kubeflow.katib")
    return not by_katib and any(operated.operated(objects.context, search.trial) for search in searches)


def _jobs(objects: Objects, pipelines: Sequence[Pipeline]) -> list[dict[str, Any]]:
    """The Jobs of steps that the engine's pods cannot be."""
    wanted = {id for pipeline in pipelines for id in pipeline.nodes}
    tasks = [node for node in objects.project.nodes if isinstance(node, Task) and node.id in wanted]
    return [
        manifest
        for task in tasks
        if pods.outside(objects, task) and not operated.operated(objects.context, task)
        for manifest in jobs.step_manifests(objects, replace(pipelines[0], params=()), task)
    ]


def _account(objects: Objects, name: str, rules: Sequence[Rule], *, token: bool) -> None:
    """`token`: the engine makes pods that say nothing of it, and its own containers in them need one."""
    origin = Origin(path=("pipelines",), kind="derived", by=objects.target)
    common: dict[str, Any] = {"node": "graph", "origin": origin, "wave": metadata.BASE, "component": "pipeline"}
    objects.add("ServiceAccount", name, {"automountServiceAccountToken": token}, **common)
    objects.add("Role", name, {"rules": list(rules)}, **common)
    body = {
        "roleRef": {"apiGroup": _API, "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": objects.namespace}],
    }
    objects.add("RoleBinding", name, body, **common)
