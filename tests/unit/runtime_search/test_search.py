"""The whole search program against a real MLflow server: tuning run, result, restarts, endings, and real workers."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tracking import Run, Tracking

RUNTIME = Path(__file__).parents[3] / "compiler" / "mlwright" / "runtime"
pytestmark = pytest.mark.server

SEARCH: dict[str, Any] = {
    "version": 1,
    "kind": "search",
    "project": "churn",
    "environment": "local",
    "experiment": "churn-local",
    "spec_digest": "ab12",
    "step": "tuning",
    "name": "tuning",
    "objective": {"metric": "val_auc", "goal": "maximize", "reduce": "best"},
    "stop_at": None,
    "algorithm": {"name": "random", "settings": {"random_state": 7}},
    "space": {
        "lr": {"type": "float", "min": 0.001, "max": 0.1, "distribution": "log_uniform"},
        "depth": {"type": "int", "values": [4, 6, 8]},
    },
    "trials": {"max": 4, "parallel": 2, "max_failed": 3},
    "early_stopping": None,
    "retrain": True,
    "training": "training",
    "needs": [],
    "host": "127.0.0.1",
    "port": 0,
}

TRIAL: dict[str, Any] = {
    "version": 1,
    "kind": "trial",
    "project": "churn",
    "environment": "local",
    "experiment": "churn-local",
    "spec_digest": "ab12",
    "step": "training",
    "name": "training",
    "tuning": "tuning",
    "objective": SEARCH["objective"],
    "space": SEARCH["space"],
    "image_digest": "",
    "command": {
        "script": 'echo "val_auc=0.9$MLWRIGHT_PARAM_DEPTH"; echo val_auc=0.1; echo m > "$MLWRIGHT_OUTPUT_MODEL"'
    },
    "env": {},
    "secrets": [],
    "secret_keys": {},
    "params": {"lr": {"type": "float", "default": 0.05}, "depth": {"type": "int", "default": 6}},
    "data": {},
    "inputs": {},
    "outputs": {"model": {"type": "file"}},
    "metrics": {"val_auc": {"goal": "maximize", "pattern": "val_auc=(\\S+)", "reduce": "best"}},
    "metrics_from": {"type": "stdout"},
    "when": None,
    "run_if": "succeeded",
    "needs": [],
    "wait": False,
    "each": None,
    "for_each": None,
    "retries": {"limit": 0, "backoff": 1.0, "factor": 2.0, "max_backoff": 1.0},
    "timeout": 0,
    "cache": False,
    "distributed": {"nodes": 1, "processes_per_node": 1, "launcher": "none", "max_restarts": 0},
    "checkpoints": None,
    "autolog": [],
    "artifacts": {"type": "mlflow", "max_proxied": 5368709120},
}


class Program:
    """A started search.py: its address, its lines, its end."""

    def __init__(self, folder: Path, env: dict[str, str], document: dict[str, Any]) -> None:
        path = folder / f"search-{uuid.uuid4().hex}.json"
        path.write_text(json.dumps(document))
        self.process = subprocess.Popen(
            [sys.executable, str(RUNTIME / "search.py"), str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=env,
        )
        self.lines: list[str] = []
        self.url = ""
        assert self.process.stdout is not None
        self._output = self.process.stdout
        while not self.url:
            line = self._output.readline()
            if not line:
                break
            self.lines.append(line.rstrip())
            self.url = "".join(re.findall(r"listening on (http://\S+)", line))
        self._reader = threading.Thread(target=lambda: self.lines.extend(map(str.rstrip, self._output)), daemon=True)
        self._reader.start()

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        assert self.url, self.lines
        request = urllib.request.Request(self.url + path, json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=20) as answer:
            return dict(json.load(answer))

    def work(self, worker: str, value: Callable[[dict[str, str]], float], trials: int = 1000) -> None:
        """A worker in a few lines: tells `value` of each trial's parameters."""
        for _ in range(trials):
            asked = self.post("/ask", worker=worker)
            while "wait" in asked:
                time.sleep(0.05)
                asked = self.post("/ask", worker=worker)
            if asked.get("done"):
                return
            told = {"status": "succeeded", "value": value(asked["params"]), "run_id": ""}
            self.post("/tell", worker=worker, trial=asked["trial"], **told)

    def end(self) -> int:
        """The exit code, once every worker has been sent home."""
        for worker in ("a", "b") if self.url else ():
            with contextlib.suppress(OSError):
                self.post("/ask", worker=worker)
        try:
            code = self.process.wait(30)
        finally:
            self.process.kill()
        self._reader.join(5)
        self._output.close()
        return code


