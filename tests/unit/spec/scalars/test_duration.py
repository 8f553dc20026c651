"""Lengths of time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from mlwright.spec.scalars.duration import Duration


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("30s", 30), ("2h", 7200), ("1h30m", 5400), ("250ms", 0.25), ("10m", 600), ("2d", 172800), ("1.5h", 5400),
        ("1h0m5s", 3605), ("0s", 0), ("1s500ms", 1.5),
    ],
)  # fmt: skip
def test_a_number_and_a_unit_is_a_time(written: str, seconds: float) -> None:
    assert Duration.parse(written) == Duration(written, seconds)


@pytest.mark.parametrize(
    ("written", "code", "help_"),
    [
        (600, "QTY011", "`600s`"),
        (1.5, "QTY011", "`1.5s`"),
        ("600", "QTY010", "`600s`"),
        ("2 hours", "QTY010", "`2h`"),
        ("10min", "QTY010", "`10m`"),
        ("5 sec", "QTY010", "`5s`"),
        ("20 milliseconds", "QTY010", "`20ms`"),
        ("1:30", "QTY010", "`1h30m` or `1m30s`"),
        ("1:30:05", "QTY010", "`1h30m5s`"),
        ("2H", "QTY010", "`2h`"),
        ("30m1h", "QTY010", "`1h30m`"),
        ("-5s", "QTY010", "`30s`"),
        ("", "QTY010", "`30s`"),
        ("soon", "QTY010", "`30s`"),
        ("99999d", "QTY010", "`30s`"),
        (True, "QTY010", "`30s`"),
        (None, "QTY010", "`30s`"),
        ([], "QTY010", "`30s`"),
    ],
)
def test_anything_else_is_refused(written: object, code: str, help_: str) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        Duration.parse(written)
    assert caught.value.type == code
    assert help_ in (caught.value.context or {})["help"]


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        assert Duration.parse(text).seconds >= 0
    except PydanticCustomError as error:
        assert error.type == "QTY010"
