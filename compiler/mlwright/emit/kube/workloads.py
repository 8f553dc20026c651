"""What stays up, in general: Deployments, the Services in front of them, probes, budgets for disruptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlwright.emit.kube import metadata
from mlwright.emit.kube.objects import Objects
from mlwright.emit.shared import once, shared
from mlwright.ir import Origin
from mlwright.record import dataclass

HTTP = "http"
"""The name of every port that speaks HTTP."""


STEADY = {"internalTrafficPolicy": "Cluster", "sessionAffinity": "None"}
"""What the API server adds to every Service."""
_GRADUAL = shared({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}})


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What the objects of one thing that stays up have in common. `name` is theirs, `component` what its pods are
    called, `suffix` goes before the kinds that patches address where a node became several."""

    name: str
    node: str
    component: str
    origin: Origin
    wave: int = metadata.SERVING
    suffix: str = ""

    @property
    def common(self) -> dict[str, Any]:
        """Arguments of `Objects.add`."""
        return {"node": self.node, "origin": self.origin, "component": self.component, "wave": self.wave}

    def kind(self, kind: str) -> str:
        """What patches call its object of `kind`."""
        return f"{self.suffix}{kind}"


def deployment(
    objects: Objects,
    work: Workload,
    template: Mapping[str, Any],
    *,
    replicas: int | None = 1,
    alone: bool = False,
    progress: int = 600,
) -> None:
    """A Deployment. `replicas` is None where something scales it; `alone`: the old pod ends before a new one starts,
    because both would use the same files; `progress` in seconds."""
    spec: dict[str, Any] = {
        **({} if replicas is None else {"replicas": replicas}),
        "revisionHistoryLimit": 3,
        "progressDeadlineSeconds": progress,
        "strategy": {"type": "Recreate"} if alone else _GRADUAL,
        "selector": {"matchLabels": metadata.selector(objects.project, work.component)},
        "template": dict(template),
    }
    objects.add("Deployment", work.name, {"spec": spec}, as_kind=work.kind("Deployment"), **work.common)


def service(
    objects: Objects,
    work: Workload,
    port: int,
    *,
    name: str = HTTP,
    early: bool = False,
    to: int = 0,
    component: str = "",
) -> None:
    """The Service of the same name. `early` gives addresses of pods that are not ready, too; `to` is the port of the
    pods where it has no name, `component` what they are called where the work is called otherwise."""
    spec: dict[str, Any] = {
        "type": "ClusterIP",
        "selector": metadata.selector(objects.project, component or work.component),
        "ports": _ports(name, port, to or name),
        **STEADY,
        **({"publishNotReadyAddresses": True} if early else {}),
    }
    objects.add("Service", work.name, {"spec": spec}, as_kind=work.kind("Service"), **work.common)


def budget(objects: Objects, work: Workload) -> None:
    """A budget: one pod at a time is evicted."""
    spec = {
        "maxUnavailable": 1,
        "selector": {"matchLabels": metadata.selector(objects.project, work.component)},
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }
    kind = "PodDisruptionBudget"
    objects.add(kind, work.name, {"spec": spec}, as_kind=work.kind(kind), **work.common)


def claim(objects: Objects, work: Workload, size: str, *, mode: str = "", storage_class: str = "") -> str:
    """A volume of the same name, which outlives what uses it; its name. It comes with the pods that use it: a claim
    that waits for its first pod is not healthy, and would hold up later waves."""
    spec: dict[str, Any] = {
        "accessModes": [mode or "ReadWriteOnce"],
        "resources": {"requests": {"storage": size}},
        "volumeMode": "Filesystem",
    }
    if storage_class:
        spec["storageClassName"] = objects.context.platform.storage_class(storage_class)
    kind = "PersistentVolumeClaim"
    return objects.add(
        kind,
        work.name,
        {"spec": spec},
        as_kind=work.kind(kind),
        **work.common,
        annotations=objects.kept,
    )


@once
def _ports(name: str, port: int, to: int | str) -> list[dict[str, Any]]:
    return [{"name": name, "port": port, "protocol": "TCP", "targetPort": to}]


@once
def ports(port: int, name: str = HTTP) -> list[dict[str, Any]]:
    """`ports` of a container that listens on one."""
    return [{"name": name, "containerPort": port, "protocol": "TCP"}]


@once
def probes(path: str, startup: float = 300.0, port: int | str = HTTP) -> dict[str, Any]:
    """Probes of a server that answers 200 on `path`; it has `startup` seconds to come up. Without a path, a port that
    accepts connections has to do."""
    ask: dict[str, Any] = (
        {"httpGet": {"path": path, "port": port, "scheme": "HTTP"}} if path else {"tcpSocket": {"port": port}}
    )
    return {
        "startupProbe": _probe(ask, period=5, failures=max(1, -(-int(startup) // 5))),
        "readinessProbe": _probe(ask, period=10, failures=3),
        "livenessProbe": _probe(ask, period=20, failures=6),
    }


def _probe(ask: Mapping[str, Any], *, period: int, failures: int) -> dict[str, Any]:
    return {**ask, "periodSeconds": period, "timeoutSeconds": 5, "failureThreshold": failures, "successThreshold": 1}