class Setting:
    """One pipeline run on the server, and the programs started in it."""

    def __init__(self, server: str, folder: Path) -> None:
        self.folder, self.status = folder, folder / "status.json"
        self.env = {name: text for name, text in os.environ.items() if not name.startswith(("MLFLOW_", "MLWRIGHT_"))}
        self.env |= {
            "MLFLOW_TRACKING_URI": server,
            "MLWRIGHT_RUN": uuid.uuid4().hex,
            "MLWRIGHT_STATUS_FILE": str(self.status),
            "MLWRIGHT_HEARTBEAT": "1",
            "MLWRIGHT_SEARCH_GRACE": "10",
        }
        self.programs: list[Program] = []

    def start(self, **changes: Any) -> Program:
        self.programs.append(Program(self.folder, self.env, {**copy.deepcopy(SEARCH), **changes}))
        return self.programs[-1]

    def tracking(self) -> Tracking:
        return Tracking(SEARCH, self.env)

    def tuning(self) -> Run:
        return self.tracking().search(step="tuning")[0]

    def said(self) -> dict[str, Any]:
        return dict(json.loads(self.status.read_text()))


@pytest.fixture
def setting(mlflow_server: str, tmp_path: Path) -> Iterator[Setting]:
    made = Setting(mlflow_server, tmp_path)
    yield made
    for program in made.programs:
        program.process.kill()
        program.process.wait(10)


def by_depth(params: dict[str, str]) -> float:
    return int(params["depth"]) / 10


def test_a_search_writes_its_best_trial_to_the_tuning_run(setting: Setting) -> None:
    search = setting.start()
    search.work("a", by_depth)
    assert search.end() == 0
    run, root = setting.tuning(), setting.tracking().root()
    assert run.status == "FINISHED"
    assert run.params["best.depth"] == "8" and run.metrics == {"best.val_auc": 0.8}
    assert 0.001 <= float(run.params["best.lr"]) <= 0.1
    assert run.tags["mlwright.kind"] == "tuning" and run.tags["mlflow.parentRunId"] == root.id
    assert run.tags["mlwright.best_trial"] == "0" and run.tags["mlwright.search_seed"] == "7"
    assert run.tags["mlwright.attempt"] == "1" and run.tags["mlwright.spec_digest"] == "ab12"
    assert len([line for line in search.lines if line.startswith("trial ")]) == 4
    assert "best val_auc=0.8" in search.lines[-1]
    said = setting.said()
    assert (said["status"], said["exit_code"], said["run_id"]) == ("finished", 0, run.id)
    assert said["metrics"] == {"best.val_auc": 0.8} and said["params"]["best.depth"] == "8"


def test_a_killed_search_goes_on_after_the_last_answer_it_gave(setting: Setting) -> None:
    whole, other = setting.start(), copy.copy(setting)
    whole.work("a", by_depth)
    expected = [trial["params"] for trial in status(whole)["trials"]]
    whole.end()

    other.env = {**setting.env, "MLWRIGHT_RUN": uuid.uuid4().hex}
    broken = other.start()
    broken.work("a", by_depth, trials=2)
    asked = broken.post("/ask", worker="a")
    broken.process.send_signal(signal.SIGKILL)
    broken.end()
    assert other.tuning().status == "RUNNING"

    resumed = other.start()
    assert f"resuming tuning run {other.tuning().id} with 3 trials" in resumed.lines[0]
    assert resumed.post("/heartbeat", worker="a", trial=asked["trial"]) == {"ok": True, "stop": False}
    assert resumed.post("/ask", worker="a") == asked, "the worker keeps its trial"
    resumed.post("/tell", worker="a", trial=asked["trial"], status="succeeded", value=0.1, run_id="")
    resumed.work("a", by_depth)
    assert [trial["params"] for trial in status(resumed)["trials"]] == expected
    assert resumed.end() == 0
    assert len(other.tracking().search(step="tuning")) == 1


