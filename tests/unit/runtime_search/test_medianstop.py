"""medianstop decides as Katib's does: a mean, of succeeded trials, of their first start_step values."""

from __future__ import annotations

import pytest
from medianstop import MedianStop, medianstop

# (goal, succeeded series, threshold) with start_step 4 and min_trials_required 3, Katib's defaults.
THRESHOLDS = [
    pytest.param("maximize", [], None, id="no trial yet"),
    pytest.param("maximize", [[0.5] * 4, [0.6] * 4], None, id="two trials are too few"),
    pytest.param("maximize", [[0.5] * 4, [0.6] * 4, [1.0] * 4], 0.7, id="the mean, where the median is 0.6"),
    pytest.param("maximize", [[0.1, 0.2, 0.3, 0.4, 9.0]] * 3, 0.25, id="only the first four values count"),
    pytest.param("maximize", [[0.2], [0.4], [0.6]], 0.4, id="shorter series count with what they have"),
    pytest.param("maximize", [[0.5], [0.5], []], None, id="a trial that reported nothing does not count"),
    pytest.param("minimize", [[3.0] * 4, [1.0] * 4, [2.0] * 4], 2.0, id="the goal does not change the threshold"),
]


@pytest.mark.parametrize(("goal", "succeeded", "threshold"), THRESHOLDS)
def test_the_threshold_is_the_mean_of_averages(
    goal: str, succeeded: list[list[float]], threshold: float | None
) -> None:
    rule = MedianStop(maximize=goal == "maximize")
    assert rule.threshold(succeeded) == (threshold if threshold is None else pytest.approx(threshold))


# (goal, threshold, values reported so far, stops)
DECISIONS = [
    pytest.param("maximize", None, [0.0, 0.0, 0.0, 0.0], False, id="no threshold, no stop"),
    pytest.param("maximize", 0.5, [0.1, 0.1, 0.1], False, id="too early to tell"),
    pytest.param("maximize", 0.5, [0.1, 0.1, 0.1, 0.1], True, id="worse at start_step"),
    pytest.param("maximize", 0.5, [0.1, 0.1, 0.1, 0.5], False, id="equal is not worse"),
    pytest.param("maximize", 0.5, [0.6, 0.1, 0.1, 0.1], False, id="the best so far counts, not the latest"),
    pytest.param("maximize", 0.5, [0.1] * 9, True, id="worse after start_step"),
    pytest.param("minimize", 0.5, [0.9, 0.9, 0.9, 0.6], True, id="minimize: larger is worse"),
    pytest.param("minimize", 0.5, [0.9, 0.4, 0.9, 0.9], False, id="minimize: the smallest so far counts"),
]


@pytest.mark.parametrize(("goal", "threshold", "reported", "stops"), DECISIONS)
def test_a_trial_stops_when_its_best_value_is_worse_than_the_threshold(
    goal: str, threshold: float | None, reported: list[float], stops: bool
) -> None:
    maximize = goal == "maximize"
    best = max(reported) if maximize else min(reported)
    assert MedianStop(maximize=maximize).stops(threshold, len(reported), best) is stops


def test_settings_may_be_text_as_in_katib() -> None:
    rule = medianstop("medianstop", {"min_trials_required": "2", "start_step": 5}, maximize=True)
    assert (rule.min_trials_required, rule.start_step) == (2, 5)


# Katib's own validation cases.
@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("unknown", {}, "unknown early stopping"),
        ("medianstop", {"unknown_conf": "100"}, "unknown setting unknown_conf"),
        ("medianstop", {"min_trials_required": "-1"}, "min_trials_required"),
        ("medianstop", {"min_trials_required": "0"}, "min_trials_required"),
        ("medianstop", {"start_step": "0"}, "start_step"),
        ("medianstop", {"start_step": "two"}, "start_step"),
        ("medianstop", {"start_step": True}, "start_step"),
    ],
)
def test_wrong_settings_are_refused(name: str, settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        medianstop(name, settings, maximize=True)
