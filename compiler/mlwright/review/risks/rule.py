"""A rule of risk, and the conditions that rules are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from mlwright.ir import Json
from mlwright.record import dataclass
from mlwright.review.model import FieldChange, ObjectChange, Remark, Risk
from mlwright.span import Path
from mlwright.spec.scalars.duration import Duration
from mlwright.spec.scalars.quantity import Cpu, Memory

OfRemark = Callable[[Remark], bool]
OfChange = Callable[[ObjectChange], bool]
Values = Callable[[Json, Json], bool]
"""A condition on a value at base and at head; None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`risk` and `reason` hold for what `remark` or `change` says yes to; `reason` is one sentence for a reviewer.
    A rule with neither is about all remarks together."""

    id: str
    risk: Risk
    reason: str
    remark: OfRemark | None = None
    change: OfChange | None = None


def matches(pattern: str, path: Path) -> bool:
    """Whether `path` is like `steps.*.cache` or `**.cache`: `*` is one part, `**` at the beginning any number."""
    parts, words = pattern.split("."), [str(part) for part in path]
    if parts[0] == "**":
        parts = parts[1:]
        words = words[len(words) - len(parts) :] if len(words) >= len(parts) else []
    return len(parts) == len(words) and all(part in ("*", word) for part, word in zip(parts, words, strict=True))


def at(*patterns: str, when: Values | None = None) -> OfRemark:
    """A remark about one of these places; with `when`, only where its values are so."""

    def holds(remark: Remark) -> bool:
        found = any(matches(pattern, remark.path) for pattern in patterns)
        return found and (when is None or when(remark.before, remark.after))

    return holds


def either(*conditions: OfRemark) -> OfRemark:
    """A remark that one of them holds for."""
    return lambda remark: any(condition(remark) for condition in conditions)


def part(*keys: str, when: Values) -> OfRemark:
    """A remark whose values have something at `keys`: as its own path's end, in what it tells as a whole, or in a part
    of that (a step that came with `security.run_as_root` in it)."""

    def holds(remark: Remark) -> bool:
        words = tuple(str(item) for item in remark.path)
        if words[-len(keys) :] == keys:
            return when(remark.before, remark.after)
        for size in range(len(keys) - 1, 0, -1):  # `expose` as a whole has `expose.auth` in it
            if words[-size:] == keys[:size]:
                rest = keys[size:]
                return when(below(remark.before, rest), below(remark.after, rest))
        olds, news = dict(inside(remark.before, keys)), dict(inside(remark.after, keys))
        return any(when(olds.get(place), news.get(place)) for place in {**olds, **news})

    return holds


def below(value: Json, keys: tuple[str, ...]) -> Json:
    """What stands at `keys` in `value`; None for nothing."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def inside(value: Json, keys: tuple[str, ...], path: Path = ()) -> Iterator[tuple[Path, Json]]:
    """Everything in `value` whose path ends with `keys`, with its path."""
    if isinstance(value, dict):
        if (found := below(value, keys)) is not None:
            yield path, found
        for key, item in value.items():
            yield from inside(item, keys, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from inside(item, keys, (*path, index))


# Values


def came(before: Json, after: Json) -> bool:
    """It was not there."""
    return before is None and after is not None


def gone(before: Json, after: Json) -> bool:
    """It is not there any more."""
    return before is not None and after is None


def moved(before: Json, after: Json) -> bool:
    """It was there, and is another one or none."""
    return before is not None and before != after


def became(value: Json) -> Values:
    """It is `value`, and was not."""
    return lambda before, after: after == value and before != value


def ceased(value: Json) -> Values:
    """It was `value`, and is not."""
    return lambda before, after: before == value and after != value


def grew(before: Json, after: Json) -> bool:
    """An amount, or a time, that is larger; from nothing, too."""
    return amount(after) > amount(before)


def shrank(before: Json, after: Json) -> bool:
    """An amount, or a time, that was there and is smaller."""
    return after is not None and 0 < amount(after) < amount(before)


def lost(before: Json, after: Json) -> bool:
    """A list, some items of which are gone."""
    return isinstance(before, list) and any(item not in after for item in before if isinstance(after, list))


def gained(before: Json, after: Json) -> bool:
    """A list with items that were not there."""
    olds = before if isinstance(before, list) else []
    return isinstance(after, list) and any(item not in olds for item in after)


def amount(value: Json) -> float:
    """A number, an amount of Kubernetes, or a length of time as a number; 0 for anything else."""
    if isinstance(value, bool) or value is None:
        return 0.0
    if isinstance(value, (int, float)):
        return float(value)
    readers: tuple[Callable[[object], float], ...] = (
        lambda text: Cpu.parse(text).milli / 1000,
        lambda text: float(Memory.parse(text).bytes),
        lambda text: Duration.parse(text).seconds,
    )
    for read in readers:
        try:
            return read(value)
        except ValueError:
            continue
    return 0.0


# Objects


def fields(change: ObjectChange, *patterns: str) -> Iterator[FieldChange]:
    """The changed values of an object at these places."""
    return (field for field in change.fields if any(matches(pattern, field.path) for pattern in patterns))


def found(change: ObjectChange, key: str) -> Iterable[tuple[Json, Json]]:
    """Each value under `key` that changed, came or went, wherever it is in the object."""
    global _latest
    if _latest[0] is not change:  # every rule asks about one object, then about the next
        _latest = (change, _by_key(change))
    return _latest[1].get(key, ())


_Pairs = dict[str, list[tuple[Json, Json]]]
_latest: tuple[ObjectChange | None, _Pairs] = (None, {})


def _by_key(change: ObjectChange) -> _Pairs:
    made: _Pairs = {}
    for field in change.fields:
        made.setdefault(str(field.path[-1]) if field.path else "", []).append((field.before, field.after))
        olds, news = dict(_entries(field.before, ())), dict(_entries(field.after, ()))
        for place in {**olds, **news}:
            if olds.get(place) != news.get(place):
                made.setdefault(str(place[-1]), []).append((olds.get(place), news.get(place)))
    return made


def _entries(value: Json, path: Path) -> Iterator[tuple[Path, Json]]:
    """Every entry of every mapping in `value`, with its path."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key), item
            yield from _entries(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _entries(item, (*path, index))


def kinds(*names: str, actions: tuple[str, ...] = ("add", "change", "replace", "remove")) -> OfChange:
    """An object of one of these kinds."""
    return lambda change: change.kind in names and change.action in actions


def holds(*names: str, key: str, when: Values) -> OfChange:
    """An object of one of these kinds (any without one), in which a value under `key` changed so."""
    return lambda change: (not names or change.kind in names) and any(when(*pair) for pair in found(change, key))


def some(*conditions: OfChange) -> OfChange:
    """An object that one of them holds for."""
    return lambda change: any(condition(change) for condition in conditions)
