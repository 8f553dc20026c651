"""What a container starts, where only its image knows that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.passes.occurrences import searches, tasks
from mlwright.span import Path


def check_commands(project: ir.Project) -> Iterable[Diagnostic]:
    """LOCK004 for each step, trial and launched endpoint without a command whose image's entry point is not locked."""
    steps = tasks(project)
    trials = [s.trial for s in searches(project) if not any(t.origin.path == s.trial.origin.path for t in steps)]
    for task in (*steps, *trials):
        if task.contract == "launcher":
            yield from _unknown(project, task.id, task.container, task.origin.path)
    for service in project.services:
        if service.source.kind != "none" and service.storage == "proxied" and service.container.args:
            yield from _unknown(project, service.id, service.container, service.origin.path)


def _unknown(project: ir.Project, id: str, box: ir.Container, path: Path) -> Iterator[Diagnostic]:
    if box.argv or box.script or box.image.entrypoint or (box.image.cmd and not box.args):
        return
    ref = box.image.ref
    if box.image.build_context or not ref or project.environment.platform == "local":
        why = "is built here" if box.image.build_context else "is not known" if not ref else "is not used"
        help = f"write `command` in `{id}`: the image {why}, so its entry point cannot be looked up"
    else:
        help = f"run `mlwright lock`, which records what `{ref}` starts, or write `command`"
    yield Diagnostic(
        code="LOCK004",
        message=f"`{id}` has no command, and mlproject.lock does not know its image's",
        at=Label(path=path, on="key"),
        help=help,
    )
