"""What an operator means by a value that it gives to a trial, and what a search found by it."""

from __future__ import annotations

from values import BAD_INPUT, StepError, canonical, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

    Doc = Dict[str, Any]


def point(dimension: Doc, text: str, what: str) -> str:
    """The canonical text of the parameter's value. A listed text or JSON value comes by its place in the list; a number
    may lie beside the points of the space, as Katib's samplers round and overshoot: then it is the nearest of them."""
    kind, values = str(dimension["type"]), dimension.get("values")
    if kind not in ("int", "float"):
        if not values or kind == "bool":
            return canonical(parse(text, kind, what), kind)
        if not text.isdigit() or int(text) >= len(values):
            raise StepError(BAD_INPUT, "%s must be an index below %d, not %r" % (what, len(values), text))
        return canonical(values[int(text)], kind)
    if values and text in [canonical(value, kind) for value in values]:
        return text
    number = float(parse(text, "float", what))
    if values:
        return canonical(min(values, key=lambda value: abs(value - number)), kind)
    return canonical(_nearest(dimension, number), kind)


def _nearest(dimension: Doc, number: float) -> Any:
    from decimal import Decimal

    low, high = dimension["min"], dimension["max"]
    number = min(max(number, low), high)
    step = dimension.get("step") or (1 if dimension["type"] == "int" else 0)
    if not step:
        return number
    # In decimals, because 0.1 + 2 * 0.1 is 0.30000000000000004.
    first, width = Decimal(repr(low)), Decimal(repr(step))
    count = int((Decimal(repr(high)) - first) / width)
    exact = first + min(max(round((Decimal(repr(number)) - first) / width), 0), count) * width
    return int(exact) if dimension["type"] == "int" else float(exact)
