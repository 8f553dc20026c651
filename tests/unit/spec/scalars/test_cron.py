"""Schedules and time zones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from mlwright.spec.scalars.cron import Cron, TimeZone


def test_a_schedule_is_five_sets_of_numbers() -> None:
    minute, hour, day, month, weekday = Cron.parse("*/20 3,15 1-5/2 jan-MAR MON-FRI").values
    assert (minute, hour, day) == ((0, 20, 40), (3, 15), (1, 3, 5))
    assert (month, weekday) == ((1, 2, 3), (1, 2, 3, 4, 5))


@pytest.mark.parametrize(
    "written", ["0 3 * * 1", "  0  3 * * 1 ", "5/15 * * * *", "0 0 29 2 *", "0 0 31 2 1", "59 23 31 12 0"]
)
def test_ordinary_schedules_are_accepted(written: str) -> None:
    assert Cron.parse(written).text == written


@pytest.mark.parametrize(
    ("written", "code", "help_"),
    [
        ("@daily", "CRON001", "`0 0 * * *`"),
        ("0 3 * *", "CRON001", "five fields"),
        ("", "CRON001", "five fields"),
        (3, "CRON001", "five fields"),
        ("0 0 3 * * 1", "CRON002", "`0 3 * * 1`"),
        ("0 0 3 * * 1 2026", "CRON002", "`0 3 * * 1`"),
        ("60 * * * *", "CRON003", "0 to 59"),
        ("0 24 * * *", "CRON003", "0 to 23"),
        ("0 0 0 * *", "CRON003", "1 to 31"),
        ("0 0 * 13 *", "CRON003", "JAN"),
        ("0 0 * * 7", "CRON003", "Sunday is 0"),
        ("0 0 * * FUN", "CRON003", "SUN MON"),
        ("0 0 ? * 1", "CRON003", "`*`"),
        ("0 0 L * *", "CRON003", "1 to 31"),
        ("0 0 * * 5#2", "CRON003", "five fields"),
        ("*/0 * * * *", "CRON003", "at least 1"),
        ("0 0 5-1 * *", "CRON003", "`5-31,1-1`"),
        ("1,,2 * * * *", "CRON003", "five fields"),
        ("0 0 30 2 *", "CRON004", "five fields"),
        ("0 0 31 4,6,9,11 *", "CRON004", "five fields"),
    ],
)
def test_other_schedules_are_refused(written: object, code: str, help_: str) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        Cron.parse(written)
    assert (caught.value.type, help_ in (caught.value.context or {})["help"]) == (code, True), caught.value.context


def test_the_caret_is_under_the_item_that_is_wrong() -> None:
    with pytest.raises(PydanticCustomError) as caught:
        Cron.parse("0 3,25 * * *")
    assert (caught.value.context or {})["chars"] == (4, 6)


@pytest.mark.parametrize("written", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+3"])
def test_time_zones_are_iana_names(written: str) -> None:
    assert TimeZone.parse(written).text == written


@pytest.mark.parametrize(
    ("written", "help_"),
    [
        ("Berlin", "`Europe/Berlin`"),
        ("Europe/Berln", "`Europe/Berlin`"),
        ("+02:00", "IANA"),
        ("UTC+2", ""),
        ("../etc", "IANA"),
        (3, "IANA"),
    ],
)
def test_other_time_zones_are_refused(written: object, help_: str) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        TimeZone.parse(written)
    assert (caught.value.type, help_ in (caught.value.context or {})["help"]) == ("CRON005", True), caught.value.context


@given(st.text(alphabet="0123456789*/,-? MONJA"))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        assert all(Cron.parse(text).values)
    except PydanticCustomError as error:
        assert error.type.startswith("CRON")
