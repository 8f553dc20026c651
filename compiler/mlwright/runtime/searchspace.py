"""The space of a search: what each parameter may be, and how a sampler's raw number becomes a value of it.

A sampler sees only three kinds of axis (a choice of n, a whole number, a real number); everything else (steps,
normal distributions, lists of values) is a function from the raw number to the value, so that it means the same
under every sampler.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import NormalDist
from typing import Any, Callable, Mapping

from values import MAX_PARAM, canonical

Raw = float  # what a sampler draws: an index, a whole number or a real number (int counts as float here)
DISTRIBUTIONS = ("uniform", "log_uniform", "normal", "log_normal")
EXACT = 2**53  # samplers compute in floats: beyond it whole numbers are no longer exact


@dataclass(frozen=True, slots=True)
class Choice:
    """One of `count` points, by index. `ordered`: neighbours are alike, so that a sampler may use the distance."""

    count: int
    ordered: bool


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from `low` to `high`, both included."""

    low: int
    high: int
    log: bool


@dataclass(frozen=True, slots=True)
class Real:
    """A real number from `low` to `high`."""

    low: float
    high: float
    log: bool


@dataclass(frozen=True, slots=True)
class Axis:
    """One dimension as a sampler sees it, and the way back: `value` turns a raw draw into a value of the parameter."""

    name: str
    type: str
    shape: Choice | Whole | Real
    value: Callable[[Raw], Any] = field(compare=False)

    def text(self, raw: Raw) -> str:
        """The canonical text of the value that `raw` stands for."""
        return canonical(self.value(raw), self.type)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One searched parameter as the document declares it: `values`, or a range. `step` 0 means continuous."""

    name: str
    type: str
    values: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    step: float = 0.0
    distribution: str = "uniform"
    mean: float = 0.0
    sigma: float = 0.0

    def count(self) -> int:
        """How many values it can take; 0 when they cannot be counted."""
        if self.values:
            return len(self.values)
        if self.low == self.high:
            return 1
        if not self.step:
            return 0
        return int((Decimal(repr(self.high)) - Decimal(repr(self.low))) / Decimal(repr(self.step))) + 1

    def point(self, index: Raw) -> Any:
        """The value number `index`, in the order of declaration or from `low` upwards."""
        if self.values:
            return self.values[int(index)]
        exact = Decimal(repr(self.low)) + int(index) * Decimal(repr(self.step or 0))
        return int(exact) if self.type == "int" else float(exact)

    def nearest(self, value: float) -> Any:
        """The value of the range that is nearest to `value`."""
        value = min(max(value, self.low), self.high)
        if not self.step:
            return value
        return self.point(min(max(round((value - self.low) / self.step), 0), self.count() - 1))


def dimension(name: str, declared: Mapping[str, Any]) -> Dimension:
    """One entry of the document's `space`. ValueError says what is wrong with it."""
    kind = declared.get("type")
    if kind not in ("string", "int", "float", "bool", "json"):
        raise ValueError(f"space.{name}: unknown type {kind!r}")
    if declared.get("values") is not None:
        return Dimension(name=name, type=kind, values=_values(name, kind, declared["values"]))
    if kind not in ("int", "float"):
        raise ValueError(f"space.{name}: a range needs the type int or float, not {kind}; give `values`")
    return _range(name, kind, declared)


def axis(dimension: Dimension, *, grid: bool, unordered_lists: bool) -> Axis:
    """How a sampler sees `dimension`. ValueError when a grid is asked of a range that cannot be counted."""
    count = dimension.count()
    if grid and not count:
        raise ValueError(f"space.{dimension.name}: grid needs a step or a list of values for every parameter")
    if dimension.values:
        ordered = not unordered_lists and _is_ordered(dimension)
        return Axis(dimension.name, dimension.type, Choice(count, ordered), dimension.point)
    if grid or count == 1 or (dimension.distribution == "uniform" and dimension.type == "float" and count):
        return Axis(dimension.name, dimension.type, Choice(count, ordered=True), dimension.point)
    shape, value = _SHAPES[dimension.distribution](dimension)
    return Axis(dimension.name, dimension.type, shape, value)


def _uniform(dimension: Dimension) -> tuple[Choice | Whole | Real, Callable[[Raw], Any]]:
    if dimension.type == "float":
        return Real(dimension.low, dimension.high, log=False), float
    if dimension.step == 1:
        return Whole(int(dimension.low), int(dimension.high), log=False), int
    return Choice(dimension.count(), ordered=True), dimension.point


