"""What notebooks have everywhere: volumes that stay, and the variables of a notebook's programs."""

from __future__ import annotations

from mlwright.emit.kube import environment, quantity
from mlwright.emit.kube.environment import Value
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.workloads import Workload, claim
from mlwright.ir import Notebook

_GIB = 1024**3


def disks(objects: Objects, notebook: Notebook, name: str) -> dict[str, str]:
    """Where the notebook's disks are mounted -> their claims, which come with it and outlive it."""
    asked = [mount for mount in notebook.container.mounts if mount.kind == "disk"]
    found: dict[str, str] = {}
    for position, mount in enumerate(asked):
        work = Workload(
            name=f"{name}-disk-{position}" if len(asked) > 1 else name,
            node=notebook.id,
            component=notebook.name,
            origin=notebook.origin,
        )
        found[mount.target] = claim(objects, work, quantity.size(mount.size or 10 * _GIB))
    return found


def home(notebook: Notebook) -> str:
    """The disk that people's files are on; "" where none is for them."""
    targets = [mount.target for mount in notebook.container.mounts if mount.kind == "disk"]
    return next((target for target in targets if target.startswith("/home")), "")


def own(objects: Objects, notebook: Notebook) -> dict[str, Value]:
    """The secrets and variables that the notebook asks for."""
    box = notebook.container
    return {
        **environment.exported(objects.project, box.secrets),
        **{name: environment.filled(objects.project, value) for name, value in box.env},
    }
