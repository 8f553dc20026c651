"""Pods: an ordinary user without rights, a place to write, and the launcher in front of every program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlwright.emit.kube import metadata
from mlwright.emit.kube.environment import HOME, Value, entries, filled
from mlwright.emit.kube.names import HASH, named
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.placement import placed
from mlwright.emit.kube.quantity import ours, resources
from mlwright.emit.kube.volumes import Volumes
from mlwright.emit.shared import once, shared
from mlwright.ir import Container, Image, Security

FOLDER = "/mlwright"
RUNTIME = f"{FOLDER}/runtime"
STEP = f"{FOLDER}/step.json"
DOCUMENT = "step.json"
"""The key of a ConfigMap that holds a step's document."""
MAIN = "main"
"""The name of the container that runs the user's program."""
USER = 65532
OUTSIDE = {"sidecar.istio.io/inject": "false"}
"""The label of pods that are no part of the mesh."""
_LITTLE = shared({"requests": {"cpu": "100m", "memory": "256Mi"}})
"""`resources` of a container of the user's that asks for none."""
_PULL = {"always": "Always", "never": "Never", "if_not_present": "IfNotPresent"}


def programs(objects: Objects) -> str:
    """The name of the ConfigMap that has all runtime programs; target `kubernetes` writes it."""
    return named(objects.project, "runtime") + HASH


def launched(volumes: Volumes, objects: Objects, program: str, config: str, *, site: bool = False) -> dict[str, Any]:
    """`command` and `args` that start a runtime program on the document in the ConfigMap `config`, which is mounted
    with the programs. Nothing in the words needs quoting anywhere."""
    volumes.config("runtime", programs(objects), RUNTIME)
    if config:
        volumes.config("document", config, STEP, key=DOCUMENT)
    words = [f"{RUNTIME}/{program}", *([STEP] if config else [])]
    return {"command": ["python3"] if site else ["python3", "-S"], "args": words}


def bare(objects: Objects, box: Container) -> dict[str, Any]:
    """`command` and `args` of a container that starts without the launcher."""

    def words(templates: Sequence[Any]) -> list[str]:
        return [str(filled(objects.project, template)).replace("$(", "$$(") for template in templates]

    if box.script:
        return {"command": ["/bin/sh", "-ec"], "args": [box.script.replace("$(", "$$(")]}
    if box.argv:
        first, *rest = words((*box.argv, *box.args))
        return {"command": [first], **({"args": rest} if rest else {})}
    return {"args": found} if (found := words(box.args)) else {}


def image(objects: Objects, image: Image | str) -> dict[str, Any]:
    """`image` and `imagePullPolicy`: by digest where the lock has one."""
    if isinstance(image, str):
        image = Image(ref=image, digest="" if "@" in image else objects.context.digests(image))
    digest = image.digest if "@" not in image.ref else ""
    reference = f"{image.ref}@{digest}" if digest else image.ref
    return {
        "image": objects.context.platform.image(reference),
        "imagePullPolicy": _PULL.get(image.pull_policy, "IfNotPresent"),
    }


def user_container(
    objects: Objects,
    box: Container,
    volumes: Volumes,
    env: Mapping[str, Value],
    start: Mapping[str, Any],
    *,
    name: str = MAIN,
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A container of the user's; `start` are its `command` and `args`, `more` probes, ports and the like."""
    scratch(volumes)
    asked = resources(box.resources, objects.context.platform)
    return {
        "name": name,
        **image(objects, box.image),
        **start,
        "env": entries(env),
        **(more or {}),
        "resources": asked or _LITTLE,
        "securityContext": _container_security(box.security.read_only_root, root=bool(box.security.run_as_root)),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": volumes.mounts(),
    }


def our_container(
    objects: Objects,
    reference: Image | str,
    volumes: Volumes,
    env: Mapping[str, Value],
    start: Mapping[str, Any],
    *,
    name: str = MAIN,
    asked: Mapping[str, Any] | None = None,
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A container that runs one of our own programs: with a read-only root file system."""
    scratch(volumes)
    return {
        "name": name,
        **image(objects, reference),
        **start,
        "env": entries({**env, "HOME": HOME, "USER": "mlwright"}),
        **(more or {}),
        "resources": asked or ours(),
        "securityContext": _container_security(True),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": volumes.mounts(),
    }


def scratch(volumes: Volumes) -> None:
    """What programs may write to: a home that no image knows, and `/tmp`."""
    volumes.empty("home", HOME)
    volumes.empty("tmp", "/tmp")


def template(
    objects: Objects,
    containers: Sequence[dict[str, Any]],
    volumes: Volumes,
    *,
    node: str,
    component: str,
    role: metadata.Role = "step",
    box: Container | None = None,
    init: Sequence[dict[str, Any]] = (),
    account: str = "",
    token: bool = False,
    restart: str = "Never",
    grace: int = 40,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A pod template (`metadata` and `spec`). `role` is what network policies go by. `box` is the user's container in
    it, which says where the pod goes and who it is; `token` gives it its service account's; `more` joins the pod's
    spec."""
    project, platform = objects.project, objects.context.platform
    security = box.security if box else Security()
    once = restart != "Always"
    common = platform.file.pods
    outside = once and platform.has("istio") and not (platform.file.mesh and platform.file.mesh.native_sidecars)
    notes = {
        **common.annotations,
        **dict(box.annotations if box else ()),
        **({metadata.ROOT: security.run_as_root} if security.run_as_root else {}),
        **(annotations or {}),
    }
    identity = platform.identity(box.identity) if box else None
    who = identity.service_account if identity else account
    pull = [{"name": secret} for secret in platform.file.image_pull_secrets]
    return {
        "metadata": {
            "labels": {
                **common.labels,
                **metadata.labels(project, node, component, box),
                metadata.ROLE: role,
                **(OUTSIDE if outside else {}),
                **(labels or {}),
            },
            **({"annotations": notes} if notes else {}),
        },
        "spec": {
            "restartPolicy": restart,
            "serviceAccountName": who or default_account(objects),
            "automountServiceAccountToken": token,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": grace,
            "securityContext": security_context(security),
            **({"imagePullSecrets": pull} if pull else {}),
            **({"runtimeClassName": common.runtime_class} if common.runtime_class else {}),
            **placed(objects, box),
            **(more or {}),
            **({"initContainers": list(init)} if init else {}),
            "containers": list(containers),
            "volumes": volumes.volumes(),
        },
    }


def default_account(objects: Objects) -> str:
    """The ServiceAccount of everything that asks for none: without a token, without rights."""
    return named(objects.project)


@once
def security_context(security: Security) -> dict[str, Any]:
    """The pod's user, who is never root without a reason."""
    seccomp = {"seccompProfile": {"type": "RuntimeDefault"}}
    if security.run_as_root:
        return {"runAsUser": 0, **seccomp}
    user = security.run_as_user
    return {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": user,
        "fsGroup": user,
        "fsGroupChangePolicy": "OnRootMismatch",
        **seccomp,
    }


@once
def _container_security(read_only: bool, *, root: bool = False) -> dict[str, Any]:
    return {
        "allowPrivilegeEscalation": False,
        **({} if root else {"capabilities": {"drop": ["ALL"]}}),
        "readOnlyRootFilesystem": read_only,
    }