def test_hyperband_goes_on_with_its_rung_after_a_kill(setting: Setting) -> None:
    space = {**SEARCH["space"], "depth": {"type": "int", "min": 1, "max": 9}}
    changes: dict[str, Any] = {
        "algorithm": {"name": "hyperband", "settings": {"r_l": 9, "eta": 3, "resource_name": "depth"}},
        "space": space,
        "trials": {"max": 40, "parallel": 9, "max_failed": 3},
    }
    first = setting.start(**changes)
    asked = [first.post("/ask", worker=f"w{number}") for number in range(9)]
    assert {trial["params"]["depth"] for trial in asked} == {"1"}
    for number in range(8):
        first.post("/tell", worker=f"w{number}", trial=number, status="succeeded", value=number / 100, run_id="")
    assert "wait" in first.post("/ask", worker="w0")
    first.process.send_signal(signal.SIGKILL)
    first.end()

    resumed = setting.start(**changes)
    assert "wait" in resumed.post("/ask", worker="w0")
    assert resumed.post("/ask", worker="w8") == asked[8]
    resumed.post("/tell", worker="w8", trial=8, status="succeeded", value=0.08, run_id="")
    promoted = [resumed.post("/ask", worker=f"w{number}")["params"] for number in range(3)]
    assert promoted == [{**asked[number]["params"], "depth": "3"} for number in (8, 7, 6)]
    for trial in range(9, 12):
        resumed.post("/tell", worker=f"w{trial - 9}", trial=trial, status="succeeded", value=0.1, run_id="")
    resumed.work("a", by_depth)
    assert [int(trial["params"]["depth"]) for trial in status(resumed)["trials"]] == (
        [1] * 9 + [3] * 3 + [9] + [3] * 5 + [9] * 2 + [9] * 3
    )
    assert resumed.end() == 0
    assert "tuning finished, the last bracket is done" in resumed.lines[-1]
    assert setting.tuning().params["best.depth"] == "9"


def status(program: Program) -> dict[str, Any]:
    with urllib.request.urlopen(program.url + "/status", timeout=10) as answer:
        return dict(json.load(answer))


def test_a_search_without_a_seed_is_resumed_with_the_one_it_took(setting: Setting) -> None:
    free = {"name": "random", "settings": {}}
    first = setting.start(algorithm=free)
    first.work("a", by_depth, trials=2)
    first.process.kill()
    first.end()
    seed = setting.tuning().tags["mlwright.search_seed"]
    resumed = setting.start(algorithm=free)
    resumed.work("a", by_depth)
    drawn = [trial["params"] for trial in status(resumed)["trials"]]
    assert resumed.end() == 0
    setting.env["MLWRIGHT_RUN"] = uuid.uuid4().hex
    repeated = setting.start(algorithm={"name": "random", "settings": {"random_state": seed}})
    repeated.work("a", by_depth)
    assert [trial["params"] for trial in status(repeated)["trials"]] == drawn
    assert repeated.end() == 0


def test_sigterm_kills_the_run_and_a_restart_takes_it_up_again(setting: Setting) -> None:
    search = setting.start()
    search.work("a", by_depth, trials=1)
    search.process.send_signal(signal.SIGTERM)
    assert search.process.wait(30) == 143
    search.end()
    assert setting.tuning().status == "KILLED" and setting.said()["status"] == "killed"
    again = setting.start()
    assert "with 1 trials" in again.lines[0] and setting.tuning().status == "RUNNING"
    again.work("a", by_depth)
    assert again.end() == 0 and setting.tuning().status == "FINISHED"


def test_a_finished_search_is_not_repeated_and_its_workers_are_sent_home(setting: Setting) -> None:
    first = setting.start()
    first.work("a", by_depth)
    assert first.end() == 0
    again = setting.start()
    assert again.post("/ask", worker="new") == {"done": True}
    assert again.end() == 0
    assert setting.said()["status"] == "cached" and setting.said()["params"]["best.depth"] == "8"
    assert "mlwright.seen" in setting.tuning().tags
    assert len(setting.tracking().search(step="tuning")) == 1


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"space": {"depth": {"type": "int", "values": [1, 2]}}}, id="another space"),
        pytest.param({"spec_digest": "cd34"}, id="another spec"),
        pytest.param({"trials": {"max": 2, "parallel": 1, "max_failed": 3}}, id="another number of trials"),
    ],
)
def test_another_search_is_a_new_attempt(setting: Setting, changes: dict[str, Any]) -> None:
    first = setting.start()
    first.work("a", by_depth)
    first.end()
    second = setting.start(**changes)
    second.work("a", by_depth)
    assert second.end() == 0
    assert [run.tags["mlwright.attempt"] for run in setting.tracking().search(step="tuning")] == ["2", "1"]


