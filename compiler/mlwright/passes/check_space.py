"""The searched parameters: that they exist, that their values are theirs, and that their ranges are ranges."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.passes.occurrences import mentions, searches, variable
from mlwright.span import Path

_TYPES: dict[ir.ValueType, tuple[type, ...]] = {
    "string": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "json": (object,),
}


def check_space(project: ir.Project) -> Iterable[Diagnostic]:
    """TUNE020-027 for each searched parameter. One that is not declared is lowering's finding."""
    params = {param.name: param for param in project.params}
    for search in searches(project):
        for dimension in search.space:
            path = (*search.origin.path, "space", dimension.param)
            param = params.get(dimension.param)
            if param is None:
                continue
            if param.name in dict(search.trial.values):
                yield _fixed(search, param, path)
            elif not mentions(search.trial.container, f"params.{param.name}", variable("PARAM", param.name)):
                yield _unused(search, dimension, path)
            yield from _values(dimension, param, path) if dimension.values else _range(dimension, param, path)


def _fixed(search: ir.Search, param: ir.Param, path: Path) -> Diagnostic:
    return Diagnostic(
        code="TUNE027",
        message=f"`{param.name}` is searched, and has one value for every trial",
        at=Label(path=path, on="key", text="searched here"),
        related=(Label(path=(*search.origin.path, "trial", "params", param.name), text="fixed here"),),
        help="remove one of the two",
    )


def _unused(search: ir.Search, dimension: ir.Dimension, path: Path) -> Diagnostic:
    name = dimension.param
    return Diagnostic(
        code="TUNE020",
        message=f"`{name}` is searched, but no trial's command sees it: every trial would be the same",
        at=Label(path=path, on="key", text="searched here"),
        related=(Label(path=(*search.trial.origin.path, "command"), on="key", text=f"has no ${{params.{name}}}"),),
        help=f"add an argument to the training's `command`: `--{name.replace('_', '-')}=${{params.{name}}}`",
    )


def _values(dimension: ir.Dimension, param: ir.Param, path: Path) -> Iterator[Diagnostic]:
    seen: dict[str, int] = {}
    for position, value in enumerate(dimension.values):
        place = (*path, "values", position)
        text = _canonical(value, param.type)
        if not _has_type(value, param.type):
            yield _mistyped(param, text, place)
        elif outside := _outside(value, param):
            yield _beyond(param, text, outside, place)
        if (first := seen.setdefault(text, position)) != position:
            yield Diagnostic(
                code="TUNE024",
                message=f"{text} is listed twice",
                at=Label(path=place),
                related=(Label(path=(*path, "values", first), text="first here"),),
                help="remove one of them",
            )


def _range(dimension: ir.Dimension, param: ir.Param, path: Path) -> Iterator[Diagnostic]:
    if param.type not in ("int", "float"):
        yield Diagnostic(
            code="TUNE021",
            message=f"`{param.name}` is of type {param.type}, which has no range",
            at=Label(path=path, on="key"),
            related=(Label(path=param.origin.path, on="key", text="declared here"),),
            help="list what to try: `values: [...]`",
        )
        return
    bell = dimension.distribution in ("normal", "log_normal")
    for name, bound in (("min", dimension.min), ("max", dimension.max), ("step", dimension.step)):
        if param.type == "int" and not float(bound).is_integer():
            yield _mistyped(param, f"{bound:g}", (*path, name))
        elif name != "step" and (outside := _outside(bound, param)):
            yield _beyond(param, f"{bound:g}", outside, (*path, name))
    if dimension.min >= dimension.max:
        return  # the schema's finding
    yield from _step(dimension, path)
    if dimension.distribution.startswith("log") and dimension.min <= 0:
        yield Diagnostic(
            code="TUNE025",
            message=f"`{dimension.distribution}` needs a `min` above 0, this is {dimension.min:g}",
            at=Label(path=(*path, "min")),
            related=(Label(path=(*path, "distribution"), text="a logarithm"),),
            help="write a small positive number, or `distribution: uniform`",
        )
    elif bell:
        yield from _bell(dimension, path)


def _step(dimension: ir.Dimension, path: Path) -> Iterator[Diagnostic]:
    width = dimension.max - dimension.min
    if 0 <= dimension.step <= width:
        return
    why = "is below 0" if dimension.step < 0 else f"is more than the range, {width:g}"
    yield Diagnostic(
        code="TUNE023",
        message=f"the step {dimension.step:g} {why}",
        at=Label(path=(*path, "step")),
        help="write a step that divides the range, or leave it out",
    )


def _bell(dimension: ir.Dimension, path: Path) -> Iterator[Diagnostic]:
    low, high = dimension.min, dimension.max
    if dimension.distribution == "log_normal":
        low, high = math.log(low), math.log(high)
    if dimension.sigma > 0 and not low <= dimension.mean <= high:
        message = f"the mean {dimension.mean:g} is not between {low:g} and {high:g}"
        help_ = "leave `mean` and `sigma` out: then the range is the mean plus and minus three sigma"
        if dimension.distribution == "log_normal":
            help_ = "`mean` and `sigma` are of the logarithm; " + help_
    elif dimension.sigma < 0 or (dimension.mean and not dimension.sigma):
        message, help_ = "a normal distribution has a mean and a sigma above 0", "write both, or neither"
    else:
        return
    place = "mean" if dimension.sigma > 0 else "sigma"
    yield Diagnostic(code="TUNE026", message=message, at=Label(path=(*path, place)), help=help_)


def _canonical(value: ir.Json, type_: ir.ValueType) -> str:
    """The same text for the same value: as a float, 1 and 1.0 are one."""
    if type_ == "float" and isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
        value = float(value)
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _has_type(value: ir.Json, type_: ir.ValueType) -> bool:
    if isinstance(value, bool):
        return type_ in ("bool", "json")
    return isinstance(value, _TYPES[type_])


def _outside(value: ir.Json, param: ir.Param) -> str:
    if param.choices and value not in param.choices:
        return "choices"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if param.min is not None and value < param.min:
            return "min"
        if param.max is not None and value > param.max:
            return "max"
    return ""


def _mistyped(param: ir.Param, text: str, place: Path) -> Diagnostic:
    return Diagnostic(
        code="TUNE021",
        message=f"{text} is not a value of `{param.name}`, which is of type {param.type}",
        at=Label(path=place),
        related=(Label(path=param.origin.path, on="key", text=f"type {param.type}"),),
        help=f"write a value of type {param.type}, or change the parameter's type",
    )


def _beyond(param: ir.Param, text: str, bound: str, place: Path) -> Diagnostic:
    return Diagnostic(
        code="TUNE022",
        message=f"{text} is outside what `{param.name}` may be",
        at=Label(path=place),
        related=(Label(path=(*param.origin.path, bound), text="the parameter's own bound"),),
        help="search inside the parameter's bounds, or widen them",
    )
