"""Five cron fields and a time zone: when next. A field matches as in `cron`; names of months and days are taken too."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from values import BAD_INPUT, StepError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import tzinfo
    from typing import Dict, FrozenSet, Sequence, Set, Tuple

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS: Sequence[Tuple[int, int, Dict[str, int]]] = (
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    (0, 6, {name: number for number, name in enumerate(_DAYS)}),
)
_HORIZON = timedelta(days=366 * 9)
"""29 February comes again within eight years, a weekday on it not always: then there is no next time."""


class Clock:
    """When a schedule strikes. Raises `StepError` where the text or the zone is not understood."""

    def __init__(self, cron: str, zone: str) -> None:
        parts = cron.split()
        if len(parts) != 5:
            raise StepError(BAD_INPUT, "a schedule has five fields, not %r" % cron)
        self.fields = [_numbers(part, *field) for part, field in zip(parts, _FIELDS)]
        self.either = not parts[2].startswith("*") and not parts[4].startswith("*")
        self.every_hour = parts[1].startswith("*")
        self.zone = _zone(zone)

    def after(self, moment: datetime) -> datetime:
        """The first minute after `moment` (in UTC) that matches, in UTC.

        A local time that does not exist on a day is left out on it; of one that comes twice the first counts, unless
        the schedule is for every hour.
        """
        now = moment.astimezone(timezone.utc).replace(second=0, microsecond=0) + timedelta(minutes=1)
        end = now + _HORIZON
        minutes, hours = self.fields[:2]
        while now < end:
            local = now.astimezone(self.zone)
            if not self._day(local) or local.hour not in hours:
                now += timedelta(minutes=60 - local.minute)
            elif local.minute not in minutes or (local.fold and not self.every_hour):
                now += timedelta(minutes=1)
            else:
                return now
        raise StepError(BAD_INPUT, "the schedule never strikes")

    def _day(self, local: datetime) -> bool:
        _, _, days, months, weekdays = self.fields
        if local.month not in months:
            return False
        day, weekday = local.day in days, (local.weekday() + 1) % 7 in weekdays
        return day or weekday if self.either else day and weekday


def stamp(moment: datetime) -> str:
    """`20261126T030000Z`, as it stands in the name of a run."""
    return moment.astimezone(timezone.utc).strftime("%Y%m%dT%H%M%SZ")


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return timezone.utc
    try:
        from zoneinfo import ZoneInfo

        return ZoneInfo(name)
    except ImportError:
        raise StepError(BAD_INPUT, "time zones need Python 3.9 or newer: write the schedule in UTC") from None
    except (KeyError, ValueError, OSError):
        message = "this image does not know the time zone %s: install tzdata in it, or write the schedule in UTC"
        raise StepError(BAD_INPUT, message % name) from None


def _numbers(part: str, low: int, high: int, names: Dict[str, int]) -> FrozenSet[int]:
    found: Set[int] = set()
    for item in part.upper().split(","):
        span, _, step = item.partition("/")
        first, dash, last = span.partition("-")
        try:
            start = low if first == "*" else _number(first, names)
            end = _number(last, names) if dash else high if first == "*" or step else start
            every = int(step or 1)
        except ValueError:
            raise StepError(BAD_INPUT, "%r is not part of a schedule" % item) from None
        if not (low <= start <= end <= high and every > 0):
            raise StepError(BAD_INPUT, "%r is not part of a schedule" % item)
        found.update(range(start, end + 1, every))
    return frozenset(found)


def _number(text: str, names: Dict[str, int]) -> int:
    return names[text] if text in names else int(text)
