"""Lengths of time: `30s`, `2h`, `1h30m`, `250ms`."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from mlwright.record import dataclass
from mlwright.regex import lazy
from mlwright.spec.scalars.refusal import Scalar, refuse

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART = lazy(r"(\d+(?:\.\d+)?)(ms|d|h|m|s)")
_WHOLE = lazy(r"(?:\d+(?:\.\d+)?d)?(?:\d+(?:\.\d+)?h)?(?:\d+(?:\.\d+)?m)?(?:\d+(?:\.\d+)?s)?(?:\d+(?:\.\d+)?ms)?")
_WORDY = lazy(
    r"(\d+(?:\.\d+)?)\s*(milliseconds?|msecs?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)", re.I
)
_CLOCK = lazy(r"(\d+):(\d\d)(?::(\d\d))?")
EXAMPLE = "write a number and a unit (ms s m h d): `30s`, `2h`, `1h30m`"


@dataclass(frozen=True, slots=True)
class Duration(Scalar):
    """A length of time in `seconds`; units from the largest to the smallest, each at most once."""

    json: ClassVar[dict[str, Any]] = {
        "type": "string",
        "pattern": r"^(?=.)(\d+(\.\d+)?d)?(\d+(\.\d+)?h)?(\d+(\.\d+)?m)?(\d+(\.\d+)?s)?(\d+(\.\d+)?ms)?$",
    }
    text: str
    seconds: float

    @classmethod
    def parse(cls, value: object) -> Duration:
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise refuse("QTY010", "a length of time is expected here", EXAMPLE)
        if not isinstance(value, str):
            raise refuse("QTY011", f"`{value}` is a length of time without a unit", f"write `{value}s` for seconds")
        if not value or not _WHOLE.fullmatch(value):
            raise refuse("QTY010", f"`{value}` is not a length of time", _guess(value))
        seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(value))
        if seconds > 86400 * 3660:
            raise refuse("QTY010", f"`{value}` is more than ten years", EXAMPLE)
        return cls(value, seconds)


def _guess(text: str) -> str:
    if text.isdigit():
        return f"write `{text}s` for seconds"
    if clock := _CLOCK.fullmatch(text):
        first, second, third = clock.groups()
        if third:
            return f"write `{int(first)}h{int(second)}m{int(third)}s`"
        return f"write `{int(first)}h{int(second)}m` or `{int(first)}m{int(second)}s`"
    if (wordy := _WORDY.fullmatch(text.strip())) is not None:
        unit = wordy[2].lower()
        return f"write `{wordy[1]}{'ms' if unit.startswith(('ms', 'mil')) else unit[0]}`"
    if _PART.fullmatch(text.lower()):
        return f"write `{text.lower()}`"
    return EXAMPLE