def _log_uniform(dimension: Dimension) -> tuple[Choice | Whole | Real, Callable[[Raw], Any]]:
    if dimension.type == "int" and dimension.step == 1:
        return Whole(int(dimension.low), int(dimension.high), log=True), int
    return Real(dimension.low, dimension.high, log=True), dimension.nearest


def _normal(dimension: Dimension) -> tuple[Choice | Whole | Real, Callable[[Raw], Any]]:
    bell, low, high = _bell(dimension, dimension.low, dimension.high)
    return Real(0.0, 1.0, log=False), lambda raw: dimension.nearest(_quantile(bell, low, high, raw))


def _log_normal(dimension: Dimension) -> tuple[Choice | Whole | Real, Callable[[Raw], Any]]:
    bell, low, high = _bell(dimension, math.log(dimension.low), math.log(dimension.high))
    return Real(0.0, 1.0, log=False), lambda raw: dimension.nearest(math.exp(_quantile(bell, low, high, raw)))


_SHAPES = {"uniform": _uniform, "log_uniform": _log_uniform, "normal": _normal, "log_normal": _log_normal}


def _bell(dimension: Dimension, low: float, high: float) -> tuple[NormalDist, float, float]:
    # Katib's convention where nothing is said: the range is the mean plus and minus three sigma.
    given = dimension.sigma > 0
    mean, sigma = (dimension.mean, dimension.sigma) if given else ((low + high) / 2, (high - low) / 6)
    bell = NormalDist(mean, sigma)
    first, last = bell.cdf(low), bell.cdf(high)
    if last - first < 1e-9:
        raise ValueError(f"space.{dimension.name}: mean {mean} and sigma {sigma} leave nothing between min and max")
    return bell, first, last


def _quantile(bell: NormalDist, low: float, high: float, raw: Raw) -> float:
    share = low + raw * (high - low)
    return bell.inv_cdf(min(max(share, 5e-324), 1 - 2**-53))


def _range(name: str, kind: str, declared: Mapping[str, Any]) -> Dimension:
    low, high = _number(name, kind, declared, "min"), _number(name, kind, declared, "max")
    step = 0.0 if declared.get("step") in (None, 0) else _number(name, kind, declared, "step")
    distribution = declared.get("distribution") or "uniform"
    if distribution not in DISTRIBUTIONS:
        raise ValueError(f"space.{name}: unknown distribution {distribution!r}: one of {', '.join(DISTRIBUTIONS)}")
    if low > high:
        raise ValueError(f"space.{name}: min {low} is above max {high}")
    if step < 0:
        raise ValueError(f"space.{name}: step must be above 0")
    if distribution.startswith("log_") and low <= 0:
        raise ValueError(f"space.{name}: {distribution} needs a min above 0")
    if declared.get("sigma") and float(declared["sigma"]) < 0:
        raise ValueError(f"space.{name}: sigma must be above 0")
    return Dimension(
        name=name,
        type=kind,
        low=low,
        high=high,
        step=step or (1 if kind == "int" else 0.0),
        distribution=distribution,
        mean=float(declared.get("mean") or 0.0),
        sigma=float(declared.get("sigma") or 0.0),
    )


def _number(name: str, kind: str, declared: Mapping[str, Any], key: str) -> float:
    value = declared.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"space.{name}: {key} must be a finite number, not {value!r}")
    if kind == "float":
        return float(value)
    if value != int(value) or abs(value) > EXACT:
        raise ValueError(f"space.{name}: {key} of an int must be a whole number of at most 2^53, not {value!r}")
    return int(value)


def _values(name: str, kind: str, values: Any) -> tuple[Any, ...]:
    if not isinstance(values, list) or not values:
        raise ValueError(f"space.{name}: values must be a list with at least one value")
    accepted: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "int": (int,),
        "float": (int, float),
        "bool": (bool,),
        "json": (object,),
    }
    for value in values:
        if not isinstance(value, accepted[kind]) or (isinstance(value, bool) and kind in ("int", "float")):
            raise ValueError(f"space.{name}: {value!r} is not of type {kind}")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"space.{name}: {value!r} is not a finite number")
    texts = [canonical(value, kind) for value in values]
    if len(set(texts)) < len(texts):
        raise ValueError(f"space.{name}: a value is listed twice")
    if max(map(len, texts)) > MAX_PARAM:
        raise ValueError(f"space.{name}: a value is longer than the {MAX_PARAM} characters that MLflow stores")
    return tuple(values)


def _is_ordered(dimension: Dimension) -> bool:
    if dimension.type not in ("int", "float"):
        return False
    ascending = sorted(dimension.values)
    return list(dimension.values) in (ascending, ascending[::-1])
