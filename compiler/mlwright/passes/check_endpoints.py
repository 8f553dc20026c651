"""References that have no value: in endpoints and notebooks, which outlive the run, and where no launcher runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.passes.occurrences import Placed, tasks, texts
from mlwright.span import Path

_KNOWN = ("params", "data", "secrets", "storage", "metadata", "environment")


def check_endpoints(project: ir.Project) -> Iterable[Diagnostic]:
    """SERVE008 a reference that has no value in an endpoint's or a notebook's command, arguments or variables; STEP009
    the same in a step that starts without the launcher."""
    remote = {source.name for source in project.data if not source.local and source.access == "download"}
    for service in project.services:
        placed = Placed(id=service.id, path=service.origin.path, container=service.container)
        models = {name for source in _sources(service) if (name := _reference(source))}
        yield from _unknown(placed, models, remote if service.source.kind == "none" else set())
        for kind, part in service.components:
            path = (*service.origin.path, kind)
            yield from _unknown(Placed(id=service.id, path=path, container=part.container), set(), remote)
    for book in project.notebooks:
        placed = Placed(id=book.id, path=book.origin.path, container=book.container)
        yield from _unknown(placed, set(), remote)
    for task in tasks(project):
        if task.contract == "bare":
            yield from _bare(Placed(id=task.id, path=task.origin.path, container=task.container), remote)


def _sources(service: ir.Service) -> tuple[ir.ModelSource, ...]:
    return (service.source, *(variant.source for variant in service.variants))


def _reference(source: ir.ModelSource) -> str:
    """The reference that names a served model; it stands for the folder into which the model is fetched."""
    if source.kind == "registry":
        return f"registry.{source.model}@{source.alias}"
    return f"{source.step}.outputs.{source.output}" if source.kind == "output" else ""


def _unknown(placed: Placed, models: set[str], remote: set[str]) -> Iterator[Diagnostic]:
    for path, reference in _references(placed):
        if why := _why(reference, models, remote):
            message = f"`${{{reference}}}` has no value in `{placed.id}`"
            yield Diagnostic(code="SERVE008", message=message, at=Label(path=path, text=why[0]), help=why[1])


def _bare(placed: Placed, remote: set[str]) -> Iterator[Diagnostic]:
    for path, reference in _references(placed):
        if _why(reference, set(), remote):
            yield Diagnostic(
                code="STEP009",
                message=f"`${{{reference}}}` has no value in `{placed.id}`",
                at=Label(path=path, text="the launcher would give it"),
                related=(Label(path=(*placed.path, "contract"), text="starts without the launcher"),),
                help="remove `contract: bare`, or the reference",
            )


def _references(placed: Placed) -> Iterator[tuple[Path, str]]:
    """Where a container refers to what; each reference once at each place."""
    told: set[tuple[Path, str]] = set()
    for text in texts(placed):
        # A script's references arrive as variables of lowering's own.
        path = (*placed.path, "command") if text.variable.startswith("MLWRIGHT_") else text.path
        for part in text.template:
            if isinstance(part, ir.Ref) and (path, part.path) not in told:
                told.add((path, part.path))
                yield path, part.path


def _why(path: str, models: set[str], remote: set[str]) -> tuple[str, str] | None:
    """What is wrong with a reference, and what to do; None when it has a value."""
    head, _, rest = path.partition(".")
    if head == "data" and rest in remote:
        return "nothing downloads it here", f"write `${{{path}.uri}}`, the address"
    if head in _KNOWN or path in models:
        return None
    if head == "registry" or ".outputs." in path:
        served = ", ".join(f"`${{{name}}}`" for name in sorted(models))
        return (
            "not the model that is served here",
            f"only {served} is fetched" if served else "an endpoint's `model` is what is fetched for it",
        )
    if ".metrics." in path:
        return "a value of one run", "let a step write it into an output that belongs to the model"
    if head == "run":
        return "an endpoint outlives the run", "leave it out: MLWRIGHT_RUN is set where a run's own model is served"
    return "only a step of a run knows it", "use a parameter, or remove it"
