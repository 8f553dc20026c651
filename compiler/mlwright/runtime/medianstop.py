"""Katib's medianstop: a trial stops when it is worse than the mean of what earlier trials had reached by the same step.

Despite its name Katib's rule is a mean, not a median. Only succeeded trials count, each with the average of the
first `start_step` values it reported; the threshold that a trial is held to is the one of the moment it was started.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Sequence

SETTINGS = ("min_trials_required", "start_step")


@dataclass(frozen=True, slots=True, kw_only=True)
class MedianStop:
    """The rule and its settings: at least `min_trials_required` succeeded trials, and `start_step` reported values."""

    maximize: bool
    min_trials_required: int = 3
    start_step: int = 4

    def threshold(self, succeeded: Iterable[Sequence[float]]) -> float | None:
        """The value that a trial starting now is held to; None while too few trials have succeeded.

        `succeeded` holds one series of reported values per succeeded trial, in the order of reporting.
        """
        firsts = [[value for value in series[: self.start_step] if math.isfinite(value)] for series in succeeded]
        averages = [sum(first) / len(first) for first in firsts if first]
        if len(averages) < self.min_trials_required:
            return None
        return sum(averages) / len(averages)

    def stops(self, threshold: float | None, reported: int, best: float | None) -> bool:
        """Whether a trial stops that has reported `reported` values, the best of which is `best`."""
        if threshold is None or best is None or reported < self.start_step:
            return False
        return best < threshold if self.maximize else best > threshold


def medianstop(name: str, settings: Mapping[str, Any], maximize: bool) -> MedianStop:
    """The rule that a document's `early_stopping` asks for. ValueError says which name or setting is wrong."""
    if name != "medianstop":
        raise ValueError(f"unknown early stopping {name!r}: only medianstop exists")
    given: dict[str, int] = {}
    for key, value in settings.items():
        if key not in SETTINGS:
            raise ValueError(f"unknown setting {key} of medianstop: it has {' and '.join(SETTINGS)}")
        number = whole_number(value)
        if number is None or number < 1:
            raise ValueError(f"{key} of medianstop must be a whole number of at least 1, not {value!r}")
        given[key] = number
    return MedianStop(maximize=maximize, **given)


def whole_number(value: Any) -> int | None:
    """A setting as a whole number; Katib's settings may be text. None where it is no whole number."""
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
        return int(number) if number.is_integer() else None
    except (TypeError, ValueError, OverflowError):
        return None
