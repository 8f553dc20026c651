"""Gates: their metric, their bounds, and the champion that they compare with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.passes.occurrences import gate_nodes, registrations
from mlwright.source.suggest import closest
from mlwright.span import Path


def check_gates(project: ir.Project) -> Iterable[Diagnostic]:
    """GATE001-004 for each gate."""
    models = {node.model for node in registrations(project)}
    for node in gate_nodes(project):
        for gate in node.gates:
            path = (*node.origin.path, gate.name)
            if gate.metric not in {metric.name for metric in node.metrics}:
                yield _unknown(node, gate, path)
                continue
            if gate.versus:
                yield from _versus(node, gate, models, path)
            elif gate.tolerance:
                yield Diagnostic(
                    code="GATE004",
                    message="a tolerance belongs to a comparison, and this gate compares with no alias",
                    at=Label(path=(*path, "tolerance")),
                    help="add `versus: champion`, or remove `tolerance`",
                    severity="warning",
                )


def _unknown(node: ir.Gates, gate: ir.Gate, path: Path) -> Diagnostic:
    names = [metric.name for metric in node.metrics]
    near = closest(gate.metric, names)
    listed = f"its metrics: {', '.join(sorted(names))}" if names else f"declare it under `{node.step}.metrics`"
    return Diagnostic(
        code="GATE001",
        message=f"`{node.step}` has no metric `{gate.metric}`",
        at=Label(path=(*path, "metric")),
        related=(Label(path=(*node.origin.path[:-1], "metrics"), on="key", text="its metrics"),),
        help=f"did you mean `{near}`?" if near else listed,
    )


def _versus(node: ir.Gates, gate: ir.Gate, models: set[str], path: Path) -> Iterator[Diagnostic]:
    if gate.goal is None:
        metric = Label(path=(*node.origin.path[:-1], "metrics", gate.metric), on="key", text="has no goal")
        yield Diagnostic(
            code="GATE002",
            message=f"`{gate.metric}` has no goal, so neither model is the better one",
            at=Label(path=(*path, "versus")),
            related=(metric,),
            help=f"write `goal: maximize` or `goal: minimize` under `{node.step}.metrics.{gate.metric}`",
        )
    if node.model not in models:
        yield Diagnostic(
            code="GATE003",
            message=f"there is no `{gate.versus}` to compare with: nothing registers this model",
            at=Label(path=(*path, "versus")),
            help="add a `registry` section for the model, or compare with a number: `min: 0.85`",
        )
