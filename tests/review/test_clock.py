"""How often a schedule fires in a month, and what it is called."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from mlwright.review.words.clock import firings, words
from mlwright.spec.scalars.cron import Cron


@pytest.mark.parametrize(
    ("cron", "times"),
    [
        ("0 * * * *", 730.0),
        ("*/15 * * * *", 4 * 730.0),
        ("0 3 * * *", 730 / 24),
        ("0 3 * * 1", 730 / 24 / 7),
        ("0 3,15 * * 1-5", 2 * 5 * 730 / 24 / 7),
        ("0 3 1 * *", 12 / 365.25 * 730 / 24),
        ("0 3 31 * *", 7 / 365.25 * 730 / 24),
        ("0 3 29 2 *", 0.25 / 365.25 * 730 / 24),
        ("0 3 1 1 *", 1 / 365.25 * 730 / 24),
    ],
)
def test_a_schedule_fires_so_often_in_a_month(cron: str, times: float) -> None:
    assert firings(cron) == pytest.approx(times, rel=1e-9)


def test_a_day_of_the_month_and_a_day_of_the_week_are_either_of_them() -> None:
    both, day, week = firings("0 3 13 * 5"), firings("0 3 13 * *"), firings("0 3 * * 5")
    assert max(day, week) < both < day + week


def test_a_step_of_days_narrows_the_days_of_the_week() -> None:
    assert 0 < firings("0 3 */2 * 1") < firings("0 3 * * 1")


@pytest.mark.parametrize("cron", ["7 4 * * 2", "*/20 8-18 * * 1-5", "0 0 1,15 * *", "30 5 13 * 5", "0 3 */2 * 1"])
def test_it_is_what_counting_every_minute_of_four_years_gives(cron: str) -> None:
    minutes, hours, days, months, weekdays = map(set, Cron.parse(cron).values)
    fields = cron.split()
    either = fields[2][0] != "*" and fields[4][0] != "*"
    at, count, total = datetime(2021, 1, 1), 0, 4 * 365 + 1
    for _ in range(total):
        in_month, in_week = at.day in days, at.isoweekday() % 7 in weekdays
        if at.month in months and (in_month or in_week if either else in_month and in_week):
            count += len(minutes) * len(hours)
        at += timedelta(days=1)
    assert firings(cron) == pytest.approx(count / (total * 24) * 730, rel=0.02)


@pytest.mark.parametrize("cron", ["", "often", "0 3 * *", "61 3 * * *"])
def test_what_is_no_schedule_never_fires_and_has_no_words(cron: str) -> None:
    assert firings(cron) == 0
    assert words(cron) == ""


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("0 3 * * 1", "Mondays at 03:00"),
        ("30 6,18 * * *", "every day at 06:30 and 18:30"),
        ("0 9 * * 1-5", "Monday to Friday at 09:00"),
        ("*/10 * * * *", "every 10 minutes"),
        ("5 * * * *", "every hour at minute 5"),
        ("0 6 1 * *", "day 1 of the month at 06:00"),
        ("0 6 1 1 *", ""),
        ("*/10 8-18 * * *", ""),
        ("0 6 13 * 5", ""),
    ],
)
def test_a_schedule_has_words_where_they_are_short(cron: str, said: str) -> None:
    assert words(cron) == said
