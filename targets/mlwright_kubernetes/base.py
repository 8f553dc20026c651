"""What everything else in the namespace rests on: the account of plain pods, volumes, the runtime programs."""

from __future__ import annotations

from typing import Any

from mlwright.emit.kube import metadata
from mlwright.emit.kube.names import stem
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.operated import operated
from mlwright.emit.kube.pod import default_account
from mlwright.emit.kube.quantity import size
from mlwright.emit.kube.tenancy import ACCOUNTS, tenants
from mlwright.emit.kube.volumes import claim
from mlwright.emit.places import referred
from mlwright.emit.programs import closure
from mlwright.ir import Container, Gates, Origin, Project, Registration, Search, Storage, Task

NODE = "cluster"
"""The node that stands for what the whole environment shares."""
_GIB = 1024**3
_COLLECTED = {"katib.kubeflow.org/metrics-collector-injection": "enabled"}
"""Without this label of the namespace Katib adds nothing to a trial's pods, and no trial has metrics."""


def emit_base(objects: Objects) -> None:
    """The objects that others refer to."""
    project = objects.project
    origin = project.environment.origin
    _namespace(objects, origin)
    account(objects, default_account(objects), origin)
    for name in sorted(_identities(objects.project)):
        identity = objects.context.platform.identity(name)
        theirs = tenants(objects.context.platform) and identity and identity.service_account in ACCOUNTS
        if identity and identity.annotations and not theirs:
            account(objects, identity.service_account, origin, annotations=identity.annotations)
    for storage in {item.name: item for item in (*project.storage, project.artifacts)}.values():
        if storage.type == "volume" and not storage.claim:
            _volume(objects, storage)
    texts = closure(_programs(objects), objects.context.runtime)
    objects.config(
        f"{stem(objects.project)}-runtime",
        dict(sorted(texts.items())),
        node=NODE,
        origin=Origin(path=("metadata", "name"), kind="derived", by="kubernetes"),
        component="runtime",
    )


def _programs(objects: Objects) -> set[str]:
    """The programs that pods of this environment start."""
    project, context = objects.project, objects.context
    conducted = context.owners.get("graph") == objects.target
    found = {"step.py", "root.py"}
    for node in project.nodes:
        match node:
            case Search():
                elsewhere = operated(context, node)
                found |= set() if elsewhere else {"search.py"}
                found |= {"operate.py"} if elsewhere or operated(context, node.trial) else set()
            case Gates():
                found.add("gate.py")
            case Registration():
                found.add("register.py")
            case Task():
                found |= {"operate.py"} if not conducted and operated(context, node) else set()
    if conducted:
        found.add("conduct.py")
    if project.nodes and context.owners.get("graph") == "kubeflow":
        found |= {"submit.py", "operate.py"}
    if any(service.source.kind != "none" for service in project.services):
        found.add("serve.py")
    return found | ({"users.py"} if project.tracking.auth.admin else set())


def account(
    objects: Objects, name: str, origin: Origin, *, node: str = NODE, annotations: dict[str, str] | None = None
) -> str:
    """A ServiceAccount whose pods get a token only where they ask for one; its name."""
    return objects.add(
        "ServiceAccount",
        name,
        {"automountServiceAccountToken": False},
        node=node,
        origin=origin,
        wave=metadata.BASE,
        annotations=annotations,
    )


def _namespace(objects: Objects, origin: Origin) -> None:
    platform = objects.context.platform
    found = platform.namespace(objects.namespace)
    if objects.context.owners.get("namespace") != objects.target:
        return
    if not objects.project.environment.namespace_create and not (found and found.create):
        return
    level = platform.file.pod_security
    levels = {f"pod-security.kubernetes.io/{mode}": level for mode in ("enforce", "warn", "audit")}
    objects.add(
        "Namespace",
        objects.namespace,
        {},
        node="namespace",
        origin=origin,
        wave=metadata.NAMESPACE,
        labels={**(found.labels if found else {}), **levels, **(_COLLECTED if by_katib(objects) else {})},
    )


def by_katib(objects: Objects) -> bool:
    """Whether Katib makes a search of the project."""
    searches = [node.id for node in objects.project.nodes if isinstance(node, Search)]
    owners = objects.context.owners
    return objects.context.platform.has("kubeflow.katib") and any(owners.get(id) == "kubeflow" for id in searches)


def _identities(project: Project) -> set[str]:
    """The names of the identities that the project's pods have."""
    trials = [node.trial for node in project.nodes if isinstance(node, Search)]
    tasks = [node for node in project.nodes if isinstance(node, Task)]
    boxes = [task.container for task in (*tasks, *trials)]
    boxes += _serving(project)
    boxes += [notebook.container for notebook in project.notebooks]
    return {box.identity for box in boxes} - {""}


def _serving(project: Project) -> list[Container]:
    """The containers of endpoints, and of what is beside them."""
    parts = [part.container for service in project.services for _, part in service.components]
    return [*(service.container for service in project.services), *parts]


def _volume(objects: Objects, storage: Storage) -> None:
    spec: dict[str, Any] = {
        "accessModes": [storage.mode or "ReadWriteOnce"],
        "resources": {"requests": {"storage": size(storage.size or 10 * _GIB)}},
        "volumeMode": "Filesystem",
    }
    if storage.storage_class:
        spec["storageClassName"] = objects.context.platform.storage_class(storage.storage_class)
    objects.add(
        "PersistentVolumeClaim",
        claim(objects.project, storage),
        {"spec": spec},
        node=f"storage.{storage.name}",
        origin=storage.origin,
        wave=_wave(objects.project, storage),
        annotations=objects.kept,
    )


def _wave(project: Project, storage: Storage) -> int:
    """With the pods that use it: a claim that waits for its first pod is not healthy, and would hold up later waves.
    Last of all where only runs do."""
    boxes = _serving(project)
    boxes += [notebook.container for notebook in project.notebooks]
    used = {mount.source for box in boxes for mount in box.mounts if mount.kind == "storage"}
    used |= {name for box in boxes for name in referred(box, "storage")}
    return metadata.SERVING if storage.name in used else metadata.RUNS
