"""The trial worker against a scripted search service, and a trial that an operator starts."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

Answer = dict[str, Any]


class Search:
    """Answers from a script and remembers what it was told."""

    def __init__(self, asks: list[Answer], report: Callable[[Answer], Answer], failures: int = 0) -> None:
        self.asks, self.report, self.failures = asks, report, failures
        self.heard: list[tuple[str, Answer]] = []

    def answer(self, path: str, body: Answer) -> Answer | None:
        if self.failures:
            self.failures -= 1
            return None
        self.heard.append((path, body))
        if path == "/ask":
            return self.asks.pop(0) if self.asks else {"done": True}
        return self.report(body) if path == "/report" else {"ok": True}

    def told(self, path: str) -> list[Answer]:
        return [body for p, body in self.heard if p == path]


@contextmanager
def serving(search: Search) -> Iterator[str]:
    """The service's address while it is up."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = search.answer(self.path, body)
            data = json.dumps(answer).encode()
            self.send_response(503 if answer is None else 200)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def trial(pipeline: Any, script: str, **fields: Any) -> dict[str, Any]:
    document: dict[str, Any] = pipeline.document(
        "training",
        kind="trial",
        tuning="tuning",
        command={"script": script},
        params={"lr": {"type": "float", "default": 0.5}, "kind": {"type": "string", "default": "none"}},
        objective={"metric": "auc", "goal": "maximize", "reduce": "best"},
        metrics={"auc": {"goal": "maximize", "reduce": "best"}},
        space={"lr": {"type": "float", "min": 0, "max": 1}, "kind": {"type": "string", "values": ["a b", '"c"']}},
    )
    return document | fields


def test_a_worker_asks_runs_reports_and_tells_until_done(pipeline: Any) -> None:
    tuning = pipeline.make_run({"mlwright.step": "tuning", "mlwright.kind": "tuning"}, status="RUNNING")
    asks = [
        {"wait": 0.05},
        {"trial": 0, "params": {"lr": "0.1"}, "tuning_run": tuning},
        {"trial": 1, "params": {"lr": "0.2"}, "tuning_run": tuning},
        {"trial": 2, "params": {"lr": "fast"}, "tuning_run": tuning},
        {"trial": 3, "params": {"lr": "0.4"}, "tuning_run": tuning},
    ]
    script = "case $MLWRIGHT_PARAM_LR in 0.1) echo auc=0.9; echo auc=0.7;; 0.2) exit 3;; *) true;; esac"
    search = Search(asks, lambda body: {"stop": False}, failures=1)
    with serving(search) as url:
        ended = pipeline.launch(trial(pipeline, script), MLWRIGHT_SEARCH_URL=url, MLWRIGHT_HEARTBEAT="0.05")
    assert ended.code == 0, ended.err
    assert [(t["trial"], t["status"], t["value"]) for t in search.told("/tell")] == [
        (0, "succeeded", 0.9),
        (1, "failed", None),
        (2, "failed", None),
        (3, "failed", None),
    ]
    assert search.told("/tell")[3]["reason"] == "no value of auc"
    assert [(r["step"], r["value"]) for r in search.told("/report")] == [(0, 0.9), (1, 0.7)]
    assert search.told("/heartbeat")
    runs = pipeline.runs(kind="trial")
    assert [r["status"] for r in runs] == ["FINISHED", "FAILED", "FAILED", "FINISHED"]
    assert [r["tags"]["mlwright.trial"] for r in runs] == ["0", "1", "2", "3"]
    assert {r["tags"]["mlflow.parentRunId"] for r in runs} == {tuning}
    assert search.told("/tell")[0]["run_id"] == runs[0]["id"]


def test_a_trial_that_is_told_to_stop_ends_at_once(pipeline: Any) -> None:
    tuning = pipeline.make_run({"mlwright.step": "tuning", "mlwright.kind": "tuning"}, status="RUNNING")
    asks = [{"trial": 7, "params": {"lr": "0.1"}, "tuning_run": tuning}]
    search = Search(asks, lambda body: {"stop": True})
    with serving(search) as url:
        ended = pipeline.launch(trial(pipeline, "echo auc=0.4; sleep 60"), MLWRIGHT_SEARCH_URL=url)
    assert ended.code == 0
    (told,) = search.told("/tell")
    assert (told["status"], told["value"]) == ("stopped", 0.4)
    run = pipeline.only(kind="trial")
    assert (run["status"], run["tags"]["mlwright.status"]) == ("FINISHED", "stopped")


def test_a_silent_trial_ends_when_the_search_has_what_it_wanted(pipeline: Any) -> None:
    tuning = pipeline.make_run({"mlwright.step": "tuning", "mlwright.kind": "tuning"}, status="RUNNING")
    search = Search([{"trial": 3, "params": {"lr": "0.1"}, "tuning_run": tuning}], lambda body: {"stop": False})
    answer = search.answer

    def enough(path: str, body: Answer) -> Answer | None:
        told = answer(path, body)
        return {"stop": True} if path == "/heartbeat" else told

    search.answer = enough  # type: ignore[method-assign]
    with serving(search) as url:
        document = trial(pipeline, "sleep 60")
        ended = pipeline.launch(document, MLWRIGHT_SEARCH_URL=url, MLWRIGHT_HEARTBEAT="0.2")
    assert ended.code == 0
    assert [told["status"] for told in search.told("/tell")] == ["stopped"]


