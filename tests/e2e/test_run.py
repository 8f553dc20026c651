"""`mlwright run` for real: a tiny project without any ML library, a real MLflow server and endpoint, real signals."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlwright.runner import ports, server
from mlwright.runner.folder import Folder
from mlwright.runner.processes import Processes

pytestmark = pytest.mark.server

SPEC = """
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: tiny}
params: {lr: {type: float, default: 0.3, min: 0, max: 1}}
steps:
  features:
    command: [python, work.py, features, "${outputs.table}"]
    outputs: {table: {type: file}}
    cache: true
  notify: {run_if: failed, needs: [], command: [python, work.py, notify, "${run.status}"]}
training:
  command: [python, work.py, train, "${steps.features.outputs.table}", "${params.lr}", "${outputs.model}"]
  outputs: {model: {type: mlflow-model}}
  metrics: {auc: {goal: maximize, pattern: "auc=(\\\\S+)", sample: "auc=0.5"}}
"""
TUNING = """
tuning:
  objective: auc
  algorithm: random
  space: {lr: {min: 0.25, max: 0.35}}
  trials: {max: 3, parallel: 2, max_failed: 0}
"""
BRACKETS = """
tuning:
  objective: auc
  algorithm: {name: hyperband, settings: {r_l: 3, resource_name: epochs}}
  space: {lr: {min: 0.25, max: 0.35}, epochs: {min: 1, max: 3}}
  trials: {max: 6, parallel: 2, max_failed: 0}
"""
AFTER = """
evaluation:
  command: [python, work.py, evaluate, "${training.outputs.model}"]
  metrics: {test_auc: {goal: maximize, pattern: "test_auc=(\\\\S+)", sample: "test_auc=0.5"}}
  gates: {floor: {metric: test_auc, min: FLOOR}}
registry: {model: tiny, from: "${training.outputs.model}", on_pass: {alias: challenger}}
"""
SERVING = """
serving:
  online:
    model: "${registry.tiny@champion}"
    binding: run
    smoke_test: {request: request.json}
    variants: {next: {model: "${registry.tiny@challenger}", traffic: 10}}
"""
OWN = """
serving:
  plain:
    model: "${training.outputs.model}"
    command: [python, work.py, serve, "PORT"]
    port: PORT
    health: {path: /ready, startup: 30s}
    smoke_test: {request: request.json, path: /score, status: STATUS, timeout: 5s}
    variants: {again: {model: "${training.outputs.model}"}}
"""
WORK = """
import os, pathlib, sys, time
what, *rest = sys.argv[1:]
if what == "features":
    pathlib.Path(rest[0]).write_text("1,2,3")
elif what == "train":
    if os.environ.get("WORK") == "slow":
        pathlib.Path("slow.pid").write_text(str(os.getpid()))
        time.sleep(120)
    if os.environ.get("WORK") == "broken":
        print("the data is", "bad")
        sys.exit(3)
    lr = float(rest[1])
    print(f"auc={1 - (lr - 0.3) ** 2 - (3 - int((rest + [3])[3])) / 10}")
    model = pathlib.Path(rest[2])
    (model / "code").mkdir(parents=True)
    (model / "code" / "tiny_loader.py").write_text(
        f"class Model:\\n    def predict(self, data, params=None):\\n        return [{lr}] * len(data)\\n"
        "def _load_pyfunc(path):\\n    return Model()\\n"
    )
    (model / "MLmodel").write_text(
        "flavors:\\n  python_function: {loader_module: tiny_loader, code: code, env: {}}\\nmlflow_version: 3.17.2\\n"
    )
elif what == "evaluate":
    assert (pathlib.Path(rest[0]) / "MLmodel").exists()
    print("test_auc=0.9")
elif what == "serve":
    import http.server
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/ready" else 404)
            self.end_headers()
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(422 if self.path == "/score" else 404)
            self.end_headers()
            self.wfile.write(body + os.listdir(os.environ["MLWRIGHT_MODEL"])[0].encode())
    http.server.HTTPServer(("127.0.0.1", int(rest[0])), Handler).serve_forever()
elif what == "notify":
    print("the run", rest[0])
