"""From the language to the resolved program: lowering, then small passes in a visible order, then checks."""

from __future__ import annotations

from collections.abc import Callable

from mlwright import ir
from mlwright.diag import Bag
from mlwright.passes.conditions import prune_conditions
from mlwright.passes.digest import stamp_digest
from mlwright.passes.graph import link_gates, order_nodes

Pass = Callable[[ir.Project, Bag], ir.Project]

PIPELINE: tuple[Pass, ...] = (
    prune_conditions,  # reads: nodes.when     writes: nodes
    link_gates,  #       reads: nodes          writes: nodes.needs
    order_nodes,  #      reads: nodes.needs    writes: the order of nodes
    stamp_digest,  #     reads: what runs      writes: spec_digest
)
"""Every pass is idempotent and pure; the project's pipelines are selected and serving is bound after them."""