def test_a_needed_step_that_ran_again_makes_the_result_stale(setting: Setting) -> None:
    needs = [{"step": "steps.features", "optional": False}]
    first = setting.start(needs=needs)
    first.work("a", by_depth)
    first.end()
    tracking = setting.tracking()
    features = tracking.create("features", {**tracking.common("step"), "mlwright.step": "steps.features"})
    tracking.close(features.id, "FINISHED")
    second = setting.start(needs=needs)
    second.work("a", by_depth)
    assert second.end() == 0
    assert len(tracking.search(step="tuning")) == 2


def test_too_many_failures_fail_the_tuning_and_a_rerun_starts_anew(setting: Setting) -> None:
    search = setting.start(trials={"max": 4, "parallel": 2, "max_failed": 2})
    for number in range(3):
        search.post("/ask", worker="a")
        search.post("/tell", worker="a", trial=number, status="failed", value=None, run_id="", reason="exit code 3")
    while (said := search.post("/ask", worker="a")) != {"done": True}:
        assert set(said) == {"wait"}  # until the result is stored
        time.sleep(0.05)
    assert search.end() == 1
    run = setting.tuning()
    assert run.status == "FAILED" and "3 trials failed" in run.tags["mlwright.reason"]
    assert not any(name.startswith("best.") for name in run.params)
    assert setting.said()["exit_code"] == 1 and "3 trials failed" in setting.said()["reason"]
    again = setting.start(trials={"max": 4, "parallel": 2, "max_failed": 2})
    again.work("a", by_depth)
    assert again.end() == 0 and setting.tuning().tags["mlwright.attempt"] == "2"


def test_a_silent_worker_loses_its_trial_in_the_real_program(setting: Setting) -> None:
    setting.env["MLWRIGHT_HEARTBEAT"] = "0.2"
    search = setting.start()
    search.post("/ask", worker="silent")
    search.work("a", by_depth)
    assert search.end() == 0
    assert any(line.startswith("trial 0 failed") and "silent" in line for line in search.lines)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"algorithm": {"name": "hyperband", "settings": {"r_l": 9}}}, "resource_name of hyperband must be text"),
        ({"algorithm": {"name": "pbt", "settings": {}}}, "pbt runs on Katib only"),
        ({"algorithm": {"name": "grid", "settings": {}}}, "grid needs a step or a list"),
        ({"algorithm": None}, "search document"),
        ({"space": {}}, "space is empty"),
        ({"space": {"lr": 3}}, "search document"),
        ({"trials": {"max": 0, "parallel": 1}}, "trials.max"),
        ({"trials": {"max": 3, "parallel": "2"}}, "trials.parallel"),
        ({"trials": {}}, "max"),
        ({"objective": {"metric": "x", "goal": "up"}}, "objective.goal"),
        ({"objective": {"metric": "x", "goal": "maximize", "reduce": "mean"}}, "objective.reduce"),
        ({"early_stopping": {"name": "median", "settings": {}}}, "unknown early stopping"),
        ({"early_stopping": {"name": "medianstop", "settings": {"start_step": 0}}}, "start_step"),
        ({"stop_at": "high"}, "search document"),
        ({"version": 2}, "version 1"),
        ({"kind": "step"}, "kind"),
    ],
)
def test_a_wrong_document_is_refused_before_anything_is_made(
    setting: Setting, changes: dict[str, Any], message: str
) -> None:
    search = setting.start(**changes)
    assert search.end() == 64
    assert message in "\n".join(search.lines) and "Traceback" not in "\n".join(search.lines)
    assert setting.said()["exit_code"] == 64
    assert setting.tracking().search(step="tuning") == []


def test_a_taken_port_is_said_so(setting: Setting) -> None:
    first = setting.start()
    second = setting.start(
        port=int(first.url.rsplit(":", 1)[1]), name="other", space={"x": {"type": "int", "values": [1]}}
    )
    assert second.end() == 64 and "cannot listen on" in "\n".join(second.lines)
    assert setting.tuning().status == "RUNNING", "the run of the one that listens is left alone"