"""


@dataclass(frozen=True)
class Ran:
    """One `mlwright run` that has ended."""

    code: int
    text: str
    summary: Mapping[str, Any]

    def states(self) -> dict[str, str]:
        return {name: node["state"] for name, node in self.summary["nodes"].items()}


@dataclass(frozen=True)
class Here:
    """A project folder and the environment that its runs get."""

    folder: Path
    env: Mapping[str, str]

    def start(self, *words: str, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "mlwright", "run", *words],
            cwd=self.folder,
            env={**self.env, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *words: str, **env: str) -> Ran:
        process = self.start(*words, **env)
        return self.ended(process)

    def ended(self, process: subprocess.Popen[str]) -> Ran:
        text, _ = process.communicate(timeout=120)
        runs = sorted(
            (self.folder / ".mlwright" / "runs").glob("*/summary.json"), key=lambda path: path.stat().st_mtime
        )
        return Ran(process.returncode, text, json.loads(runs[-1].read_text()) if runs else {})


@pytest.fixture(scope="module")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that all runs but one share."""
    folder = Folder(tmp_path_factory.mktemp("server"))
    folder.prepare()
    processes = Processes()
    try:
        yield server.start(folder, processes, os.environ, folder.root / "server.txt").url
    finally:
        processes.close()


def project(folder: Path, *sections: str, floor: float = 0.5, **env: str) -> Here:
    folder.mkdir(exist_ok=True)
    (folder / "mlproject.yaml").write_text("".join((SPEC, *sections)).replace("FLOOR", str(floor)))
    (folder / "work.py").write_text(WORK)
    (folder / "request.json").write_text('{"inputs": [1, 2]}')
    kept = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "CONDA_PREFIX")}
    return Here(folder, {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **env})


@pytest.fixture(scope="module")
def whole(tracking: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Here, Ran]:
    """The whole life cycle, once, in a folder whose name has a space."""
    folder = tmp_path_factory.mktemp("tiny project")
    here = project(folder, TUNING, AFTER, SERVING, MLFLOW_TRACKING_URI=tracking)
    return here, here.run()


def test_the_whole_life_cycle_succeeds(whole: tuple[Here, Ran]) -> None:
    _, ran = whole
    assert ran.code == 0, ran.text
    assert ran.states() == {
        "steps.features": "finished",
        "steps.notify": "skipped",
        "tuning": "finished",
        "training": "finished",
        "evaluation": "finished",
        "evaluation.gates": "finished",
        "registry": "finished",
        "serving.online": "finished",
        "serving.online.variants.next": "finished",
    }
    best = ran.summary["nodes"]["tuning"]["params"]["best.lr"]
    assert ran.summary["nodes"]["training"]["params"]["lr"] == best
    assert set(ran.summary["endpoints"]) == {"serving.online", "serving.online.variants.next"}
    for endpoint in ran.summary["endpoints"].values():
        assert json.loads(endpoint["response"])["predictions"] == [float(best)] * 2


def test_the_summary_says_what_came_out(whole: tuple[Here, Ran]) -> None:
    _, ran = whole
    assert "3/3 trials" in ran.text
    assert "Model" in ran.text
    assert "tiny version 1, aliases challenger, champion" in ran.text
    assert "passed: test_auc 0.9, limit 0.5" in ran.text
    assert "did not run: steps.notify" in ran.text
    assert "each served the version that this run registered" in " ".join(ran.text.split())
    assert "smoke_test" not in ran.text


def test_a_second_run_takes_cached_steps_from_the_first(whole: tuple[Here, Ran], tracking: str) -> None:
    here, _ = whole
    ran = project(here.folder, MLFLOW_TRACKING_URI=tracking).run()
    assert ran.code == 0, ran.text
    assert ran.states() == {"steps.features": "cached", "steps.notify": "skipped", "training": "finished"}


def test_hyperband_gives_the_best_trials_more_epochs(tracking: str, tmp_path: Path) -> None:
    here = project(tmp_path / "p", BRACKETS, MLFLOW_TRACKING_URI=tracking)
    spec = here.folder / "mlproject.yaml"
    text = spec.read_text().replace("params: {", "params: {epochs: 2, ")
    spec.write_text(
        text.replace('"${params.lr}", "${outputs.model}"', '"${params.lr}", "${outputs.model}", "${params.epochs}"')
    )
    ran = here.run()
    assert ran.code == 0, ran.text
    assert "TUNE" not in ran.text and "6/6 trials" in ran.text
    (log,) = (here.folder / ".mlwright" / "runs").glob("*/tuning/search*")
    trials = re.findall(r"^trial (\d) succeeded auc=(\S+) lr=(\S+) epochs=(\d)", log.read_text(), re.MULTILINE)
    by_number = {int(number): (float(auc), lr, epochs) for number, auc, lr, epochs in trials}
    assert [by_number[number][2] for number in range(6)] == ["1", "1", "1", "3", "3", "3"]
    best = max(by_number[number] for number in range(3))
    assert by_number[3][1] == best[1], "the best of the first rung, again"
    assert len({lr for _, lr, _ in by_number.values()}) == 5
    params = ran.summary["nodes"]["tuning"]["params"]
    assert params == {"best.lr": max(by_number.values())[1], "best.epochs": "3"}
    assert ran.summary["nodes"]["training"]["params"]["epochs"] == "3"


