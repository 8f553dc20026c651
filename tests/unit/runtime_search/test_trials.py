"""The rules of a search: who gets a trial, what it is worth, when it all ends. Every answer is idempotent."""

from __future__ import annotations

import json
import math

import pytest
from medianstop import MedianStop
from trials import Ledger, Rejected, Rules, Trial


class Counting:
    """Draws 0, 1, 2, ... and remembers what it was told."""

    end = "grid"

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit
        self.drawn = 0
        self.told: dict[int, float | None] = {}

    def ask(self) -> dict[str, float]:
        self.drawn += 1
        return {"x": self.drawn - 1}

    def tell(self, number: int, value: float | None) -> None:
        self.told[number] = value

    def values(self, raw: dict[str, float]) -> dict[str, str]:
        return {"x": str(raw["x"])}


class Search:
    """A ledger with its draws, driven by short names."""

    def __init__(self, limit: int | None = None, **rules: object) -> None:
        defaults: dict[str, object] = {"maximize": True, "max_trials": 10, "parallel": 2}
        self.ledger = Ledger(Rules(**{**defaults, **rules}))  # type: ignore[arg-type]
        self.draws = Counting(limit)

    def ask(self, worker: str = "a") -> Trial | None:
        return self.ledger.ask(worker, self.draws)

    def tell(self, number: int, value: float | None = None, status: str = "succeeded", worker: str = "a") -> bool:
        return self.ledger.tell(worker, number, status, value, f"run-{number}", "", self.draws)

    def trial(self, *series: float, value: float | None = None, status: str = "succeeded") -> Trial:
        """One whole trial of worker `a`."""
        trial = self.ask()
        assert trial is not None
        for step, reported in enumerate(series):
            self.ledger.report("a", trial.number, step, reported)
        self.tell(trial.number, value, status)
        return trial


@pytest.mark.parametrize(("reduce", "value"), [("best", 0.9), ("last", 0.7)])
def test_a_series_is_worth_its_best_or_its_last_value(reduce: str, value: float) -> None:
    search = Search(reduce=reduce)
    assert search.trial(0.9, 0.7).value == value
    assert search.draws.told == {0: value}


@pytest.mark.parametrize(("reduce", "value"), [("best", 0.2), ("last", 0.4)])
def test_the_best_of_a_minimized_series_is_its_smallest_value(reduce: str, value: float) -> None:
    assert Search(reduce=reduce, maximize=False).trial(0.9, 0.2, math.nan, 0.4).value == value


def test_a_told_value_wins_over_the_series() -> None:
    assert Search().trial(0.9, 0.7, value=0.5).value == 0.5


def test_reports_that_arrive_out_of_order_or_twice_change_nothing() -> None:
    search = Search(reduce="last")
    search.ask()
    for step, value in ((1, 0.7), (0, 0.9), (1, 0.7)):
        search.ledger.report("a", 0, step, value)
    search.tell(0)
    assert search.ledger.trials[0].value == 0.7


def test_a_worker_that_asks_twice_gets_its_trial_again() -> None:
    search = Search()
    assert search.ask() is search.ask()
    assert search.draws.drawn == 1


def test_only_as_many_trials_run_as_allowed() -> None:
    search = Search(parallel=2)
    assert [bool(search.ask(worker)) for worker in "abc"] == [True, True, False]
    search.tell(0, 0.5)
    assert search.ask("c") is not None


def test_a_trial_is_told_once_and_the_first_word_counts() -> None:
    search = Search()
    search.ask()
    assert search.tell(0, 0.5)
    assert not search.tell(0, 0.9)
    assert not search.tell(0, None, "failed")
    assert search.ledger.trials[0].value == 0.5 and search.draws.told == {0: 0.5}


def test_the_best_trial_is_the_first_of_equals() -> None:
    search = Search()
    for value in (0.3, 0.8, 0.8, 0.1):
        search.trial(value=value)
    assert search.ledger.best is search.ledger.trials[1]


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_success_without_a_finite_objective_is_a_failure(value: float | None) -> None:
    trial = Search().trial(value=value)
    assert trial.status == "failed" and trial.reason.startswith("the objective is")


def test_a_stopped_trial_is_a_lesson_but_never_the_best() -> None:
    search = Search()
    search.trial(0.9, status="stopped")
    assert search.draws.told == {0: 0.9} and search.ledger.best is None


def test_a_lost_trial_failed_and_its_worker_is_told_to_stop() -> None:
    search = Search()
    search.ask()
    assert search.ledger.lose(0, "gone", search.draws)
    assert not search.ledger.lose(0, "gone", search.draws)
    assert search.ledger.trials[0].status == "failed" and search.draws.told == {0: None}
    assert search.ledger.report("a", 0, 0, 0.5) is True
    assert search.ledger.heartbeat("a", 0) is False
    assert search.tell(0, 0.9) is False


