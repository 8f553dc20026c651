"""The graph of one environment for the page, which lays it out and draws it."""

from __future__ import annotations

from mlwright import ir
from mlwright.ir import Json
from mlwright.review.graph import compared, of


def graph(project: ir.Project, before: ir.Project | None, with_base: bool) -> dict[str, Json]:
    """Boxes and arrows in a stable order; `state` says what differs from `before` where there is a base at all."""
    made = of(project)
    if before is not None:
        made = compared(of(before), made)
    new = "added" if with_base and before is None else ""
    boxes: list[Json] = [
        {
            "id": one.id,
            "label": one.title,
            "kind": one.kind,
            "details": list(one.details),
            "needs": [edge.start for edge in made.edges if edge.end == one.id and not edge.soft],
            "state": one.status or new or "same",
        }
        for one in made.vertices
    ]
    return {"nodes": boxes}