def test_a_failing_step_shows_its_last_lines_and_nothing_behind_it_starts(tracking: str, tmp_path: Path) -> None:
    here = project(tmp_path / "p", AFTER, MLFLOW_TRACKING_URI=tracking)
    ran = here.run(WORK="broken")
    assert ran.code == 1
    states = ran.states()
    assert (states["training"], states["evaluation"], states["registry"]) == ("failed", "blocked", "blocked")
    assert "error[RUN010]: training failed: the command exited with 3\n  --> mlproject.yaml:12:1\n" in ran.text
    assert "  | the data is bad" in ran.text
    assert f"the whole log: .mlwright/runs/{ran.summary['run']}/training/log.txt" in ran.text
    log = here.folder / ".mlwright" / "runs" / ran.summary["run"] / "steps.notify" / "log.txt"
    assert log.read_text() == "the run failed\n"
    again = here.run(*re.findall(r"Go on with +mlwright run (.*)", ran.text)[0].split())
    assert again.code == 0, again.text
    assert again.summary["run"] == ran.summary["run"]
    assert (again.states()["steps.features"], again.states()["registry"]) == ("cached", "finished")


def test_a_failing_gate_says_why_and_registers_nothing(tracking: str, tmp_path: Path) -> None:
    ran = project(tmp_path / "p", AFTER, floor=0.95, MLFLOW_TRACKING_URI=tracking).run()
    assert ran.code == 1
    assert "error[RUN011]: gate floor failed: test_auc 0.9 is below 0.95\n  --> mlproject.yaml:20:11\n" in ran.text
    assert ran.states()["registry"] == "blocked"


def own(folder: Path, tracking: str, status: int) -> Here:
    """A project whose endpoint is a program of its own, whose smoke test expects `status`."""
    section = OWN.replace("PORT", str(ports.free())).replace("STATUS", str(status))
    return project(folder, section, MLFLOW_TRACKING_URI=tracking)


def test_a_server_of_the_users_own_is_asked_as_the_smoke_test_says(tracking: str, tmp_path: Path) -> None:
    here = own(tmp_path / "p", tracking, 422)
    ran = here.run()
    assert ran.code == 0, ran.text
    answers = {name: endpoint["response"] for name, endpoint in ran.summary["endpoints"].items()}
    assert set(answers) == {"serving.plain", "serving.plain.variants.again"}
    assert all(answer.startswith('{"inputs": [1, 2]}') for answer in answers.values())
    wrong = own(tmp_path / "p", tracking, 200).run("--resume", ran.summary["run"])
    assert wrong.code == 1
    assert "serving.plain does not serve: the smoke test got HTTP 422: " in " ".join(wrong.text.split())
    assert ":23:5\n" in wrong.text
    assert "    smoke_test: {request:" in wrong.text
    assert left(here.folder) == []


def test_serve_leaves_one_endpoint_up_for_each_port_until_ctrl_c(tracking: str, tmp_path: Path) -> None:
    here = own(tmp_path / "p", tracking, 422)
    process = here.start("--serve")
    assert process.stdout is not None
    shown = ""
    while "Ctrl-C" not in shown:
        line = process.stdout.readline()
        assert line, shown
        shown += line
    (url,) = re.findall(r"Endpoint +serving\.plain: (http\S+)", shown)
    assert "serving.plain.variants.again: http" not in shown
    assert urllib.request.urlopen(f"{url}/ready").status == 200
    process.send_signal(signal.SIGINT)
    assert here.ended(process).code == 0
    assert left(here.folder) == []


@pytest.mark.parametrize(
    ("words", "code"),
    [(("--pipeline", "x"), "RUN001"), (("--param", "lr=9"), "RUN002"), (("--resume", "x"), "RUN014")],
)
def test_a_run_that_makes_no_sense_starts_nothing(tmp_path: Path, words: tuple[str, ...], code: str) -> None:
    here = project(tmp_path / "p")
    ran = here.run(*words)
    assert ran.code == 2
    assert code in ran.text
    assert not (here.folder / ".mlwright").exists()


def test_ctrl_c_ends_everything_and_a_second_run_meanwhile_is_refused(tmp_path: Path) -> None:
    here = project(tmp_path / "p")
    process = here.start(WORK="slow")
    marker = here.folder / "slow.pid"
    for _ in range(600):
        if marker.exists() and marker.read_text():
            break
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.1)
    assert "RUN008" in here.run().text
    process.send_signal(signal.SIGINT)
    ran = here.ended(process)
    assert ran.code == 130, ran.text
    assert ran.states()["training"] == "killed"
    assert left(here.folder) == []


def left(folder: Path) -> list[str]:
    """Command lines of processes that still work in `folder`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found
