"""Hyperband's schedule: that its resource can be had, that Katib takes it, and that it comes to its end."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.passes.occurrences import searches
from mlwright.source.suggest import closest
from mlwright.span import Path

_HERE = ("local", "compose")


def check_hyperband(project: ir.Project) -> Iterable[Diagnostic]:
    """TUNE015, TUNE016, TUNE022 and TUNE034 for each search by hyperband whose settings are right by themselves."""
    for search in searches(project):
        if search.algorithm != "hyperband":
            continue
        settings = {key.lower(): value for key, value in search.settings}
        resource = settings.get("resource_name")
        dimension = next((dimension for dimension in search.space if dimension.param == resource), None)
        if isinstance(resource, str) and resource:
            yield from _resource(search, resource, dimension)
        if search.early_stopping:
            yield _stopped(search)
        if (numbers := _numbers(settings)) is None:
            continue
        most, eta = numbers
        if project.environment.platform not in _HERE:
            yield from _parallel(search, most, eta)
        if dimension is not None and dimension.type == "int":
            yield from _amounts(search, dimension, most, eta)
        yield from _total(search, most, eta)


def schedule(most: float, eta: int) -> Iterator[tuple[int, int]]:
    """Size and resource of every rung, as `runtime/hyperband.py` has them."""
    last = int(math.log(most) / math.log(eta))
    for bracket in range(last, -1, -1):
        size = drawn = math.ceil((last + 1) * (eta**bracket / (bracket + 1)))
        least = int(most * eta**-bracket)
        for rung in range(bracket + 1):
            yield size, int(least * eta**rung)
            size = math.ceil(math.ceil(drawn * eta**-rung) / eta)


def _numbers(settings: dict[str, ir.Json]) -> tuple[float, int] | None:
    try:
        most, eta = float(str(settings.get("r_l"))), float(str(settings.get("eta", 3)))
    except ValueError:
        return None
    return (most, int(eta)) if 1 < most <= 2**53 and eta >= 2 and eta == int(eta) else None


def _resource(search: ir.Search, resource: str, dimension: ir.Dimension | None) -> Iterator[Diagnostic]:
    space = (*search.origin.path, "space")
    at = Label(path=(*_algorithm(search), "settings", "resource_name"))
    others = [item.param for item in search.space if item.param != resource]
    if dimension is None:
        near = closest(resource, others)
        yield Diagnostic(
            code="TUNE015",
            message=f"hyperband's resource `{resource}` is not in the space",
            at=at,
            related=(Label(path=space, on="key", text="searched parameters"),),
            help=f"did you mean `{near}`?" if near else f"add `{resource}: {{min: 1, max: ...}}` to `space`",
        )
        return
    if dimension.type != "int":
        yield Diagnostic(
            code="TUNE015",
            message=f"hyperband's resource is a whole number, and `{resource}` is of type {dimension.type}",
            at=at,
            related=(Label(path=(*space, resource), on="key", text=f"of type {dimension.type}"),),
            help="name an int that says how much a trial may use, for example of epochs",
        )
    if not others:
        yield Diagnostic(
            code="TUNE015",
            message=f"hyperband sets its resource `{resource}` itself, and there is nothing else to search",
            at=Label(path=space, on="key"),
            related=(at,),
            help="add the parameters that are to be found",
        )


def _stopped(search: ir.Search) -> Diagnostic:
    return Diagnostic(
        code="TUNE016",
        message=f"hyperband cannot rank trials that `{search.early_stopping}` stops",
        at=Label(path=(*search.origin.path, "early_stopping"), on="key"),
        related=(Label(path=_algorithm(search), text="gives little to bad trials itself"),),
        help="remove `early_stopping`",
    )


def _parallel(search: ir.Search, most: float, eta: int) -> Iterator[Diagnostic]:
    # What Katib's own check computes: the first bracket must be able to run at once.
    needed = eta ** int(math.log(most) / math.log(eta))
    if search.parallel < needed:
        yield Diagnostic(
            code="TUNE016",
            message=f"hyperband's first bracket is {needed} trials at once, and `parallel` is {search.parallel}",
            at=Label(path=(*search.origin.path, "trials", "parallel")),
            related=(
                Label(path=(*_algorithm(search), "settings", "r_l"), text=f"with eta {eta}, this makes {needed}"),
            ),
            help=f"write `parallel: {needed}`, or make `r_l` smaller",
        )


def _amounts(search: ir.Search, dimension: ir.Dimension, most: float, eta: int) -> Iterator[Diagnostic]:
    name, place = dimension.param, (*_algorithm(search), "settings", "r_l")
    amounts = sorted({amount for _, amount in schedule(most, eta)})
    least, all_ = amounts[0], ", ".join(map(str, amounts))
    if least < 1:  # 49 * 7**-2 is 0.999... in floats, of which Katib takes the whole part
        yield Diagnostic(
            code="TUNE016",
            message=f"hyperband would start with `{name}` 0: {most:g} and eta {eta} meet a rounding error of Katib's",
            at=Label(path=place),
            help=f"write `r_l: {math.floor(most) + 1}`",
        )
    elif lacking := [amount for amount in amounts if not _has(dimension, amount)]:
        yield Diagnostic(
            code="TUNE022",
            message=f"hyperband gives `{name}` the value {lacking[-1]}, and the space does not have it",
            at=Label(path=(*search.origin.path, "space", name), on="key"),
            related=(Label(path=place, text=all_ if len(amounts) < 9 else f"{least} to {amounts[-1]}"),),
            help=f"write `values: [{all_}]`" if dimension.values else f"write `min: {least}`, `max: {amounts[-1]}`",
        )


def _has(dimension: ir.Dimension, amount: int) -> bool:
    if dimension.values:
        return amount in dimension.values
    return dimension.min <= amount <= dimension.max and (amount - dimension.min) % (dimension.step or 1) == 0


def _total(search: ir.Search, most: float, eta: int) -> Iterator[Diagnostic]:
    total = sum(size for size, _ in schedule(most, eta))
    if total != search.max_trials:
        fewer = total < search.max_trials
        end = f"ends after {total}" if fewer else "does not come to its end"
        yield Diagnostic(
            code="TUNE034",
            message=f"hyperband has {total} trials here, and {end}: `max` is {search.max_trials}",
            at=Label(path=(*search.origin.path, "trials", "max")),
            related=(Label(path=(*_algorithm(search), "settings", "r_l"), text=f"with eta {eta}, {total} trials"),),
            help=f"write `max: {total}`, or make `r_l` {'larger' if fewer else 'smaller'}",
            severity="warning",
        )


def _algorithm(search: ir.Search) -> Path:
    return (*search.origin.path, "algorithm")