def test_the_search_ends_after_max_trials_of_any_kind() -> None:
    search = Search(max_trials=3)
    search.trial(value=0.1)
    search.trial(status="failed")
    assert search.ledger.over == ""
    search.trial(value=0.2)
    assert search.ledger.over == "trials" and not search.ledger.failed
    assert search.ask() is None


def test_the_last_trials_are_waited_for() -> None:
    search = Search(max_trials=2)
    search.ask("a"), search.ask("b")
    search.tell(0, 0.5)
    assert search.ask("a") is None and search.ledger.over == ""
    search.tell(1, 0.5, worker="b")
    assert search.ledger.over == "trials"


def test_a_grid_ends_with_its_last_point() -> None:
    search = Search(limit=2)
    search.trial(value=0.1)
    search.trial(value=0.2)
    assert search.ledger.over == "grid" and search.draws.drawn == 2


@pytest.mark.parametrize(("maximize", "good", "bad"), [(True, 0.95, 0.9), (False, 0.1, 0.2)])
def test_the_search_stops_at_its_goal(maximize: bool, good: float, bad: float) -> None:
    search = Search(maximize=maximize, stop_at=good)
    search.trial(value=bad)
    assert search.ledger.over == ""
    assert search.ask("b") is not None
    search.trial(value=good)
    assert search.ledger.over == "goal" and search.ask("c") is None
    assert search.ledger.report("b", 1, 0, 0.0) is True, "the trials that still run are stopped"


@pytest.mark.parametrize("max_failed", [0, 1, 3])
def test_one_failure_more_than_allowed_fails_the_search(max_failed: int) -> None:
    search = Search(max_failed=max_failed)
    search.trial(value=0.5)
    for _ in range(max_failed):
        search.trial(status="failed")
    assert search.ledger.over == ""
    search.trial(status="failed")
    assert search.ledger.failed and f"{max_failed + 1} trials failed" in search.ledger.over


def test_without_a_limit_failures_end_nothing_but_no_success_is_a_failure() -> None:
    search = Search(max_trials=4)
    for _ in range(3):
        search.trial(status="failed")
    assert search.ledger.over == ""
    search.trial(status="failed")
    assert search.ledger.over == "failed: no trial succeeded"


def test_early_stopping_holds_a_trial_to_the_threshold_of_its_start() -> None:
    search = Search(stopper=MedianStop(maximize=True, min_trials_required=1, start_step=2))
    early = search.ask("b")
    search.trial(0.5, 0.7)
    late = search.ask("a")
    assert early is not None and late is not None
    assert [search.ledger.report("b", early.number, step, 0.1) for step in range(4)] == [False] * 4
    assert [search.ledger.report("a", late.number, step, 0.1) for step in range(2)] == [False, True]
    assert late.threshold == pytest.approx(0.6)


def test_stopped_trials_do_not_move_the_threshold() -> None:
    search = Search(stopper=MedianStop(maximize=True, min_trials_required=1, start_step=2))
    search.trial(0.5, 0.7)
    search.trial(0.1, 0.1, status="stopped")
    search.trial(status="failed")
    following = search.ask()
    assert following is not None and following.threshold == pytest.approx(0.6)


@pytest.mark.parametrize(("worker", "number", "code"), [("a", 7, 404), ("a", -1, 404), ("b", 0, 409)])
def test_foreign_and_unknown_trials_are_rejected(worker: str, number: int, code: int) -> None:
    search = Search()
    search.ask()
    with pytest.raises(Rejected) as rejected:
        search.ledger.report(worker, number, 0, 0.5)
    assert rejected.value.code == code
    with pytest.raises(Rejected):
        search.tell(number, 0.5, worker=worker)
    assert search.ledger.trials[0].status == "running"


def test_a_snapshot_survives_json_and_goes_on() -> None:
    search = Search(stopper=MedianStop(maximize=True, min_trials_required=1, start_step=2))
    search.trial(0.5, 0.7, 0.6)
    search.trial(status="failed")
    running = search.ask()
    assert running is not None
    search.ledger.report("a", 2, 0, 0.9)
    restored = Ledger(search.ledger.rules)
    history = restored.restore(json.loads(json.dumps(search.ledger.snapshot())))
    assert restored.trials == search.ledger.trials
    assert [type(event).__name__ for event in history] == ["Asked", "Told", "Asked", "Told", "Asked"]
    assert restored.ask("a", search.draws) == running
    assert restored.tell("a", 2, "succeeded", None, "", "", search.draws)
    assert restored.trials[2].value == 0.9
