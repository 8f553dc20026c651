"""Colour and width: only for a terminal that wants them."""

from __future__ import annotations

import io
import os

import pytest

from mlwright.cli import terminal


class Tty(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def test_a_terminal_gets_colour() -> None:
    assert terminal.coloured(Tty())


def test_a_pipe_gets_no_colour() -> None:
    assert not terminal.coloured(io.StringIO())


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("NO_COLOR", "anything"), ("TERM", "dumb")])
def test_the_user_can_turn_colour_off(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    assert not terminal.coloured(Tty())


def test_an_empty_no_color_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "")
    assert terminal.coloured(Tty())


@pytest.mark.parametrize(("columns", "expected"), [("20", 40), ("72", 72), ("200", 80)])
def test_diagnostics_are_between_40_and_80_columns(
    columns: str, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "COLUMNS", columns)
    assert terminal.columns() == expected
