"""Did you mean."""

from __future__ import annotations

import pytest

from mlwright.source.suggest import closest, did_you_mean

FIELDS = ["command", "image", "resources", "retries", "needs", "env", "when", "run_if", "max_parallel"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [("comand", "command"), ("Image", "image"), ("resource", "resources"), ("run-if", "run_if"),
     ("maxParallel", "max_parallel"), ("envs", "env")],
)  # fmt: skip
def test_a_slip_finds_the_word(word: str, meant: str) -> None:
    assert closest(word, FIELDS) == meant


@pytest.mark.parametrize("word", ["", "x", "zzz", "kubernetes", "a" * 10_000])
def test_something_else_finds_nothing(word: str) -> None:
    assert closest(word, FIELDS) is None
    assert did_you_mean(word, FIELDS) == ""


def test_the_order_of_the_choices_does_not_matter() -> None:
    assert closest("ac", ["ab", "aa"]) == closest("ac", ["aa", "ab"])
    assert closest("x", []) is None