def test_a_search_that_ended_lets_the_worker_end_too(pipeline: Any) -> None:
    tuning = pipeline.make_run({"mlwright.step": "tuning", "mlwright.kind": "tuning"})
    search = Search([{"trial": 0, "params": {}, "tuning_run": tuning}], lambda body: {"stop": False})
    answer = search.answer

    def last(path: str, body: Answer) -> Answer | None:
        told = answer(path, body)
        search.failures = 1000 if path == "/tell" else 0
        return told

    search.answer = last  # type: ignore[method-assign]
    with serving(search) as url:
        ended = pipeline.launch(trial(pipeline, "echo auc=1"), MLWRIGHT_SEARCH_URL=url)
    assert ended.code == 0, ended.err


def test_a_search_that_never_comes_is_said_with_69(pipeline: Any) -> None:
    given = {"MLWRIGHT_SEARCH_URL": "http://127.0.0.1:9", "MLWRIGHT_SEARCH_PATIENCE": "0.3"}
    ended = pipeline.launch(trial(pipeline, "true"), **given)
    assert (ended.code, "cannot reach the search at http://127.0.0.1:9" in ended.err) == (69, True)


def test_an_operators_trial_gets_texts_as_indices(pipeline: Any) -> None:
    tuning = pipeline.make_run({"mlwright.step": "tuning", "mlwright.kind": "tuning"}, status="RUNNING")
    given = {"MLWRIGHT_PARAM_KIND": "1", "MLWRIGHT_PARAM_LR": "0.25", "MLWRIGHT_TRIAL": "katib-x7"}
    ended = pipeline.launch(trial(pipeline, "echo auc=0.5"), **given)
    assert (ended.code, ended.out) == (0, b"auc=0.5\n")
    run = pipeline.only(kind="trial")
    assert run["params"] == {"kind": '"c"', "lr": "0.25"}
    assert (run["tags"]["mlwright.trial"], run["tags"]["mlflow.parentRunId"]) == ("katib-x7", tuning)
    assert pipeline.launch(trial(pipeline, "true"), **(given | {"MLWRIGHT_PARAM_KIND": "2"})).code == 64


@pytest.mark.parametrize("source", [{"type": "tensorboard", "path": "/logs"}, {"type": "prometheus", "port": 8080}])
def test_an_operators_trial_leaves_metrics_to_it_that_only_it_reads(pipeline: Any, source: Answer) -> None:
    document = trial(pipeline, "echo auc=0.5", metrics_from=source)
    ended = pipeline.launch(document, MLWRIGHT_PARAM_KIND="1", MLWRIGHT_PARAM_LR="1", MLWRIGHT_TRIAL="katib-x8")
    assert (ended.code, ended.out) == (0, b"auc=0.5\n")
    run = pipeline.only(kind="trial", trial="katib-x8")
    assert (run["status"], run["metrics"]) == ("FINISHED", {})
    given = {"MLWRIGHT_SEARCH_URL": "http://127.0.0.1:9", "MLWRIGHT_SEARCH_PATIENCE": "0.3"}
    assert pipeline.launch(document, **given).code != 0


def test_a_trial_of_a_population_keeps_its_checkpoints_where_it_is_told(pipeline: Any, tmp_path: Path) -> None:
    folder = tmp_path / "ckpt"
    document = trial(pipeline, 'echo 1 > "$MLWRIGHT_CHECKPOINT_DIR/state"; echo auc=0.5')
    document["checkpoints"] = {"path": str(folder), "resume": True, "whole": True}
    ended = pipeline.launch(document, MLWRIGHT_PARAM_KIND="1", MLWRIGHT_PARAM_LR="1", MLWRIGHT_TRIAL="katib-x9")
    assert ended.code == 0, ended.err
    assert (folder / "state").read_text() == "1\n"


def test_the_best_parameters_are_looked_up(pipeline: Any) -> None:
    run = pipeline.make_run({"mlwright.step": "tuning", "mlwright.kind": "tuning"})
    pipeline.rest("POST", "runs/log-parameter", {"run_id": run, "key": "best.lr", "value": "0.125"})
    params = {"lr": {"type": "float", "default": 0.5, "from": "tuning"}}
    document = pipeline.document("train", command={"argv": [["echo"], [{"ref": "params.lr"}]]}, params=params)
    assert pipeline.launch(document, MLWRIGHT_PARAM_LR="9").out == b"0.125\n"
    missing = document | {"params": {"depth": {"type": "int", "from": "tuning"}}}
    ended = pipeline.launch(missing)
    assert (ended.code, "tuning has no best value for it" in ended.err) == (66, True)
