"""Steps that no pipeline runs."""

from __future__ import annotations

from collections.abc import Iterable

from mlwright import ir
from mlwright.diag import Diagnostic, Label


def check_reach(project: ir.Project) -> Iterable[Diagnostic]:
    """STEP001: a node that no pipeline has. What only follows from another unreached node is left out."""
    run = {node for pipeline in project.pipelines for node in pipeline.nodes}
    if not run:
        return
    pipelines = tuple(Label(path=(*p.origin.path, "run"), text="does not need it") for p in project.pipelines)
    for node in project.nodes:
        if node.id in run or _follows(node, run):
            continue
        yield Diagnostic(
            code="STEP001",
            message=f"`{node.id}` is in no pipeline, so it never runs",
            at=Label(path=node.origin.path, on="key", text="never runs"),
            related=pipelines[:3],
            help=f"add `{node.id}` to a pipeline's `run`, or remove it here",
        )


def _follows(node: ir.Node, run: set[str]) -> bool:
    if isinstance(node, ir.Gates):
        return node.step not in run
    return isinstance(node, ir.Search) and node.retrain and node.training not in run
