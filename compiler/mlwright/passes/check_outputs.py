"""Outputs that the step's own command never gets to write, and outputs that nobody reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.passes.occurrences import all_references, mentions, registrations, tasks, variable


def check_outputs(project: ir.Project) -> Iterable[Diagnostic]:
    """STEP002: never written. STEP003 (warning): never read by a step, a registration or an endpoint."""
    read = all_references(project) | frozenset(_taken(project))
    for task in tasks(project):
        for output in task.outputs:
            own = f"outputs.{output.name}"
            # The image's own program is not known here: it may well read the environment variable.
            unknown = not task.container.argv and not task.container.script
            if not unknown and not mentions(task.container, own, variable("OUTPUT", output.name)):
                yield _unwritten(task, output)
            elif f"{task.id}.{own}" not in read:
                yield _unread(task, output)


def _taken(project: ir.Project) -> Iterator[str]:
    for node in registrations(project):
        yield f"{node.step}.outputs.{node.output}"
    for service in project.services:
        for source in (service.source, *(variant.source for variant in service.variants)):
            if source.kind == "output":
                yield f"{source.step}.outputs.{source.output}"


def _unwritten(task: ir.Task, output: ir.Output) -> Diagnostic:
    return Diagnostic(
        code="STEP002",
        message=f"`{task.id}` never writes its output `{output.name}`",
        at=Label(path=(*task.origin.path, "outputs", output.name), on="key", text="declared here"),
        related=(Label(path=(*task.origin.path, "command"), on="key", text="no word of this says where to write it"),),
        help=f"pass the path to the program: `${{outputs.{output.name}}}` in `command`, `args` or `env`",
    )


def _unread(task: ir.Task, output: ir.Output) -> Diagnostic:
    return Diagnostic(
        code="STEP003",
        message=f"nothing reads the output `{output.name}` of `{task.id}`",
        at=Label(path=(*task.origin.path, "outputs", output.name), on="key", text="stored, never used"),
        help=f"use `${{{task.id}.outputs.{output.name}}}` somewhere, or remove the output",
        severity="warning",
    )
