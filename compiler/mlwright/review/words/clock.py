"""Schedules in words, and how often they fire."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

from mlwright.spec.scalars.cron import Cron

MONTH = 730.0
"""Hours of a month: a twelfth of a year of 365 days."""
_DAYS = ("Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays")
_FIRST, _CYCLE = date(2001, 1, 1), 28 * 365 + 7
"""After 28 years of the present century every date falls on the same day of the week again."""


@lru_cache(maxsize=256)
def firings(cron: str) -> float:
    """How often five cron fields match in a month of 730 hours, on average; 0 for what is not a schedule. As in cron, a
    day of the month and a day of the week that are both given are either of them."""
    parsed = _parsed(cron)
    if parsed is None:
        return 0.0
    minutes, hours, days, months, weekdays = map(frozenset, parsed.values)
    fields = cron.split()
    either = fields[2][0] != "*" and fields[4][0] != "*"
    matching = 0
    for offset in range(_CYCLE):
        day = _FIRST + timedelta(days=offset)
        in_month, in_week = day.day in days, day.isoweekday() % 7 in weekdays
        if day.month in months and ((in_month or in_week) if either else (in_month and in_week)):
            matching += 1
    return matching / (_CYCLE * 24) * MONTH * len(minutes) * len(hours)


def words(cron: str) -> str:
    """`Mondays at 03:00`; "" for a schedule that has no short sentence."""
    parsed = _parsed(cron)
    if parsed is None:
        return ""
    fields = cron.split()
    minutes, hours, days, months, weekdays = parsed.values
    if fields[1:] == ["*"] * 4:
        if fields[0] == "*":
            return "every minute"
        if fields[0].startswith("*/"):
            return f"every {fields[0][2:]} minutes"
        return f"every hour at minute {min(minutes)}" if len(minutes) == 1 else ""
    if len(minutes) > 1 or len(hours) > 3 or len(months) < 12:
        return ""
    times = " and ".join(f"{hour:02}:{min(minutes):02}" for hour in hours)
    if fields[2] == "*" and fields[4] == "*":
        return f"every day at {times}"
    if fields[2] == "*":
        workdays = weekdays == (1, 2, 3, 4, 5)
        named = "Monday to Friday" if workdays else " and ".join(_DAYS[day] for day in weekdays)
        return f"{named} at {times}"
    if fields[4] == "*" and len(days) == 1:
        return f"day {min(days)} of the month at {times}"
    return ""


def _parsed(cron: str) -> Cron | None:
    try:
        return Cron.parse(cron)
    except ValueError:
        return None
