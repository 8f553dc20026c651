"""Numbers of trials, early stopping, and what the final training takes over from them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.passes.occurrences import all_references, registrations, searches


def check_search(project: ir.Project) -> Iterable[Diagnostic]:
    """TUNE030-033 for each tuning."""
    for search in searches(project):
        yield from _counts(search)
        yield from _grid(search)
        yield from _stopping(search)
        if not search.retrain:
            yield from _outputs(project, search)


def _counts(search: ir.Search) -> Iterator[Diagnostic]:
    path = (*search.origin.path, "trials")
    for name, value, text in (
        ("parallel", search.parallel, "trials at once"),
        ("max_failed", search.max_failed, "failed trials"),
    ):
        if value > search.max_trials:
            yield Diagnostic(
                code="TUNE030",
                message=f"`{name}` allows {value} {text}, and there are only {search.max_trials} trials",
                at=Label(path=(*path, name)),
                related=(Label(path=(*path, "max"), text="trials in all"),),
                help=f"write `{name}: {search.max_trials}` at most, or raise `max`",
            )


def _grid(search: ir.Search) -> Iterator[Diagnostic]:
    points = [_points(dimension) for dimension in search.space]
    if search.algorithm != "grid" or not all(points):
        return
    if (size := math.prod(points)) < search.max_trials:
        yield Diagnostic(
            code="TUNE031",
            message=f"the grid has {size} points, fewer than the {search.max_trials} trials asked for",
            at=Label(path=(*search.origin.path, "trials", "max")),
            related=(Label(path=(*search.origin.path, "space"), on="key", text=f"{size} combinations"),),
            help=f"write `max: {size}`, or make the steps smaller",
            severity="warning",
        )


def _points(dimension: ir.Dimension) -> int:
    """How many values there are; 0 when they cannot be counted."""
    if dimension.values:
        return len(dimension.values)
    step = dimension.step or (1 if dimension.type == "int" else 0)
    # A small allowance, because 0.3 / 0.1 is 2.9999...
    return math.floor((dimension.max - dimension.min) / step + 1e-9) + 1 if step > 0 else 0


def _stopping(search: ir.Search) -> Iterator[Diagnostic]:
    objective = next((metric for metric in search.trial.metrics if metric.name == search.objective), None)
    if not search.early_stopping or objective is None or objective.pattern:
        return
    source = search.trial.metrics_from
    if source.type != "stdout" and not (source.type == "file" and source.format == "text"):
        return
    yield Diagnostic(
        code="TUNE032",
        message=f"early stopping sees no values of `{objective.name}` while a trial runs: it has no pattern",
        at=Label(path=(*search.origin.path, "early_stopping"), on="key"),
        related=(Label(path=(*search.trial.origin.path, "metrics", objective.name), on="key", text="no pattern"),),
        help="print the metric each epoch, and add `pattern` and `sample` to it",
        severity="warning",
    )


def _outputs(project: ir.Project, search: ir.Search) -> Iterator[Diagnostic]:
    have = {output.name for output in search.trial.outputs}
    prefix = f"{search.training}.outputs."
    wanted = {path.removeprefix(prefix) for path in all_references(project) if path.startswith(prefix)}
    wanted |= {node.output for node in registrations(project) if node.step == search.training}
    for training in project.nodes:
        if isinstance(training, ir.Task) and training.id == search.training:
            wanted |= {output.name for output in training.outputs}
    for name in sorted(wanted - have):
        yield Diagnostic(
            code="TUNE033",
            message=f"without a final training the best trial's outputs are used, and trials have no `{name}`",
            at=Label(path=(*search.origin.path, "retrain"), text="no final training"),
            related=(Label(path=(*search.trial.origin.path, "outputs"), on="key", text="the training's outputs"),),
            help=f"let trials write `{name}` too, or remove `retrain: false`",
        )
