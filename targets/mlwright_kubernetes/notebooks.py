"""Notebooks: one pod each, reached by a forwarded port only, with a token that is a secret."""

from __future__ import annotations

from dataclasses import replace

from mlwright.emit import tools
from mlwright.emit.kube import environment, notebooks, pod, workloads
from mlwright.emit.kube.environment import Value
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.volumes import Volumes
from mlwright.emit.kube.workloads import Workload
from mlwright.ir import Image, Notebook
from mlwright_kubernetes import secrets


def emit_notebook(objects: Objects, notebook: Notebook) -> None:
    """All objects of one notebook server."""
    box = notebook.container
    if not box.image.ref:
        box = replace(box, image=Image(ref=tools.NOTEBOOK))
    work = Workload(name=objects.name(notebook.name), node=notebook.id, component=notebook.name, origin=notebook.origin)
    volumes = Volumes(objects, notebook.id, notebook.origin)
    for position, (target, claim) in enumerate(notebooks.disks(objects, notebook, work.name).items()):
        volumes.mount(f"disk-{position}", {"persistentVolumeClaim": {"claimName": claim}}, target)
    volumes.service(box)
    more = {"ports": workloads.ports(notebook.port), **workloads.probes("")}
    container = pod.user_container(
        objects, box, volumes, _environment(objects, notebook), pod.bare(objects, box), more=more
    )
    template = pod.template(
        objects,
        [container],
        volumes,
        node=notebook.id,
        component=work.component,
        role="notebook",
        box=box,
        restart="Always",
    )
    workloads.deployment(objects, work, template, alone=True)
    workloads.service(objects, work, notebook.port)


def _environment(objects: Objects, notebook: Notebook) -> dict[str, Value]:
    """How the tracking server is reached, the token, and a home that lasts where there is a disk for one."""
    home = notebooks.home(notebook)
    return {
        **environment.tracking(objects.project),
        **environment.identity(),
        **({"HOME": home} if home else {}),
        "JUPYTER_TOKEN": secrets.own_value(objects, environment.NOTEBOOK_KEYS, "token"),
        **notebooks.own(objects, notebook),
    }
