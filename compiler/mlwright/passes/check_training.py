"""Training jobs of Kubeflow's controllers: frameworks, their roles and launchers, and what a release cannot do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.passes.occurrences import searches, tasks
from mlwright.platform import Profile
from mlwright.source.suggest import closest
from mlwright.span import Path

_ROLES: Mapping[str, tuple[str, ...]] = {"tensorflow": ("ps", "chief", "evaluator"), "paddle": ("ps",)}
_TORCH = ("", "pytorch", "deepspeed")
_KNOWN = (*_TORCH[1:], "jax", "xgboost", "lightgbm", *_ROLES, "mpi")
_RETIRED = "mxnet"


def check_training(project: ir.Project, profile: Profile, owners: Mapping[str, str]) -> Iterable[Diagnostic]:
    """TRAIN001-009, for steps and for trials where those differ from their training. All but TRAIN001 and TRAIN008
    concern what `owners` gives to target `kubeflow`."""
    known = {task.id: task for task in tasks(project)}
    for task in known.values():
        yield from _retired(task, task.origin.path, profile)
        yield from _cached(project, task, profile, owners)
        if owners.get(task.id) == "kubeflow":
            yield from _job(task, task.origin.path, profile)
            yield from _initialized(project, task, profile)
    for search in searches(project):
        training = known.get(search.training)
        if training is None or _shape(training) == _shape(search.trial):
            continue
        if owners.get(search.trial.id) == "kubeflow":
            yield from _job(search.trial, (*search.origin.path, "trial"), profile)


def _shape(task: ir.Task) -> object:
    return task.framework, task.distributed, task.container.placement


def _retired(task: ir.Task, path: Path, profile: Profile) -> Iterator[Diagnostic]:
    if task.framework == _RETIRED and _RETIRED not in profile.names("runtimes"):
        yield Diagnostic(
            code="TRAIN001",
            message="MXNet is retired: no release of Kubeflow that is maintained runs its jobs",
            at=Label(path=(*path, "framework"), text="archived upstream"),
            help="move to `pytorch` or `jax`; or leave `framework` out and start the program by `launcher: mpirun`",
        )


def _cached(project: ir.Project, task: ir.Task, profile: Profile, owners: Mapping[str, str]) -> Iterator[Diagnostic]:
    runtime = profile.file.runtimes.get(task.framework) if owners.get(task.id) == "kubeflow" else None
    starts = runtime is not None and "dataset" in runtime.initializers and profile.has("kubeflow.trainer")
    for source in project.data:
        if (
            source.name in task.data
            and source.source.startswith("cache://")
            and not (starts and source.access == "uri")
        ):
            yield Diagnostic(
                code="TRAIN008",
                message=f"nothing starts the cache of `data.{source.name}` for `{task.id}`"
                if not starts
                else f"`data.{source.name}` is served by a cache, which is no file to download",
                at=Label(path=(*source.origin.path, "access" if starts and source.access == "mount" else "source")),
                help="write `access: uri`: the program asks the cache"
                if starts
                else "give the step a `framework` whose runtime has `initializers: [dataset]` in the platform file",
            )


def _initialized(project: ir.Project, task: ir.Task, profile: Profile) -> Iterator[Diagnostic]:
    """A runtime fetches one dataset and one model: of two models one is likely a dataset."""
    runtime = profile.file.runtimes.get(task.framework) if profile.has("kubeflow.trainer") else None
    models = [
        source
        for source in project.data
        if source.name in task.data and source.access == "download" and source.source.startswith("hf://")
    ]
    models = [source for source in models if not source.source.startswith("hf://datasets/")]
    if runtime is None or "model" not in runtime.initializers or len(models) < 2:
        return
    first, *others = models
    yield Diagnostic(
        code="TRAIN009",
        message=f"the platform's runtime for `{task.framework}` fetches one model, and `{task.id}` reads {len(models)}",
        at=Label(path=(*first.origin.path, "source")),
        related=tuple(Label(path=(*one.origin.path, "source"), text="another one") for one in others),
        help=f"write `hf://datasets/{first.source[5:]}` for what is a dataset; of two models the launcher fetches both",
        severity="warning",
    )


def _job(task: ir.Task, path: Path, profile: Profile) -> Iterator[Diagnostic]:
    theirs = profile.has("kubeflow.trainer") and task.framework in profile.names("runtimes")
    if not theirs and task.framework not in ("", _RETIRED, *_KNOWN):
        yield _unknown(task, path, profile)
        return
    yield from _roles(task, path, theirs)
    yield from _launcher(task, path)
    yield from _elastic(task, path, profile)
    if theirs:
        yield from _placement(task, path, profile)
    if not profile.has("kubeflow.trainer"):
        yield from _admission(task, path, profile)


def _unknown(task: ir.Task, path: Path, profile: Profile) -> Diagnostic:
    names = sorted(profile.names("runtimes"))
    meant = closest(task.framework, [*_KNOWN, *names])
    listed = f", or a runtime of the platform: {', '.join(names)}" if names else ""
    return Diagnostic(
        code="TRAIN005",
        message=f"nothing on this platform runs `{task.framework}` on several nodes",
        at=Label(path=(*path, "framework")),
        help=f"write `{meant}`" if meant else f"write one of {', '.join(_KNOWN)}{listed}",
    )


def _roles(task: ir.Task, path: Path, theirs: bool) -> Iterator[Diagnostic]:
    known = () if theirs else _ROLES.get(task.framework, ())
    for name, count in task.distributed.roles:
        at = (*path, "distributed", "roles", name)
        if name not in known:
            owner = f"the platform's runtime for `{task.framework}`" if theirs else f"`{task.framework or 'a step'}`"
            has = f"has {', '.join(f'`{one}`' for one in known)} beside its workers" if known else "has workers alone"
            yield Diagnostic(
                code="TRAIN002",
                message=f"{owner} has no role `{name}`",
                at=Label(path=at, on="key", text=f"it {has}"),
                help="set it to null here, and count its nodes in `nodes`" if not known else f"write {has[4:]}",
            )
        elif name == "chief" and count > 1:
            yield Diagnostic(
                code="TRAIN002",
                message=f"{count} nodes are `chief`, and one leads",
                at=Label(path=(*at, "nodes")),
                help="write `nodes: 1`",
            )


def _launcher(task: ir.Task, path: Path) -> Iterator[Diagnostic]:
    launcher = task.distributed.launcher
    if launcher in ("torchrun", "accelerate", "deepspeed") and task.framework in (*_KNOWN[2:], _RETIRED):
        yield Diagnostic(
            code="TRAIN003",
            message=f"`{launcher}` starts processes for PyTorch, and the framework is `{task.framework}`",
            at=Label(path=(*path, "distributed", "launcher")),
            related=(Label(path=(*path, "framework"), text="its processes find each other in another way"),),
            help="leave `launcher` out, or write `mpirun`",
        )


def _elastic(task: ir.Task, path: Path, profile: Profile) -> Iterator[Diagnostic]:
    spread = task.distributed
    if spread.nodes_min == spread.nodes_max:
        return
    if profile.has("kubeflow.trainer"):
        why = "Trainer 2 has jobs of a fixed number of nodes"
    elif spread.launcher == "torchrun" or (spread.launcher == "none" and task.framework in ("", "pytorch", "paddle")):
        return
    else:
        why = "the training operator lets only PyTorch's and Paddle's own launchers change the number of nodes"
    yield Diagnostic(
        code="TRAIN004",
        message=f"{why}: this one starts with {spread.nodes_max}, or not at all",
        at=Label(path=(*path, "distributed", "nodes")),
        help=f"write `nodes: {spread.nodes_max}`"
        + ("; platforms with `training_operator` can do this" if profile.has("kubeflow.trainer") else ""),
        severity="warning",
    )


def _placement(task: ir.Task, path: Path, profile: Profile) -> Iterator[Diagnostic]:
    place = profile.placement(task.container.placement)
    asked = {
        "gang": place.gang in ("volcano", "coscheduling"),
        "scheduler": bool(place.scheduler),
        "priority_class": bool(place.priority_class),
    }
    if lost := [f"`{name}`" for name, wanted in asked.items() if wanted]:
        yield Diagnostic(
            code="TRAIN007",
            message=f"the platform's runtime for `{task.framework}` decides its own {', '.join(lost)}",
            at=Label(path=(*path, "placement")),
            help="ask ops for a runtime that has them, or leave `framework` out",
            severity="warning",
        )


def _admission(task: ir.Task, path: Path, profile: Profile) -> Iterator[Diagnostic]:
    spread = task.distributed
    if profile.file.pod_security != "restricted" or spread.nodes_max == 1 or spread.nodes_min < spread.nodes_max:
        return
    by_mpi = spread.launcher in ("mpirun", "deepspeed")
    if by_mpi or spread.launcher in ("torchrun", "accelerate") or task.framework in ("", "pytorch"):
        kind = "the launcher of an MPIJob" if by_mpi else "the workers of a PyTorchJob"
        yield Diagnostic(
            code="TRAIN006",
            message=f"the training operator adds a container to {kind} that restricted namespaces do not admit",
            at=Label(path=(*path, "distributed")),
            help="have ops write `pod_security: baseline`"
            + ("" if by_mpi else ", or a template for that container; elastic jobs have none")
            + "; or use Trainer 2",
            severity="warning",
        )
