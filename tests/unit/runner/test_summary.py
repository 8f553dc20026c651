"""The end report: what came out, what failed and why, where to look."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from mlwright import ir
from mlwright.runner import serving, summary, tuning
from mlwright.runner.board import Row
from mlwright.runner.plan import Plan
from mlwright.runner.result import Result
from mlwright.runner.serving import Endpoint

ORIGIN = ir.Origin(path=("here",))
Make = Callable[..., Any]


def gate(**fields: Any) -> ir.Gates:
    one = ir.Gate(name="floor", metric="auc", **fields)
    return ir.Gates(id="e.gates", name="g", step="e", model="m", gates=(one,), metrics=(), origin=ORIGIN)


def report(plan: Plan, results: Mapping[str, Result], folder: Path, **fields: Any) -> summary.Report:
    rows = tuple(Row(id=node, state=result.outcome, began=1.0, ended=3.0) for node, result in results.items())
    values: dict[str, Any] = {
        "run_id": "0123456789",
        "verdict": "succeeded",
        "seconds": 61.0,
        "endpoints": (),
        "gaps": (),
        **fields,
    }
    return summary.Report(plan=plan, rows=rows, results=results, folder=folder, **values)


def test_the_report_of_a_run_that_succeeded(
    project: Make, task: Make, search: Make, plan_of: Make, tmp_path: Path
) -> None:
    registration = ir.Registration(id="registry", name="r", model="m", step="train", output="model", origin=ORIGIN)
    plan = plan_of(project(search(task()), task(), gate(min=0.5), registration))
    results = {
        "tuning": Result(outcome="finished", status={"params": {"best.lr": "0.1"}, "metrics": {"best.auc": 0.97}}),
        "train": Result(outcome="cached"),
        "e.gates": Result(
            outcome="finished",
            status={"gates": [{"name": "floor", "passed": True, "reason": "ok", "value": 0.97, "threshold": 0.5}]},
        ),
        "registry": Result(outcome="finished", status={"version": "3", "aliases": ["challenger", "champion"]}),
    }
    endpoint = Endpoint(service="serving.s", url="http://127.0.0.1:1", response='{"predictions": [1]}')
    made = report(
        plan, results, tmp_path, endpoints=(endpoint,), gaps=("4 nodes ran as 1: train",), look="mlflow server",
        experiment="7", root="abc",
    )  # fmt: skip
    text = summary.text(made)
    for line in (
        "Run 0123456789 of demo (local, pipeline main) succeeded after 1 min 01 s",
        "  = train            2.0 s  cached",
        "Best parameters        lr=0.1 (auc 0.97)",
        "Gate floor             passed: auc 0.97, limit 0.5",
        "Model                  m version 3, aliases challenger, champion",
        'Response of serving.s  {"predictions": [1]}',
        "Run                    http://127.0.0.1:5000/#/experiments/7/runs/abc",
        "  - 4 nodes ran as 1: train",
    ):
        assert line in text.splitlines()
    assert "--resume" not in text
    assert json.loads(json.dumps(summary.as_json(made, 0)))["nodes"]["registry"]["version"] == "3"


def test_a_run_that_failed_says_how_to_go_on(project: Make, task: Make, plan_of: Make, tmp_path: Path) -> None:
    made = report(plan_of(project(task())), {"train": Result(outcome="failed")}, tmp_path, verdict="failed")
    assert "mlwright run --resume 01234567" in summary.text(made)


def test_a_failure_shows_the_end_of_its_log_and_where_it_is(
    project: Make, task: Make, plan_of: Make, tmp_path: Path
) -> None:
    log = tmp_path / "log.txt"
    log.write_text("".join(f"line {n}\n" for n in range(50)))
    results = {"train": Result(outcome="failed", reason="exit code 3", log=log)}
    (failure,) = summary.failures(plan_of(project(task())), results, ())
    assert (failure.code, failure.message) == ("RUN010", "train failed: exit code 3")
    assert failure.lines[0] == "  | line 30"
    assert failure.lines[-2:] == ("  | line 49", f"the whole log: {log}")


@pytest.mark.parametrize(
    ("decision", "text"),
    [
        ({"passed": False, "reason": "below_min", "value": 0.8, "threshold": 0.85}, "failed: auc 0.8 is below 0.85"),
        ({"passed": False, "reason": "above_max", "value": 9, "threshold": 8.5}, "failed: auc 9 is above 8.5"),
        (
            {"passed": False, "reason": "worse", "value": 0.8, "threshold": 0.81},
            "failed: auc 0.8 is worse than champion, limit 0.81",
        ),
        (
            {"passed": True, "reason": "no_champion", "value": 0.8, "threshold": None},
            "passed: auc 0.8, and nothing is champion yet",
        ),
        ({"passed": True, "reason": "ok", "value": 0.8, "threshold": None}, "passed: auc 0.8"),
        ({"passed": False, "reason": "metric_missing"}, "failed: auc was not logged"),
        ({"passed": False, "reason": "champion_run_missing", "value": 1.0}, "failed: auc 1: champion run missing"),
    ],
)
def test_a_gate_in_words(decision: dict[str, Any], text: str) -> None:
    result = Result(outcome="finished", status={"gates": [{"name": "floor", **decision}]})
    assert list(summary.gates(gate(versus="champion"), result)) == [("floor", text)]


def test_a_gate_that_was_not_decided_is_not_mentioned(project: Make, plan_of: Make) -> None:
    result = Result(outcome="failed", reason="e has no finished run")
    assert list(summary.gates(gate(), result)) == []
    (failure,) = summary.failures(plan_of(project(gate())), {"e.gates": result}, ())
    assert failure.message == "e.gates failed: e has no finished run"


def test_a_failed_gate_is_a_failure_of_its_own_kind(project: Make, plan_of: Make) -> None:
    status = {"gates": [{"name": "floor", "passed": False, "reason": "below_min", "value": 0.8, "threshold": 0.9}]}
    (failure,) = summary.failures(plan_of(project(gate())), {"e.gates": Result(outcome="failed", status=status)}, ())
    assert (failure.code, failure.message) == ("RUN011", "gate floor failed: auc 0.8 is below 0.9")


def test_an_endpoint_that_does_not_serve_is_a_failure(project: Make, plan_of: Make) -> None:
    (failure,) = summary.failures(plan_of(project()), {}, [Endpoint(service="serving.s", problem="it ended")])
    assert (failure.code, failure.message) == ("RUN013", "serving.s does not serve: it ended")


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ({}, "0/8 trials"),
        ({"trials": [{"status": "running"}], "max": 3, "best": None}, "0/3 trials"),
        (
            {
                "trials": [{"status": "succeeded"}, {"status": "failed"}, {"status": "running"}],
                "max": 8,
                "best": {"value": 0.123456789, "params": {"lr": "0.1", "depth": "4"}},
            },
            "2/8 trials, 1 failed, best auc=0.123457 (lr=0.1, depth=4)",
        ),
    ],
)
def test_tunings_progress_in_one_line(task: Make, search: Make, status: dict[str, Any], text: str) -> None:
    assert tuning.progress(search(task(), max_trials=8), status) == text


@pytest.mark.parametrize(
    ("body", "text"),
    [(b'{"a": 1}\n', '{"a": 1}'), (b"a\n  b", "a b"), (b"\xff", "�"), (b"x" * 500, "x" * 400 + "...")],
)
def test_a_response_on_one_line(body: bytes, text: str) -> None:
    assert serving.shortened(body) == text