def test_without_a_tracking_server_the_code_is_69(setting: Setting) -> None:
    setting.env |= {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "MLWRIGHT_PATIENCE": "0.5"}
    search = setting.start()
    assert search.end() == 69 and "cannot reach the tracking server" in "\n".join(search.lines)


def start_workers(
    setting: Setting, search: Program, count: int, trial: dict[str, Any]
) -> list[subprocess.Popen[bytes]]:
    path = setting.folder / "trial.json"
    path.write_text(json.dumps(trial))
    env = {**setting.env, "MLWRIGHT_SEARCH_URL": search.url}
    del env["MLWRIGHT_STATUS_FILE"]
    return [
        subprocess.Popen(
            [sys.executable, "-S", str(RUNTIME / "step.py"), str(path)],
            env={**env, "MLWRIGHT_WORK": str(setting.folder / f"work{number}")},
            stdout=subprocess.DEVNULL,
        )
        for number in range(count)
    ]


def ends(workers: list[subprocess.Popen[bytes]]) -> list[int]:
    try:
        return [worker.wait(60) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()


def test_two_launchers_tune_together_and_the_best_trial_stands_in_for_the_training(setting: Setting) -> None:
    search = setting.start(retrain=False)
    assert ends(start_workers(setting, search, 2, {**TRIAL, "retrain": False})) == [0, 0]
    assert search.end() == 0
    tracking, tuning = setting.tracking(), setting.tuning()
    trials = tracking.search(kind="trial")
    assert sorted(trial.tags["mlwright.trial"] for trial in trials) == ["0", "1", "2", "3"]
    assert {trial.tags["mlflow.parentRunId"] for trial in trials} == {tuning.id}
    assert {trial.status for trial in trials} == {"FINISHED"}
    assert tuning.metrics["best.val_auc"] == pytest.approx(0.98), "the best of the series, not the last"
    best = tracking.get(tuning.tags["mlwright.best_run_id"])
    assert best.params["depth"] == tuning.params["best.depth"] == "8"

    training = tracking.finished("training")
    assert len(training) == 1 and training[0].params == best.params
    assert training[0].tags["mlflow.parentRunId"] == tracking.root().id
    assert json.loads(training[0].tags["mlwright.output.model"])["run_id"] == best.id
    assert tracking.history(training[0].id, "val_auc") == tracking.history(best.id, "val_auc") == [0.98, 0.1]

    assert setting.start(retrain=False).end() == 0
    assert [run.id for run in tracking.search(step="training")] == [training[0].id]
    assert "mlwright.seen" in tracking.get(training[0].id).tags


def test_with_reduce_last_the_launchers_tell_the_last_value(setting: Setting) -> None:
    last = {"metric": "val_auc", "goal": "maximize", "reduce": "last"}
    metrics = {"val_auc": {**TRIAL["metrics"]["val_auc"], "reduce": "last"}}
    search = setting.start(objective=last, trials={"max": 2, "parallel": 1, "max_failed": 3})
    assert ends(start_workers(setting, search, 1, {**TRIAL, "objective": last, "metrics": metrics})) == [0]
    assert search.end() == 0 and setting.tuning().metrics == {"best.val_auc": 0.1}


def test_a_launcher_is_stopped_early(setting: Setting) -> None:
    # The first trial reports 0.9 four times, later ones start low and would go on for a long time.
    report = 'for i in 1 2 3 4; do echo "val_auc=$V"; sleep 0.1; done; [ $V = 0.9 ] || sleep 60'
    first = f"if mkdir {setting.folder}/first 2>/dev/null; then V=0.9; else V=0.1; fi"
    script = f'{first}; {report}; echo m > "$MLWRIGHT_OUTPUT_MODEL"'
    stopping = {"name": "medianstop", "settings": {"min_trials_required": 1}}
    search = setting.start(early_stopping=stopping, trials={"max": 2, "parallel": 1, "max_failed": 3})
    assert ends(start_workers(setting, search, 1, {**TRIAL, "command": {"script": script}})) == [0]
    assert search.end() == 0
    assert [re.split(r"[ :]", line)[2] for line in search.lines if line.startswith("trial ")] == [
        "succeeded",
        "stopped",
    ]
