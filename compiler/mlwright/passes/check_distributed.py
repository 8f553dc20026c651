"""Distributed steps: nodes, processes for each node, and the launcher that makes processes of one command."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.passes.occurrences import searches, tasks
from mlwright.regex import lazy
from mlwright.span import Path

_PYTHON = lazy(r"(.*/)?python(3(\.\d+)?)?")
_STARTERS = ("torchrun", "mpirun", "mpiexec", "deepspeed", "accelerate")


def check_distributed(project: ir.Project) -> Iterable[Diagnostic]:
    """STEP006-008, for steps and for trials where those differ from their training."""
    steps = tasks(project)
    known = {task.id: task for task in steps}
    for task in steps:
        yield from _step(task, task.origin.path)
    for search in searches(project):
        training = known.get(search.training)
        if training is not None and _shape(search.trial) != _shape(training):
            yield from _step(search.trial, (*search.origin.path, "trial"))


def _shape(task: ir.Task) -> object:
    return task.distributed, task.container.resources.gpu.count, task.container.argv, task.container.script


def _step(task: ir.Task, path: Path) -> Iterator[Diagnostic]:
    yield from _gpus(task, path)
    if task.distributed.launcher != "none":
        yield from _launcher(task, path)


def _gpus(task: ir.Task, path: Path) -> Iterator[Diagnostic]:
    gpus, processes = task.container.resources.gpu.count, task.distributed.processes_per_node
    related = (Label(path=(*path, "resources", "gpu"), text=f"{gpus} for each node"),)
    at = Label(path=(*path, "distributed", "processes_per_node"))
    if gpus and processes > gpus:
        yield Diagnostic(
            code="STEP006",
            message=f"{processes} processes for each node share {gpus} GPU{'s' * (gpus != 1)}",
            at=at,
            related=related,
            help=f"leave `processes_per_node` out (then it is {gpus}), or ask for {processes} GPUs",
        )
    elif gpus > processes and task.distributed.launcher != "none":
        yield Diagnostic(
            code="STEP006",
            message=f"{gpus - processes} of {gpus} GPUs of each node have no process",
            at=at,
            related=related,
            help=f"leave `processes_per_node` out (then it is {gpus}), or ask for {processes}",
            severity="warning",
        )


def _launcher(task: ir.Task, path: Path) -> Iterator[Diagnostic]:
    launcher, container = task.distributed.launcher, task.container
    related = (Label(path=(*path, "distributed"), on="key", text=f"{launcher} starts the processes"),)
    if container.script:
        yield Diagnostic(
            code="STEP007",
            message=f"`{launcher}` cannot start a shell script on every process",
            at=Label(path=(*path, "command")),
            related=related,
            help="write the command as a list: `[python, train.py]`; or `launcher: none` and start it in the script",
        )
        return
    first = "".join(part for part in container.argv[0] if isinstance(part, str)) if container.argv else ""
    if launcher == "mpirun" and first and first.rpartition("/")[2] not in _STARTERS:
        return
    if _PYTHON.fullmatch(first):
        return
    started = first.rpartition("/")[2] in _STARTERS
    message = f"`{launcher}` turns `python X` into many processes, and this starts with `{first}`"
    if not container.argv:
        message = f"`{launcher}` has to start the program itself, and the image's entry point hides it"
    yield Diagnostic(
        code="STEP008",
        message=message,
        at=Label(path=(*path, "command", 0)),
        related=related,
        help="write `[python, train.py]`" + (" and let the launcher do it" if started else ", or `launcher: none`"),
    )
