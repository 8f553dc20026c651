"""Hyperband as Katib's service schedules it: brackets of rungs, the best trials of one rung promoted to the next.

A rung is a number of trials with the same amount of the resource. The first rung of a bracket is drawn at random, the
others repeat the best trials of the rung before with more of the resource. A rung starts when the one before has ended;
failed trials are not promoted. The schedule depends on `r_l` and `eta` alone, not on how many trials run at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Sequence

from samplers import Asked, Proposer, Settings, Told, Unsuitable
from searchspace import EXACT, Dimension, Raw

NAME = "hyperband"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """At most `size` trials with `resource`; `first` of its bracket: drawn anew."""

    size: int
    resource: int
    first: bool


def schedule(most: float, eta: int) -> Iterator[Rung]:
    """All rungs in order, for `most` of the resource (more than 1), of which each rung has `eta` times the last one's.

    The arithmetic is Katib's own, in floats and rounded where it rounds, so that the tables are Katib's.
    """
    last = int(math.log(most) / math.log(eta))
    for bracket in range(last, -1, -1):
        drawn = math.ceil((last + 1) * (eta**bracket / (bracket + 1)))
        least = int(most * eta**-bracket)
        size = drawn
        for rung in range(bracket + 1):
            yield Rung(size=size, resource=int(least * eta**rung), first=rung == 0)
            size = math.ceil(math.ceil(drawn * eta**-rung) / eta)


class Brackets:
    """The draws of one search by hyperband. Not thread-safe; trial numbers count up from 0.

    Unsuitable when it cannot run on this space, with these settings or in this image.
    """

    end = "brackets"
    ignored: tuple[str, ...] = ()

    def __init__(
        self,
        settings: Mapping[str, Any],
        space: Sequence[Dimension],
        *,
        maximize: bool,
        seed: int,
        history: Sequence[Asked | Told] = (),
    ) -> None:
        given = Settings(NAME, settings)
        most, eta, self._resource = given.real("r_l"), given.whole("eta", 3, least=2), given.text("resource_name")
        if not 1 < most <= EXACT:
            raise Unsuitable(f"r_l of {NAME} must be above 1 and at most 2^53, not {most:g}")
        self._names = [dimension.name for dimension in space]
        if not any(dimension.name == self._resource and dimension.type == "int" for dimension in space):
            raise Unsuitable(f"{NAME}'s resource {self._resource!r} is not an int of the space")
        others = [dimension for dimension in space if dimension.name != self._resource]
        if not others:
            raise Unsuitable(f"{NAME} needs a parameter beside its resource")
        self._random = Proposer(NAME, settings, others, maximize=maximize, seed=seed)
        self._maximize = maximize
        self._rungs = schedule(most, eta)
        self._rung: Rung | None = next(self._rungs)
        self._parents: list[dict[str, Raw]] = []
        self._trials: dict[int, dict[str, Raw]] = {}
        self._ended: dict[int, float | None] = {}
        self._asked = 0
        for event in history:
            if isinstance(event, Told):
                self.tell(event.number, event.value)
            else:
                self.ask()  # what was drawn then counts, even if this image would draw otherwise
                self._trials[self._asked - 1] = dict(event.raw)

    @property
    def limit(self) -> int | None:
        """How many trials there are in all, known when the last rung has ended; None before."""
        return self._asked if self._rung is None else None

    def ask(self) -> dict[str, Raw] | None:
        """The raw draws of the next trial; None while the trials of a rung have to be waited for."""
        if self._rung is None or len(self._trials) == self._size(self._rung):
            return None
        drawn = self._random.ask() if self._rung.first else self._parents[len(self._trials)]
        raw = {**drawn, self._resource: self._rung.resource}
        self._trials[self._asked] = raw
        self._asked += 1
        return dict(raw)

    def tell(self, number: int, value: float | None) -> None:
        """Trial `number` ended with `value`; None: it failed."""
        self._ended[number] = value
        if self._rung is None or len(self._ended) < self._size(self._rung):
            return
        sign = -1 if self._maximize else 1
        ranked = sorted((sign * value, number) for number, value in self._ended.items() if value is not None)
        self._rung = next((rung for rung in self._rungs if rung.first or ranked), None)
        self._parents = [self._trials[number] for _, number in ranked]
        self._trials, self._ended = {}, {}

    def values(self, raw: Mapping[str, Raw]) -> dict[str, str]:
        """The canonical texts that raw draws stand for."""
        texts = {**self._random.values(raw), self._resource: str(int(raw[self._resource]))}
        return {name: texts[name] for name in self._names}

    def _size(self, rung: Rung) -> int:
        return rung.size if rung.first else min(rung.size, len(self._parents))
