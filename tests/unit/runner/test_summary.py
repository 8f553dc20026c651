"""The end report: what came out, what failed and why, where to look."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlwright import ir
from mlwright.runner import serving, summary, tuning, verdict
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
        plan, results, tmp_path, endpoints=(endpoint,), gaps=("4 nodes ran as 1: train",),
        look=("mlflow server --workers 1 \\", "  --backend-store-uri 'sqlite:///a b'"),
        experiment="7", root="abc",
    )  # fmt: skip
    text = summary.text(made)
    for line in (
        "Run 01234567 of demo (local, pipeline main) succeeded after 1 min 01 s",
        "  = train     2.0 s  cached",
        "Best parameters  lr=0.1 (auc 0.97)",
        "Gate floor       passed: auc 0.97, limit 0.5",
        "Model            m version 3, aliases challenger, champion",
        'Response         serving.s: {"predictions": [1]}',
        "  - 4 nodes ran as 1: train",
    ):
        assert line in text.splitlines()
    assert text.splitlines()[-7:] == [
        "The tracking server has stopped. To look at this run, start it again:",
        "",
        "  mlflow server --workers 1 \\",
        "    --backend-store-uri 'sqlite:///a b'",
        "",
        "and then open",
        "  http://127.0.0.1:5000/#/experiments/7/runs/abc",
    ]
    assert "--resume" not in text
    assert json.loads(json.dumps(summary.as_json(made, 0)))["nodes"]["registry"]["version"] == "3"


def test_a_server_that_goes_on_is_linked_to_and_no_command_is_shown(
    project: Make, plan_of: Make, tmp_path: Path
) -> None:
    made = report(
        plan_of(project()), {}, tmp_path, url="http://127.0.0.1:1", look=("mlflow server",), experiment="7", root="abc"
    )
    text = summary.text(made)
    assert text.endswith("The run:\n  http://127.0.0.1:1/#/experiments/7/runs/abc")
    assert "mlflow server" not in text


def test_no_line_is_wider_than_a_terminal_but_for_what_is_copied(
    project: Make, task: Make, search: Make, plan_of: Make, tmp_path: Path
) -> None:
    space = tuple(ir.Dimension(param=f"{letter}_parameter", type="float", min=0, max=1) for letter in "cba")
    plan = plan_of(project(search(task(), space=space), task()))
    params = {f"best.{letter}_parameter": "0.48720023729374407" for letter in "abc"}
    results = {
        "tuning": Result(outcome="finished", status={"params": params, "metrics": {"best.auc": 0.97}}),
        "train": Result(outcome="failed", reason="because " * 30),
    }
    endpoint = Endpoint(service="serving.s", response='{"predictions": [' + "0.123456, " * 30)
    gaps = (f"resource requests and limits: {', '.join(f'steps.number_{n}' for n in range(12))}",)
    made = report(plan, results, tmp_path, endpoints=(endpoint,), gaps=gaps)
    rows = tuple(Row(id=node, state=r.outcome, began=1.0, ended=3.0, detail=r.reason) for node, r in results.items())
    text = summary.text(replace(made, rows=rows))
    assert max(len(line) for line in text.splitlines() if str(tmp_path) not in line) <= 80
    best = next(n for n, line in enumerate(text.splitlines()) if line.startswith("Best"))
    assert text.splitlines()[best : best + 3] == [
        "Best parameters  c_parameter=0.48720023729374407,",
        "                 b_parameter=0.48720023729374407,",
        "                 a_parameter=0.48720023729374407 (auc 0.97)",
    ]


def test_a_run_that_failed_says_how_to_go_on(project: Make, task: Make, plan_of: Make, tmp_path: Path) -> None:
    made = report(
        plan_of(project(task())),
        {"train": Result(outcome="failed")},
        tmp_path,
        verdict="failed",
        again="mlwright run -r 1",
    )
    assert "Go on with  mlwright run -r 1" in summary.text(made).splitlines()


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
        (
            {"passed": False, "reason": "champion_run_missing", "value": 1.0},
            "failed: auc 1, and the run that made champion is not in this experiment",
        ),
        ({"passed": False, "reason": "some_thing_new", "value": 1.0}, "failed: auc 1: some thing new"),
    ],
)
def test_a_gate_in_words(decision: dict[str, Any], text: str) -> None:
    result = Result(outcome="finished", status={"gates": [{"name": "floor", **decision}]})
    assert list(verdict.gates(gate(versus="champion"), result)) == [("floor", text)]


@pytest.mark.parametrize(
    ("decisions", "text"),
    [
        (
            [{"name": "floor", "passed": False, "reason": "below_min", "value": 0.8, "threshold": 0.9}],
            "floor: auc 0.8 is below 0.9",
        ),
        ([{"name": "floor", "passed": True, "reason": "ok", "value": 0.8}], "what the program said"),
        ([], "what the program said"),
    ],
)
def test_why_gates_failed_in_one_line(decisions: list[dict[str, Any]], text: str) -> None:
    result = Result(outcome="failed", reason="what the program said", status={"gates": decisions})
    assert verdict.reason(gate(), result) == text


def test_a_gate_that_was_not_decided_is_not_mentioned(project: Make, plan_of: Make) -> None:
    result = Result(outcome="failed", reason="e has no finished run")
    assert list(verdict.gates(gate(), result)) == []
    (failure,) = summary.failures(plan_of(project(gate())), {"e.gates": result}, ())
    assert failure.message == "e.gates failed: e has no finished run"


def test_a_failed_gate_is_a_failure_of_its_own_kind(project: Make, plan_of: Make) -> None:
    status = {"gates": [{"name": "floor", "passed": False, "reason": "below_min", "value": 0.8, "threshold": 0.9}]}
    (failure,) = summary.failures(plan_of(project(gate())), {"e.gates": Result(outcome="failed", status=status)}, ())
    assert (failure.code, failure.message) == ("RUN011", "gate floor failed: auc 0.8 is below 0.9")
    assert (failure.at.path, failure.at.on) == (("here", "floor"), "key")


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
                "best": {"value": 0.123456789, "params": {"lr": "0.48720023729374407", "depth": "4"}},
            },
            "2/8 trials, 1 failed, best auc=0.123457 (lr=0.4872, depth=4)",
        ),
    ],
)
def test_tunings_progress_in_one_line(task: Make, search: Make, status: dict[str, Any], text: str) -> None:
    assert tuning.progress(search(task(), max_trials=8), status) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.48720023729374407", "0.4872"),
        ("-1234.5678", "-1235"),
        ("2.0194502448102292e-05", "2.019e-05"),
        ("0.1", "0.1"),
        ("1e-05", "1e-05"),
        ("12345678901234", "12345678901234"),
        ("1.10.2345678", "1.10.2345678"),
        ("adamw", "adamw"),
        ("nan", "nan"),
    ],
)
def test_progress_shortens_long_fractions_and_nothing_else(value: str, text: str) -> None:
    assert tuning.brief(value) == text


@pytest.mark.parametrize(
    ("body", "text"),
    [(b'{"a": 1}\n', '{"a": 1}'), (b"a\n  b", "a b"), (b"\xff", "�"), (b"x" * 500, "x" * 400 + "...")],
)
def test_a_response_on_one_line(body: bytes, text: str) -> None:
    assert serving.shortened(body) == text
