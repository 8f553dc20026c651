"""Environments on a cluster: what pods cannot have of this machine, or of each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.passes.occurrences import Placed, containers, searches, storage_uses, tasks, texts, unmountable
from mlwright.platform import Profile
from mlwright.platform.kserve import served_as
from mlwright.span import Path

_ONE = ("ReadWriteOnce", "ReadWriteOncePod", "")
_HOSTS = ("mpirun", "deepspeed")


def check_cluster(project: ir.Project, profile: Profile, owners: Mapping[str, str]) -> Iterable[Diagnostic]:
    """KUBE001 a folder of this machine, KUBE002 a mount of what is no volume, KUBE003 a volume of one node that pods on
    several would share, KUBE004 nodes that an Indexed Job cannot start together, KUBE005 an image that no registry has,
    KUBE009 a secret within a text that no launcher completes. `owners` maps node ids to targets. Says nothing where no
    cluster is."""
    if profile.orchestrator == "compose":
        return
    yield from _folders(project)
    yield from _mounts(project)
    yield from _shared(project)
    yield from _distributed(project, profile, owners)
    yield from _images(project)
    yield from _secrets(project, profile, owners)


def _folders(project: ir.Project) -> Iterator[Diagnostic]:
    environment = project.environment.name
    stores = {store.name: store for store in (*project.storage, project.artifacts) if store.type == "directory"}
    for name, path in storage_uses(project, reads=True):
        if (store := stores.pop(name, None)) is not None:
            yield Diagnostic(
                code="KUBE001",
                message=f"the storage `{name}` is a folder of this machine, which pods do not have",
                at=Label(path=(*store.origin.path, "type")),
                related=(Label(path=path, text="used here"),),
                help=f"under environments.{environment}: `storage: {{{name}: {{type: volume, size: 10Gi}}}}`",
            )


def _mounts(project: ir.Project) -> Iterator[Diagnostic]:
    for found in unmountable(project):
        name = found.mount.source
        instead = f"`${{{found.mount.kind}.{name}}}`"
        yield Diagnostic(
            code="KUBE002",
            message=f"a pod cannot mount {found.what}",
            at=Label(path=found.path, text="no volume"),
            related=(Label(path=found.declared, text="an address"),),
            help=f"give the program {instead} in its command, or use storage of `type: volume`",
        )


def _shared(project: ir.Project) -> Iterator[Diagnostic]:
    stores = {storage.name: storage for storage in (project.artifacts, *project.storage)}
    told: set[str] = set()
    for task, path in _parallel(project):
        mounted = {mount.source for mount in task.container.mounts if mount.kind == "storage" and not mount.read_only}
        mounted |= {task.checkpoints.storage} - {""}
        for name in (*sorted(mounted), *([project.artifacts.name] if task.outputs or task.inputs else [])):
            store = stores[name]
            if name in told or store.type != "volume" or store.claim or store.mode not in _ONE:
                continue
            told.add(name)
            yield Diagnostic(
                code="KUBE003",
                message=f"pods on several nodes share the volume `{name}`, which one node can mount at a time",
                at=Label(path=(*store.origin.path, "mode" if store.mode else "type")),
                related=(Label(path=path, text="these pods"),),
                help="write `mode: ReadWriteMany` and a `class` that offers it",
            )


def _parallel(project: ir.Project) -> Iterator[tuple[ir.Task, Path]]:
    """Steps of which several pods run at the same time."""
    for task in tasks(project):
        if task.distributed.nodes_max > 1:
            yield task, (*task.origin.path, "distributed")
        elif task.for_each.keys and task.for_each.max_parallel != 1:
            yield task, (*task.origin.path, "for_each")
    for search in searches(project):
        if search.parallel > 1:
            yield search.trial, (*search.origin.path, "trials", "parallel")


def _distributed(project: ir.Project, profile: Profile, owners: Mapping[str, str]) -> Iterator[Diagnostic]:
    controllers = profile.has("kubeflow.trainer") or profile.has("kubeflow.training_operator")
    instead = "write `owner: kubeflow`" if controllers else "use a platform with Kubeflow's Trainer"
    known = {task.id: task for task in tasks(project)}
    for task in known.values():
        yield from _one_job(project, task, (*task.origin.path, "distributed"), owners, instead)
    for search in searches(project):
        training = known.get(search.training)
        if training is None or training.distributed != search.trial.distributed:
            yield from _one_job(project, search.trial, (*search.origin.path, "trial", "distributed"), owners, instead)


def _one_job(
    project: ir.Project, task: ir.Task, path: Path, owners: Mapping[str, str], instead: str
) -> Iterator[Diagnostic]:
    spread = task.distributed
    if owners.get(task.id) == "kubernetes" and task.spread:
        if spread.launcher in _HOSTS and spread.nodes_max > 1:
            yield Diagnostic(
                code="KUBE004",
                message=f"`{spread.launcher}` needs a list of hosts that it may log into, which an Indexed Job is not",
                at=Label(path=(*path, "launcher")),
                help=f"write `launcher: torchrun`, or `accelerate`; or {instead}",
            )
        if spread.roles:
            names = ", ".join(f"`{name}`" for name, _ in spread.roles)
            yield Diagnostic(
                code="KUBE004",
                message=f"an Indexed Job has one kind of pods, and `{task.id}` has {names} beside its workers",
                at=Label(path=(*path, "roles")),
                help=f"set `roles` to null under environments.{project.environment.name}, or {instead}",
            )


def _images(project: ir.Project) -> Iterator[Diagnostic]:
    told: set[str] = set()
    for placed in containers(project):
        image = placed.container.image
        if image.build_context and "/" not in image.ref and image.ref not in told:
            told.add(image.ref)
            yield Diagnostic(
                code="KUBE005",
                message=f"`{image.ref}` is built on this machine, and a cluster would look for it at Docker Hub",
                at=Label(path=(*placed.path, "image")),
                help=f"under environments.{project.environment.name}: "
                f"`defaults: {{steps: {{image: {{ref: registry.example.com/{image.ref}}}}}}}`",
                severity="warning",
            )


def _secrets(project: ir.Project, profile: Profile, owners: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Kubernetes gives a secret to a variable, whole; only the launcher puts it into other text."""
    for placed in _unlaunched(project, profile, owners):
        for text in texts(placed):
            refs = [
                part.path for part in text.template if isinstance(part, ir.Ref) and part.path.startswith("secrets.")
            ]
            if refs and (len(text.template) > 1 or not text.variable):
                yield Diagnostic(
                    code="KUBE009",
                    message=f"`${{{refs[0]}}}` stands within a text of `{placed.id}`, which no launcher completes",
                    at=Label(path=text.path),
                    help=f'give it whole, as a variable: `env: {{TOKEN: "${{{refs[0]}}}"}}`',
                )


def _unlaunched(project: ir.Project, profile: Profile, owners: Mapping[str, str]) -> Iterator[Placed]:
    """The containers that start as they are."""
    for task in tasks(project):
        if task.contract == "bare":
            yield Placed(id=task.id, path=task.origin.path, container=task.container)
    for service in project.services:
        by_kserve = owners.get(service.id) == "kubeflow"
        launched = served_as(service, profile) == "launched" if by_kserve else service.source.kind != "none"
        if not launched:
            yield Placed(id=service.id, path=service.origin.path, container=service.container)
        for kind, part in service.components:
            yield Placed(id=service.id, path=(*service.origin.path, kind), container=part.container)
    for book in project.notebooks:
        yield Placed(id=book.id, path=book.origin.path, container=book.container)
