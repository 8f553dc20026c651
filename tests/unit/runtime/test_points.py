"""What an operator's text for a parameter means: a place in a list, or the nearest point of a range."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "compiler" / "mlwright" / "runtime"))
import points
import searchspace
import values

KIND = {"type": "string", "values": ["a b", '"q"', "ü"]}
JSON = {"type": "json", "values": [[1, 2], {"b": 1, "a": 2}]}
SIZES = {"type": "int", "values": [16, 32, 2**60 + 1]}
SHARES = {"type": "float", "values": [0.1, 0.25]}
FAST = {"type": "bool", "values": [True, False]}
DEPTH = {"type": "int", "min": 1, "max": 9, "step": None, "distribution": "uniform"}
EVEN = {"type": "int", "min": 1, "max": 10, "step": 4, "distribution": "uniform"}
RATE = {"type": "float", "min": 0.1, "max": 0.5, "step": 0.1, "distribution": "uniform"}
FREE = {"type": "float", "min": 0.0001, "max": 0.3, "step": None, "distribution": "log_uniform"}


@pytest.mark.parametrize(
    ("dimension", "given", "meant"),
    [
        (KIND, "1", '"q"'),
        (JSON, "1", '{"a":2,"b":1}'),
        (SIZES, "32", "32"),
        (SIZES, "32.0", "32"),
        (SIZES, "17", "16"),
        (SIZES, str(2**60 + 1), str(2**60 + 1)),
        (SHARES, "0.1", "0.1"),
        (SHARES, "0.2", "0.25"),
        (FAST, "false", "false"),
        (DEPTH, "3", "3"),
        (DEPTH, "3.0", "3"),
        (DEPTH, "0", "1"),
        (DEPTH, "12", "9"),
        (EVEN, "4", "5"),
        (EVEN, "10", "9"),
        (RATE, "0.30000000000000004", "0.3"),
        (RATE, "0.0", "0.1"),
        (RATE, "0.59", "0.5"),
        (FREE, "1e-05", "0.0001"),
        (FREE, "0.0123456789012345670", "0.012345678901234567"),
    ],
)
def test_a_text_means_a_point_of_the_space(dimension: dict[str, Any], given: str, meant: str) -> None:
    assert points.point(dimension, given, "x") == meant


@pytest.mark.parametrize(
    ("dimension", "given"),
    [(KIND, "3"), (KIND, "-1"), (KIND, "a b"), (DEPTH, "nan"), (DEPTH, "x"), (RATE, ""), (FAST, "yes"), (SIZES, "inf")],
)
def test_what_means_nothing_is_refused(dimension: dict[str, Any], given: str) -> None:
    with pytest.raises(values.StepError) as problem:
        points.point(dimension, given, "MLWRIGHT_PARAM_X")
    assert problem.value.code == values.BAD_INPUT
    assert "MLWRIGHT_PARAM_X" in str(problem.value)


@pytest.mark.parametrize("dimension", [SIZES, SHARES, DEPTH, EVEN, RATE])
def test_every_point_that_our_own_search_draws_means_itself(dimension: dict[str, Any]) -> None:
    known = searchspace.dimension("x", dimension)
    for index in range(known.count()):
        text = values.canonical(known.point(index), dimension["type"])
        assert points.point(dimension, text, "x") == text
