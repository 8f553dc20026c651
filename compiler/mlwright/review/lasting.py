"""What the API server never changes in an object that is there: a change of it takes a new object."""

from __future__ import annotations

from mlwright.emit.merge import matches
from mlwright.span import Path

RUN_ONCE = frozenset({"Job", "Workflow", "Experiment", "TrainJob", "PyTorchJob", "TFJob", "MPIJob", "XGBoostJob"})
"""Kinds that do their work once: an object of another name does it again."""

_IMMUTABLE: dict[str, tuple[tuple[str, ...], ...]] = {
    "Job": (("spec", "template"), ("spec", "selector"), ("spec", "completionMode"), ("spec", "completions")),
    "Workflow": (("spec",),),
    "Deployment": (("spec", "selector"),),
    "DaemonSet": (("spec", "selector"),),
    "ReplicaSet": (("spec", "selector"),),
    "Service": (("spec", "clusterIP"), ("spec", "clusterIPs")),
    "Secret": (("type",),),
    "RoleBinding": (("roleRef",),),
    "ClusterRoleBinding": (("roleRef",),),
    "PriorityClass": (("value",),),
    "StorageClass": (("provisioner",), ("parameters",), ("reclaimPolicy",), ("volumeBindingMode",)),
    "PipelineVersion": (("spec",),),
    "volume": (("driver",), ("driver_opts",), ("name",)),
}
"""By kind: paths that cannot change, with all below them. `volume` is Compose's."""

_MUTABLE: dict[str, tuple[tuple[str, ...], ...]] = {
    "StatefulSet": tuple(
        ("spec", field)
        for field in (
            "minReadySeconds",
            "ordinals",
            "persistentVolumeClaimRetentionPolicy",
            "replicas",
            "revisionHistoryLimit",
            "template",
            "updateStrategy",
        )
    ),
    "PersistentVolumeClaim": (("spec", "resources", "requests"), ("spec", "volumeAttributesClassName")),
    "Experiment": (("spec", "parallelTrialCount"), ("spec", "maxTrialCount"), ("spec", "maxFailedTrialCount")),
    "TrainJob": (("spec", "suspend"), ("spec", "managedBy")),
}
"""By kind: the only paths below `spec` that can change."""


def is_immutable(kind: str, path: Path, data: object) -> bool:
    """Whether the value at `path` of an object cannot be changed in place. `data` is the object."""
    if isinstance(data, dict) and data.get("immutable") is True and kind in ("ConfigMap", "Secret"):
        return path[:1] in (("data",), ("binaryData",), ("stringData",))
    if kind in _MUTABLE and path[:1] == ("spec",):
        return not any(_covers(pattern, path) for pattern in _MUTABLE[kind])
    return any(_covers(pattern, path) for pattern in _IMMUTABLE.get(kind, ()))


def _covers(pattern: tuple[str, ...], path: Path) -> bool:
    """Whether `path` is at or below `pattern`."""
    return len(path) >= len(pattern) and matches(pattern, path[: len(pattern)])
