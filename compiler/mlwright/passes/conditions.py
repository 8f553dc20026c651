"""Conditions that are known at compile time: the graph is pruned, and the compiler says so."""

from __future__ import annotations

from mlwright import ir
from mlwright.diag import Bag, Diagnostic, Label
from mlwright.record import replace


def prune_conditions(project: ir.Project, bag: Bag) -> ir.Project:
    """Drop steps whose `when` is false whatever happens at run time, and their consumers; drop conditions that hold.

    Parameters are not known here: a run may be started with others.
    """
    kept: list[ir.Node] = []
    dropped: dict[str, str] = {}
    for node in project.nodes:
        lost = next((need.node for need in node.needs if need.node in dropped and not need.optional), None)
        if lost is not None:
            dropped[node.id] = lost
            bag.add(_note(node, f"left out with `{lost}`, which it needs"))
            continue
        if isinstance(node, ir.Task) and node.when is not None:
            value = fold(node.when)
            if value == ir.Lit(False):
                dropped[node.id] = ""
                bag.add(_note(node, "left out: its `when` is always false in this environment"))
                continue
            node = replace(node, when=None if value == ir.Lit(True) else value)
        if any(need.node in dropped for need in node.needs):
            node = replace(node, needs=tuple(need for need in node.needs if need.node not in dropped))
        kept.append(node)
    return replace(project, nodes=tuple(kept))


def _note(node: ir.Node, why: str) -> Diagnostic:
    return Diagnostic(
        code="STEP090", message=f"`{node.id}` is {why}", at=Label(path=node.origin.path, on="key"), severity="note"
    )


def fold(condition: ir.Condition) -> ir.Condition:
    """The condition with everything that literals decide already decided."""
    if not isinstance(condition, ir.Op):
        return condition
    args = tuple(fold(arg) for arg in condition.args)
    if condition.op in ("and", "or"):
        return _fold_logic(condition.op, args)
    if all(isinstance(arg, ir.Lit) for arg in args):
        return ir.Lit(_decide(condition.op, [arg.value for arg in args if isinstance(arg, ir.Lit)]))
    return ir.Op(condition.op, args)


def _fold_logic(op: str, args: tuple[ir.Condition, ...]) -> ir.Condition:
    decisive = ir.Lit(op == "or")
    if decisive in args:
        return decisive
    rest = tuple(arg for arg in args if not isinstance(arg, ir.Lit))
    if not rest:
        return ir.Lit(op == "and")
    return rest[0] if len(rest) == 1 else ir.Op(op, rest)


def _decide(op: str, values: list[ir.Json]) -> bool:
    if op == "not":
        return not values[0]
    left, right = values
    if op == "in":
        return isinstance(right, list) and left in right
    if op in ("==", "!="):
        return (left == right) == (op == "==")
    order = (str, int, float)
    assert isinstance(left, order) and isinstance(right, order)
    if isinstance(left, str) or isinstance(right, str):
        left, right = str(left), str(right)
    return bool(
        {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[op]  # type: ignore[operator]
    )
