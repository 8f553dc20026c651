"""Templates: pods in Argo's form, and the patch that makes Argo's own containers fit a restricted namespace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlwright.emit import json
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.pod import default_account
from mlwright.ir import Origin
from mlwright.span import Path
from mlwright.target import Part

Template = dict[str, Any]

RETRIES: Template = {
    "limit": "3",
    "retryPolicy": "Always",
    "backoff": {"duration": "30s", "factor": "2", "maxDuration": "30m"},
    "expression": "lastRetry.status == 'Error' || asInt(lastRetry.exitCode) in [-1, 69, 137, 143]",
}
"""For pods that were lost, killed, or without a tracking server; the launcher makes the attempts of `retries`."""

_TOKENS = "/var/run/secrets/kubernetes.io/serviceaccount"
_KEPT = ("serviceAccountName", "securityContext", "nodeSelector", "tolerations", "priorityClassName", "schedulerName")
_ELSEWHERE = (
    *("restartPolicy", "automountServiceAccountToken", "enableServiceLinks", "terminationGracePeriodSeconds"),
    *("imagePullSecrets", "runtimeClassName", "initContainers", "containers", "volumes"),
)


class Templates:
    """The templates of one workflow, by name, with the spec nodes behind them."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self.items: list[Template] = []
        self.parts: list[Part] = []
        self.origins: dict[Path, Origin] = {}

    def free(self, name: str) -> str:
        """`name`, or the next one like it that no node and no template has."""
        found, number = name, 2
        while found in self._taken:
            found, number = f"{name}-{number}", number + 1
        self._taken.add(found)
        return found

    def add(self, template: Template, *, node: str, origin: Origin, kind: str = "") -> str:
        """Keep a template; its name. `kind` is what patches call it."""
        at: Path = ("spec", "templates", len(self.items))
        self.items.append(template)
        self.origins[at] = origin
        if kind:
            self.parts.append(Part(node=node, kind=kind, at=at))
        return str(template["name"])


def container(
    objects: Objects,
    name: str,
    made: Mapping[str, Any],
    *,
    inputs: Mapping[str, Sequence[Template]] | None = None,
    more: Mapping[str, Any] | None = None,
    retry: bool = True,
) -> Template:
    """A pod template as a template of Argo. What Argo has no field for is a patch: the workflow's for what all pods
    have (`common`), the template's own for the rest."""
    spec = made["spec"]
    rest = {key: value for key, value in spec.items() if key not in (*_KEPT, *_ELSEWHERE)}
    kept = {key: spec[key] for key in _KEPT if spec.get(key)}
    if kept.get("serviceAccountName") == default_account(objects):
        del kept["serviceAccountName"]
    if spec["automountServiceAccountToken"]:
        kept["automountServiceAccountToken"] = True
    return {
        "name": name,
        "metadata": made["metadata"],
        **({"inputs": dict(inputs)} if inputs else {}),
        **kept,
        **({"retryStrategy": RETRIES} if retry else {}),
        **(more or {}),
        **({"podSpecPatch": json.canonical(rest)} if rest else {}),
        **({"initContainers": spec["initContainers"]} if "initContainers" in spec else {}),
        "container": spec["containers"][0],
        "volumes": spec["volumes"],
    }


def dag(name: str, tasks: Sequence[Template], *, inputs: Sequence[str] = (), parallel: int = 0) -> Template:
    """A graph of tasks in which a failure stops only what comes after it."""
    return {
        "name": name,
        **({"inputs": {"parameters": [{"name": one} for one in inputs]}} if inputs else {}),
        **({"parallelism": parallel} if parallel else {}),
        "dag": {"failFast": False, "tasks": list(tasks)},
    }


def common(objects: Objects) -> dict[str, Any]:
    """What every pod of a workflow has beside its template: the fields of a workflow's specification.

    `podSpecPatch` is a strategic merge patch of each pod. Argo adds two containers of its own, which are as restricted
    as ours here, and alone get a token, a short-lived one: the user's program has none.
    """
    own = {
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}},
        "volumeMounts": [{"name": "executor-token", "mountPath": _TOKENS, "readOnly": True}],
    }
    fields = {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}, "path": "namespace"}
    token = [
        {"serviceAccountToken": {"expirationSeconds": 3600, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [fields]}},
    ]
    patch: dict[str, Any] = {
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 40,
        "initContainers": [{"name": "init", **own}],
        "containers": [{"name": "wait", **own}],
        "volumes": [{"name": "executor-token", "projected": {"defaultMode": 0o444, "sources": token}}],
    }
    file = objects.context.platform.file
    if file.pods.runtime_class:
        patch["runtimeClassName"] = file.pods.runtime_class
    pull = [{"name": secret} for secret in file.image_pull_secrets]
    return {
        "automountServiceAccountToken": False,
        **({"imagePullSecrets": pull} if pull else {}),
        "podSpecPatch": json.canonical(patch),
    }
