"""A space turns raw draws into typed values inside the declared limits, with one canonical text each."""

from __future__ import annotations

from typing import Any

import pytest
from searchspace import Choice, Real, Whole, axis, dimension


def values(declared: dict[str, Any], raws: list[float], *, grid: bool = False) -> list[Any]:
    seen = axis(dimension("x", declared), grid=grid, unordered_lists=False)
    return [seen.value(raw) for raw in raws]


def test_a_stepped_float_range_has_the_points_that_people_write() -> None:
    stepped = dimension("x", {"type": "float", "min": 0.1, "max": 0.5, "step": 0.1})
    assert [stepped.point(index) for index in range(stepped.count())] == [0.1, 0.2, 0.3, 0.4, 0.5]


def test_a_step_that_does_not_reach_max_stops_before_it() -> None:
    stepped = dimension("x", {"type": "int", "min": 1, "max": 10, "step": 4})
    assert [stepped.point(index) for index in range(stepped.count())] == [1, 5, 9]


@pytest.mark.parametrize(
    ("declared", "raw", "text"),
    [
        ({"type": "int", "min": 1, "max": 9}, 3, "3"),
        ({"type": "float", "min": 0, "max": 1}, 1e-05, "1e-05"),
        ({"type": "float", "values": [1, 2]}, 1, "2.0"),
        ({"type": "bool", "values": [True, False]}, 1, "false"),
        ({"type": "string", "values": ["a", 'b"c']}, 1, 'b"c'),
        ({"type": "json", "values": [{"b": 1, "a": [1, 2]}]}, 0, '{"a":[1,2],"b":1}'),
    ],
)
def test_every_type_has_one_text(declared: dict[str, Any], raw: float, text: str) -> None:
    assert axis(dimension("x", declared), grid=False, unordered_lists=False).text(raw) == text


@pytest.mark.parametrize(
    ("declared", "shape"),
    [
        ({"type": "int", "values": [4, 6, 8]}, Choice(3, ordered=True)),
        ({"type": "int", "values": [8, 6, 4]}, Choice(3, ordered=True)),
        ({"type": "int", "values": [8, 4, 6]}, Choice(3, ordered=False)),
        ({"type": "string", "values": ["a", "b"]}, Choice(2, ordered=False)),
        ({"type": "bool", "values": [False, True]}, Choice(2, ordered=False)),
        ({"type": "int", "min": 1, "max": 5}, Whole(1, 5, log=False)),
        ({"type": "int", "min": 1, "max": 5, "distribution": "log_uniform"}, Whole(1, 5, log=True)),
        ({"type": "int", "min": 1, "max": 9, "step": 2}, Choice(5, ordered=True)),
        ({"type": "float", "min": 1, "max": 5}, Real(1.0, 5.0, log=False)),
        ({"type": "float", "min": 1, "max": 5, "step": 0.5}, Choice(9, ordered=True)),
        ({"type": "float", "min": 1, "max": 5, "distribution": "log_uniform"}, Real(1.0, 5.0, log=True)),
        ({"type": "float", "min": 1, "max": 5, "distribution": "normal"}, Real(0.0, 1.0, log=False)),
        ({"type": "float", "min": 2, "max": 2}, Choice(1, ordered=True)),
    ],
)
def test_a_sampler_sees_three_kinds_of_axis(declared: dict[str, Any], shape: object) -> None:
    assert axis(dimension("x", declared), grid=False, unordered_lists=False).shape == shape


def test_a_normal_range_is_cut_at_its_limits_and_denser_in_the_middle() -> None:
    drawn = values({"type": "float", "min": 0, "max": 10, "distribution": "normal"}, [0.0, 0.25, 0.5, 0.75, 1.0])
    assert drawn[0] == pytest.approx(0, abs=1e-9)
    assert drawn[2] == pytest.approx(5)
    assert drawn[4] == pytest.approx(10)
    assert 3.5 < drawn[1] < 4.5 and 5.5 < drawn[3] < 6.5


def test_mean_and_sigma_move_the_middle() -> None:
    bell = {"type": "float", "min": 0, "max": 10, "distribution": "normal", "mean": 2, "sigma": 1}
    assert values(bell, [0.5])[0] == pytest.approx(2, abs=0.1)


def test_a_log_normal_range_is_normal_in_its_logarithm() -> None:
    bell = {"type": "float", "min": 0.01, "max": 100, "distribution": "log_normal"}
    assert values(bell, [0.0, 0.5, 1.0]) == pytest.approx([0.01, 1.0, 100.0])


def test_steps_hold_for_every_distribution() -> None:
    for distribution in ("log_uniform", "normal", "log_normal"):
        raws = [1.0, 3.3, 8.9] if distribution == "log_uniform" else [0.0, 0.4, 1.0]
        drawn = values({"type": "int", "min": 1, "max": 9, "step": 2, "distribution": distribution}, raws)
        assert all(type(value) is int and value in (1, 3, 5, 7, 9) for value in drawn)


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"type": "complex", "min": 0, "max": 1}, "unknown type"),
        ({"type": "string", "min": 0, "max": 1}, "give `values`"),
        ({"type": "bool", "min": 0, "max": 1}, "give `values`"),
        ({"type": "float", "min": 2, "max": 1}, "above max"),
        ({"type": "float", "max": 1}, "min must be a finite number"),
        ({"type": "float", "min": 0, "max": float("inf")}, "max must be a finite number"),
        ({"type": "float", "min": True, "max": 2}, "min must be a finite number"),
        ({"type": "int", "min": 1.5, "max": 2}, "whole number"),
        ({"type": "int", "min": 0, "max": 2**53 + 1}, r"2\^53"),
        ({"type": "float", "min": 0, "max": 1, "step": -1}, "step must be above 0"),
        ({"type": "float", "min": 0, "max": 1, "distribution": "log_uniform"}, "min above 0"),
        ({"type": "float", "min": 0, "max": 1, "distribution": "zipf"}, "unknown distribution"),
        ({"type": "float", "min": 0, "max": 1, "distribution": "normal", "sigma": -1}, "sigma"),
        ({"type": "int", "values": []}, "at least one value"),
        ({"type": "int", "values": "4"}, "at least one value"),
        ({"type": "int", "values": [4, 4]}, "listed twice"),
        ({"type": "float", "values": [1, 1.0]}, "listed twice"),
        ({"type": "string", "values": ["x" * 6001]}, "longer than the 6000 characters"),
        ({"type": "int", "values": [4, "6"]}, "not of type int"),
        ({"type": "int", "values": [True]}, "not of type int"),
        ({"type": "float", "values": [float("nan")]}, "not a finite number"),
    ],
)
def test_a_wrong_declaration_is_refused(declared: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dimension("x", declared)


def test_a_bell_far_away_from_the_range_is_refused() -> None:
    bell = {"type": "float", "min": 0, "max": 1, "distribution": "normal", "mean": 100, "sigma": 1}
    with pytest.raises(ValueError, match="leave nothing between"):
        values(bell, [0.5])


def test_a_grid_needs_countable_parameters() -> None:
    with pytest.raises(ValueError, match="step or a list"):
        values({"type": "float", "min": 0, "max": 1}, [0.5], grid=True)
