"""Conditions: parsed, their references resolved, both sides of every comparison of one kind."""

from __future__ import annotations

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.passes.lower.context import Context
from mlwright.source import conditions
from mlwright.source.references import RefSpan, under
from mlwright.span import Path

KINDS = frozenset({"params", "step_output", "metric", "each", "run", "event"})
_NUMBERS = frozenset({"int", "float"})
_ORDERED = frozenset({"<", "<=", ">", ">="})
_UNORDERED = frozenset({"bool", "list", "null"})


def condition(context: Context, text: str, path: Path) -> ir.Condition | None:
    """The condition of `when`, None after reporting what is wrong with it."""
    parsed, found = conditions.parse(text)
    context.bag.extend(under(found, path))
    if parsed is None:
        return None
    before = len(context.bag)
    kind = _kind(context, parsed, path)
    if kind not in ("bool", "any", ""):
        context.bag.add(_untrue(f"this is of type {kind}, not a condition", parsed, path, "compare it with something"))
    if len(context.bag) > before:
        return None
    made: ir.Condition = conditions.fold(parsed, ir.Lit, ir.Ref, ir.Op)
    return made


def _kind(context: Context, node: conditions.Condition, path: Path) -> str:
    """The type of an operand (`list` for lists), "any" where it is not known, "" after a report."""
    match node:
        case conditions.Ref():
            ref = RefSpan(path=node.path, start=node.start, end=node.end)
            kind = context.typed(ref, path, KINDS)
            if kind in ("dataset", "model", "mlflow-model", "file", "directory"):
                context.bag.add(
                    _untrue(f"`{node.path}` is a {kind}, not a value", node, path, "only values can be compared")
                )
                return ""
            return "any" if kind == "json" or node.path.startswith("event.") else kind
        case conditions.Lit():
            return _literal_kind(node.value)
        case conditions.Op():
            return _operation(context, node, path)


def _literal_kind(value: ir.Json) -> str:
    match value:
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float"
        case str():
            return "string"
        case list():
            return "list"
        case _:
            return "null"


def _operation(context: Context, node: conditions.Op, path: Path) -> str:
    kinds = [_kind(context, arg, path) for arg in node.args]
    if "" in kinds:
        return ""
    if node.op in ("and", "or", "not"):
        for arg, kind in zip(node.args, kinds, strict=True):
            if kind not in ("bool", "any"):
                context.bag.add(
                    _untrue(
                        f"`{node.op}` needs conditions, and this is of type {kind}",
                        arg,
                        path,
                        "compare it with something",
                    )
                )
        return "bool"
    left, right = kinds
    if node.op == "in":
        if right not in ("list", "any"):
            context.bag.add(_untrue("`in` needs a list on its right", node.args[1], path, "write `x in ['a', 'b']`"))
        return "bool"
    if "any" not in (left, right) and left != right and not {left, right} <= _NUMBERS:
        context.bag.add(
            _untrue(
                f"type {left} is compared with type {right}: they are never equal", node, path, _same_kind(left, right)
            )
        )
    elif node.op in _ORDERED and (disorderly := sorted({left, right} & _UNORDERED)):
        context.bag.add(_untrue(f"values of type {disorderly[0]} have no order", node, path, "use `==` or `!=`"))
    return "bool"


def _same_kind(left: str, right: str) -> str:
    if "string" in (left, right):
        return "put quotes around text only: `== 'large'`, but `> 100` and `== true`"
    return "write both sides as the same type"


def _untrue(message: str, node: conditions.Condition, path: Path, help: str) -> Diagnostic:
    return Diagnostic(code="REF016", message=message, at=Label(path=path, chars=(node.start, node.end)), help=help)
