"""Cron schedules as calendar events of systemd."""

from __future__ import annotations

import re

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_ITEM = re.compile(r"(\*|[0-9a-z]+)(?:-([0-9a-z]+))?(?:/(\d+))?")


def events(cron: str) -> list[str]:
    """The `OnCalendar` values of five cron fields. Cron starts on a day that either of its two day fields names."""
    minute, hour, day, month, weekday = cron.lower().split()
    months = _numbers(month, 1, 12, _MONTHS)
    time = f"{_numbers(hour, 0, 23)}:{_numbers(minute, 0, 59)}:00"
    dates = f"*-{months}-{_numbers(day, 1, 31)}"
    names = _weekdays(weekday)
    if day.startswith("*") or weekday.startswith("*"):
        return [f"{names}{dates} {time}"]
    return [f"{names}*-{months}-* {time}", f"{dates} {time}"]


def _weekdays(field: str) -> str:
    if field == "*":
        return ""
    found = _numbers(field, 0, 6, _DAYS)
    numbers = range(7) if found == "*" else [int(number) for number in found.split(",")]
    return ",".join(_DAYS[number].capitalize() for number in numbers) + " "


def _numbers(field: str, low: int, high: int, names: tuple[str, ...] = ()) -> str:
    """The numbers that a field names, two digits each; `*` for all."""
    if field == "*":
        return "*"
    found: set[int] = set()
    for item in field.split(","):
        match = _ITEM.fullmatch(item)
        assert match is not None, field
        first, last, step = match.groups()
        start = low if first == "*" else _number(first, low, names)
        end = _number(last, low, names) if last else high if first == "*" or step else start
        found.update(range(start, end + 1, int(step or 1)))
    return ",".join(f"{number:02}" for number in sorted(found))


def _number(text: str, low: int, names: tuple[str, ...]) -> int:
    return names.index(text) + low if text in names else int(text)
