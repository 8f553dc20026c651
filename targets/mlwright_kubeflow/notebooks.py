"""Notebooks as Kubeflow's own: who may use them is asked by the dashboard's gateway, so they have no log-in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mlwright.emit.kube import environment, metadata, notebooks, pod, tenancy
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.volumes import Volumes, claim
from mlwright.ir import Container, Image, Notebook
from mlwright_kubeflow import defaults

IMAGE = "ghcr.io/kubeflow/kubeflow/notebook-servers/jupyter-scipy:v1.10.0"
"""What a notebook without an image is: it serves below NB_PREFIX and asks for no token, as the controller expects."""
_USER, _GROUP = 1000, 100
"""The user of Kubeflow's images, whose init system writes to folders of theirs; the group owns volumes."""
_LONGEST = 52
"""Of the name of a StatefulSet whose pods' labels have a digest after it."""


def emit_notebook(objects: Objects, notebook: Notebook) -> None:
    """One notebook: a Workspace where version 2 of Notebooks is."""
    name = objects.name(notebook.name, limit=_LONGEST)
    if objects.context.platform.at_least("kubeflow.notebooks", "2.0"):
        _workspace(objects, notebook, name)
    else:
        _notebook(objects, notebook, name)


def _notebook(objects: Objects, notebook: Notebook, name: str) -> None:
    box = notebook.container
    if not box.image.ref:
        box = replace(box, image=Image(ref=IMAGE))
    volumes = Volumes(objects, notebook.id, notebook.origin)
    for position, (target, disk) in enumerate(notebooks.disks(objects, notebook, name).items()):
        volumes.mount(f"disk-{position}", {"persistentVolumeClaim": {"claimName": disk}}, target)
    volumes.service(box)
    home = notebooks.home(notebook) or environment.HOME
    # MLflow's variables are the PodDefault's, too: with them here, it does not matter which object comes first
    env = {
        **environment.tracking(objects.project),
        **environment.identity(),
        "HOME": home,
        **notebooks.own(objects, notebook),
    }
    more = {"workingDir": home, "ports": [{"name": "notebook-port", "containerPort": notebook.port, "protocol": "TCP"}]}
    container = pod.user_container(objects, box, volumes, env, pod.bare(objects, box), name=name, more=more)
    template = pod.template(
        objects,
        [container],
        volumes,
        node=notebook.id,
        component=notebook.name,
        role="notebook",
        box=box,
        account=_account(objects),
        restart="Always",
        more={"securityContext": _security(box)},
    )
    objects.add(
        "Notebook",
        name,
        {"spec": {"template": {"spec": template["spec"]}}},
        node=notebook.id,
        origin=notebook.origin,
        component=notebook.name,
        wave=metadata.SERVING,
        labels=_labels(objects, notebook, template["metadata"]["labels"]),  # the controller copies them to the pod
        annotations=template["metadata"].get("annotations"),
    )


def _labels(objects: Objects, notebook: Notebook, pods: dict[str, str]) -> dict[str, str]:
    """The pod's labels; that of MLflow's PodDefault unless the notebook says something else: pods would be refused."""
    theirs = environment.tracking(objects.project)
    same = not {name for name, _ in notebook.container.env} & set(theirs)
    return {
        **pods,
        **{key: value for key, value in defaults.labels(objects).items() if same or key == defaults.PIPELINES},
    }


def _account(objects: Objects) -> str:
    """The account that Kubeflow gives to notebooks, where a Profile made it: Pipelines knows its rights."""
    return tenancy.EDITOR if tenancy.tenants(objects.context.platform) else ""


def _security(box: Container) -> dict[str, Any]:
    found = pod.security_context(box.security)
    if box.security.run_as_root:
        return found
    theirs = {"runAsUser": _USER, "runAsGroup": _GROUP} if box.security.run_as_user == pod.USER else {}
    return {**found, **theirs, "fsGroup": _GROUP}


def _workspace(objects: Objects, notebook: Notebook, name: str) -> None:
    """A Workspace: image, size and user are its kind's; variables, secrets and files reach its pod by a PodDefault."""
    box, settings = notebook.container, objects.context.platform.file.workspaces
    assert settings is not None  # a check has asked for it
    disks, home = notebooks.disks(objects, notebook, name), notebooks.home(notebook)
    data = [
        {"pvcName": disk, "mountPath": target, "readOnly": False} for target, disk in disks.items() if target != home
    ]
    stores = {storage.name: storage for storage in (*objects.project.storage, objects.project.artifacts)}
    data += [
        {
            "pvcName": claim(objects.project, stores[mount.source]),
            "mountPath": mount.target,
            "readOnly": mount.read_only,
        }
        for mount in box.mounts
        if mount.kind == "storage"
    ]
    volumes = Volumes(objects, notebook.id, notebook.origin)
    volumes.service(replace(box, mounts=tuple(one for one in box.mounts if one.kind not in ("storage", "disk"))))
    given = {
        "env": environment.entries(notebooks.own(objects, notebook)),
        "volumes": volumes.volumes(),
        "volumeMounts": volumes.mounts(),
    }
    if any(given.values()):
        defaults.of_notebook(objects, notebook, {key: value for key, value in given.items() if value})
    template = pod.template(
        objects, [], volumes, node=notebook.id, component=notebook.name, role="notebook", box=box, restart="Always"
    )
    objects.add(
        "Workspace",
        name,
        {
            "spec": {
                "paused": False,
                "displayName": notebook.name,
                "kind": settings.kind,
                "podTemplate": {
                    "podMetadata": {
                        "labels": _labels(objects, notebook, template["metadata"]["labels"]),
                        **({"annotations": notes} if (notes := template["metadata"].get("annotations")) else {}),
                    },
                    "volumes": {**({"home": disks[home]} if home else {}), **({"data": data} if data else {})},
                    "options": {
                        "imageConfig": settings.image,
                        "podConfig": settings.placements.get(box.placement, settings.pod),
                    },
                },
            }
        },
        node=notebook.id,
        origin=notebook.origin,
        component=notebook.name,
        wave=metadata.SERVING,
    )
