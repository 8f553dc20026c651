"""Hyperband: Katib's tables, one rung after another, and what failures, limits and restarts make of them."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hyperband import Brackets, schedule
from samplers import Unsuitable
from searchservice import Service
from searchspace import dimension
from trials import Ledger, Rules, Trial

from mlwright.passes import check_hyperband

TABLES = json.loads((Path(__file__).parent / "brackets.json").read_text())
SPACE = [
    dimension("lr", {"type": "float", "min": 0.001, "max": 1, "distribution": "log_uniform"}),
    dimension("epochs", {"type": "int", "min": 1, "max": 81}),
    dimension("kind", {"type": "string", "values": ["a", "b"]}),
]
NINE = {"r_l": 9, "resource_name": "epochs"}


def table(most: float, eta: int) -> list[list[list[int]]]:
    brackets: list[list[list[int]]] = []
    for rung in schedule(most, eta):
        if rung.first:
            brackets.append([])
        brackets[-1].append([rung.size, rung.resource])
    return brackets


@pytest.mark.parametrize("case", TABLES, ids=lambda case: f"{case['r_l']} by {case['eta']}")
def test_the_schedule_is_katibs(case: dict[str, Any]) -> None:
    assert table(case["r_l"], case["eta"]) == case["brackets"]


def test_the_compiler_and_the_search_have_one_schedule() -> None:
    for eta in range(2, 8):
        for most in (*range(2, 300), 2.5, 1000, 59049, 2**53):
            rungs = [(rung.size, rung.resource) for rung in schedule(most, eta)]
            assert list(check_hyperband.schedule(most, eta)) == rungs, (most, eta)


class Search:
    """A search by hyperband with any number of workers; `value` of a trial is its learning rate unless told."""

    def __init__(self, settings: dict[str, Any] | None = None, seed: int = 3, **rules: Any) -> None:
        self.settings, self.seed = settings or NINE, seed
        self.rules = Rules(**{"maximize": True, "max_trials": 1000, "parallel": 100, **rules})
        self.ledger, self.draws = Ledger(self.rules), self.made()

    def made(self, history: Any = ()) -> Brackets:
        return Brackets(self.settings, SPACE, maximize=self.rules.maximize, seed=self.seed, history=history)

    def ask(self, worker: str) -> Trial | None:
        return self.ledger.ask(worker, self.draws)

    def tell(self, trial: Trial, value: float | None, status: str = "succeeded") -> None:
        self.ledger.tell(trial.worker, trial.number, status, value, "", "", self.draws)

    def rung(self) -> list[Trial]:
        """All trials that can be had before one has ended, each for a worker of its own."""
        trials = []
        while (trial := self.ask(f"w{len(self.ledger.trials)}")) is not None:
            trials.append(trial)
        return trials

    def restarted(self) -> Search:
        """The same search from its journal, as text."""
        other = copy.copy(self)
        other.ledger = Ledger(self.rules)
        history = other.ledger.restore(json.loads(json.dumps(self.ledger.snapshot())))
        other.draws = other.made(history)
        return other

    def asked(self) -> list[dict[str, str]]:
        return [trial.params for trial in self.ledger.trials]


def lr(trial: Trial) -> float:
    return float(trial.params["lr"])


def others(trial: Trial) -> tuple[str, str]:
    return trial.params["lr"], trial.params["kind"]


@pytest.mark.parametrize("maximize", [True, False])
@pytest.mark.parametrize("case", TABLES, ids=lambda case: f"{case['r_l']} by {case['eta']}")
def test_a_search_asks_exactly_its_table_and_promotes_the_best(case: dict[str, Any], maximize: bool) -> None:
    settings = {"r_l": case["r_l"], "eta": str(case["eta"]), "resource_name": "epochs"}
    search = Search(settings, maximize=maximize, parallel=1000)
    seen: set[tuple[str, str]] = set()
    for bracket in case["brackets"]:
        before: list[Trial] = []
        for size, resource in bracket:
            assert not search.ledger.over
            trials = search.rung()
            assert [trial.params["epochs"] for trial in trials] == [str(resource)] * size
            if before:
                best = sorted(before, key=lr, reverse=maximize)
                assert [others(trial) for trial in trials] == [others(trial) for trial in best[:size]]
            else:
                assert len({others(trial) for trial in trials} | seen) == size + len(seen), "drawn anew"
                seen |= {others(trial) for trial in trials}
            for trial in random.Random(1).sample(trials, size):  # they end in any order
                search.tell(trial, lr(trial))
            before = trials
    assert search.ledger.over == "brackets" and search.ask("new") is None


def test_a_rung_waits_for_the_last_trial_of_the_one_before() -> None:
    search = Search()
    first = search.rung()
    for trial in first[:-1]:
        search.tell(trial, lr(trial))
        assert search.ask("idle") is None and not search.ledger.over
    assert search.ask(first[-1].worker) is first[-1], "who has a trial gets it again"
    search.tell(first[-1], 0.0)
    assert [trial.params["epochs"] for trial in search.rung()] == ["3"] * 3


@pytest.mark.parametrize("parallel", [1, 2, 4])
def test_the_schedule_does_not_depend_on_how_many_trials_run_at_once(parallel: int) -> None:
    whole, narrow = Search(), Search(parallel=parallel)
    for search in (whole, narrow):
        while trials := search.rung():
            assert len(trials) <= search.rules.parallel
            for trial in trials:
                search.tell(trial, lr(trial))
    assert narrow.ledger.over == "brackets"
    assert narrow.asked() == whole.asked() and len(whole.asked()) == 23


def test_of_equal_trials_the_earlier_ones_are_promoted() -> None:
    search = Search()
    first = search.rung()
    for trial in reversed(first):
        search.tell(trial, 0.5)
    assert [others(trial) for trial in search.rung()] == [others(trial) for trial in first[:3]]


def test_a_trial_that_failed_or_had_no_value_is_not_promoted() -> None:
    search = Search()
    first = search.rung()
    for trial in first[:6]:
        search.tell(trial, 1.0, "failed")
    search.tell(first[6], float("nan"))
    search.tell(first[7], 0.1)
    search.tell(first[8], 0.2)
    second = search.rung()
    assert [others(trial) for trial in second] == [others(first[8]), others(first[7])], "two are left for three places"
    for trial in second:
        search.tell(trial, 0.5)
    assert [trial.params["epochs"] for trial in search.rung()] == ["9"]


def test_a_rung_of_failures_ends_its_bracket_and_the_search_goes_on() -> None:
    search = Search()
    for trial in search.rung():
        search.tell(trial, None, "failed")
    second = search.rung()
    assert [trial.params["epochs"] for trial in second] == ["3"] * 5, "the second bracket"
    for trial in second:
        search.tell(trial, lr(trial))
    for trial in search.rung():
        search.tell(trial, None, "failed")
    last = search.rung()
    assert [trial.params["epochs"] for trial in last] == ["9"] * 3
    for trial in last:
        search.tell(trial, None, "failed")
    assert search.ledger.over == "brackets" and search.ledger.best is not None


def test_a_search_whose_trials_all_fail_has_failed() -> None:
    search = Search()
    while trials := search.rung():
        for trial in trials:
            search.tell(trial, None, "failed")
    assert len(search.asked()) == 9 + 5 + 3
    assert search.ledger.over == "failed: no trial succeeded"


def test_the_limit_of_failures_holds() -> None:
    search = Search(max_failed=1)
    first = search.rung()
    search.tell(first[0], None, "failed")
    assert not search.ledger.over
    search.tell(first[1], None, "failed")
    assert search.ledger.over == "failed: 2 trials failed, 1 may fail"
    assert search.ask("new") is None


@pytest.mark.parametrize(("most", "epochs"), [(4, [1] * 4), (9, [1] * 9), (11, [1] * 9 + [3] * 2), (23, None)])
def test_fewer_trials_than_the_schedule_has_end_it_there(most: int, epochs: list[int] | None) -> None:
    search = Search(max_trials=most)
    while trials := search.rung():
        for trial in trials:
            search.tell(trial, lr(trial))
    assert len(search.asked()) == most
    assert epochs is None or [int(params["epochs"]) for params in search.asked()] == epochs
    assert search.ledger.over == ("trials" if epochs else "brackets")


def test_a_good_enough_value_ends_it_in_the_middle_of_a_rung() -> None:
    search = Search(stop_at=0.9)
    first = search.rung()
    search.tell(first[4], 0.95)
    assert search.ledger.over == "goal" and search.ask("new") is None
    assert not search.ledger.heartbeat(first[0].worker, first[0].number)
    search.tell(first[0], 0.1, "stopped")
    assert search.ledger.over == "goal"


def test_a_restart_at_any_point_changes_nothing() -> None:
    def step(search: Search, turn: random.Random) -> None:
        running = search.ledger.running()
        trial = search.ask(f"w{len(search.ledger.trials)}") if turn.random() < 0.6 else None
        if trial is None and running:
            ended = turn.choice(running)
            search.tell(ended, *((None, "failed") if turn.random() < 0.2 else (lr(ended), "succeeded")))

    def whole(restarts: bool) -> Search:
        search, turn = Search(), random.Random(5)
        while not search.ledger.over:
            step(search, turn)
            search = search.restarted() if restarts else search
        return search

    plain, restarted = whole(False), whole(True)
    assert restarted.asked() == plain.asked() and len(plain.asked()) > 15
    assert (restarted.ledger.over, restarted.ledger.events) == (plain.ledger.over, plain.ledger.events)


def test_a_restart_elsewhere_goes_on_from_what_was_drawn() -> None:
    search = Search(seed=3)
    first = search.rung()
    for trial in first:
        search.tell(trial, lr(trial))
    search.seed = 4  # as if another version of the sampler drew other numbers
    again = search.restarted()
    best = sorted(first, key=lr, reverse=True)
    assert [others(trial) for trial in again.rung()] == [others(trial) for trial in best[:3]]


def test_a_lost_worker_does_not_hold_up_a_rung_and_its_late_answer_changes_nothing() -> None:
    journal: list[Any] = []
    search = Search(parallel=9)
    service = Service(
        search.ledger,
        search.draws,
        tuning_run="run",
        objective="auc",
        heartbeat=0.0,
        journal=journal.append,
        say=lambda line: None,
    )

    def post(path: str, **request: Any) -> dict[str, Any]:
        code, answer = service.answer("POST", path, json.dumps(request).encode())
        assert code == 200, answer
        return answer

    numbers = [post("/ask", worker=f"w{number}")["trial"] for number in range(9)]
    assert post("/ask", worker="idle") == {"wait": 0.0}
    for number in numbers[:-1]:
        told = {"worker": f"w{number}", "trial": number, "status": "succeeded", "value": number, "run_id": ""}
        assert post("/tell", **told) == post("/tell", **told) == {"ok": True}
    assert "wait" in post("/ask", worker="idle")
    service.drop_silent_workers()
    asked = post("/ask", worker="idle")
    assert asked["params"] == {**search.ledger.trials[7].params, "epochs": "3"}
    assert post("/ask", worker="idle") == asked
    assert post("/tell", worker="w8", trial=8, status="succeeded", value=99, run_id="") == {"ok": True}
    assert [post("/ask", worker=f"w{number}")["params"]["epochs"] for number in (0, 1)] == ["3", "3"]
    assert "wait" in post("/ask", worker="w2")
    assert [trial["status"] for trial in journal[-1]["trials"]].count("failed") == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"resource_name": "epochs"}, "r_l of hyperband must be a number above 0"),
        ({"r_l": "much", "resource_name": "epochs"}, "r_l of hyperband must be a number above 0"),
        ({"r_l": 1, "resource_name": "epochs"}, "r_l of hyperband must be above 1"),
        ({"r_l": 1e300, "resource_name": "epochs"}, "at most 2.53"),
        ({"r_l": 9, "eta": 1, "resource_name": "epochs"}, "eta of hyperband must be a whole number of at least 2"),
        ({"r_l": 9, "eta": 2.5, "resource_name": "epochs"}, "eta of hyperband must be a whole number"),
        ({"r_l": 9}, "resource_name of hyperband must be text"),
        ({"r_l": 9, "resource_name": 3}, "resource_name of hyperband must be text"),
        ({"r_l": 9, "resource_name": "steps"}, "resource 'steps' is not an int of the space"),
        ({"r_l": 9, "resource_name": "lr"}, "resource 'lr' is not an int of the space"),
        ({**NINE, "random_state": 1}, "unknown setting random_state of hyperband"),
    ],
)
def test_settings_that_make_no_schedule_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(Unsuitable, match=message):
        Brackets(settings, SPACE, maximize=True, seed=1)


def test_a_resource_alone_is_nothing_to_search() -> None:
    with pytest.raises(Unsuitable, match="needs a parameter beside its resource"):
        Brackets(NINE, SPACE[1:2], maximize=True, seed=1)
