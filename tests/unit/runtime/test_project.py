"""`project.py` the way `mlflow run` starts it: a run of MLflow's own, then the steps of an entry point in order."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

RUNTIME = Path(__file__).parents[3] / "compiler" / "mlwright" / "runtime"
WRITE = "import os, sys; open(sys.argv[1], 'a').write(' '.join(sys.argv[2:]) + '|')"


@dataclass(slots=True)
class Project:
    """An MLproject's folder with `project.json` and the programs; its steps append to the file `log`."""

    pipeline: Any
    jobs: dict[str, Any]

    @property
    def folder(self) -> Path:
        return self.pipeline.folder / "manifests" / "mlflow"

    @property
    def log(self) -> str:
        path = self.pipeline.folder / "log"
        return path.read_text() if path.exists() else ""

    def step(self, name: str, *words: Any, code: str = WRITE, needs: tuple[str, ...] = (), **more: Any) -> None:
        """A step that runs `code` with the path of the log and `words`."""
        job = {key: more.pop(key) for key in ("run_if", "closing") if key in more}
        params = more.pop("params", {})
        argv = [[sys.executable], ["-c"], [code], [str(self.pipeline.folder / "log")], *words]
        document = self.pipeline.document(name, command={"argv": argv}, params=params, **more)
        document |= {"run_if": job.get("run_if", "succeeded"), "needs": [{"step": need} for need in needs]}
        self.folder.joinpath("steps").mkdir(parents=True, exist_ok=True)
        self.folder.joinpath(f"steps/{name}.json").write_text(json.dumps(document))
        base = {"step": f"steps.{name}", "program": "step", "document": f"steps/{name}.json", "needs": list(needs)}
        self.jobs[name] = base | {"params": list(params), "run_if": "succeeded"} | job

    def write(self, **plan: Any) -> None:
        """Everything as files, with one entry point `main` unless `plan` says otherwise."""
        if not self.folder.joinpath("runtime").exists():
            shutil.copytree(RUNTIME, self.folder / "runtime", ignore=shutil.ignore_patterns("__pycache__"))
        whole = self.pipeline.document("run", kind="project", step="run", folder="../..", jobs=self.jobs, secrets={})
        whole |= {"entries": {"main": list(self.jobs)}} | plan
        self.folder.joinpath("project.json").write_text(json.dumps(whole))

    def start(self, *words: str, experiment: str = "", **env: str) -> tuple[subprocess.Popen[str], str]:
        """The program, and the id of the run that MLflow has made for it."""
        if not self.folder.joinpath("project.json").exists():
            self.write()
        name = experiment or self.pipeline.experiment
        elsewhere = dataclasses.replace(self.pipeline, experiment=name)
        run = elsewhere.make_run({"mlwright.run": ""}, status="RUNNING")
        number = self.pipeline.rest("GET", "runs/get", run_id=run)["run"]["info"]["experiment_id"]
        given = {"MLFLOW_RUN_ID": run, "MLFLOW_EXPERIMENT_ID": number, **env}
        environment = {k: v for k, v in self.pipeline.env(**given).items() if k != "MLWRIGHT_RUN"}
        process = subprocess.Popen(
            [sys.executable, "-S", "runtime/project.py", *words],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return process, run

    def run(self, *words: str, **env: str) -> tuple[int, str, str]:
        """(exit code, what it printed, the id of MLflow's run)."""
        process, run = self.start(*words, **env)
        out, _ = process.communicate(timeout=100)
        return process.returncode, out, run

    def status(self, run: str) -> Any:
        return self.pipeline.rest("GET", "runs/get", run_id=run)["run"]["info"]["status"]

    def tags(self, run: str) -> dict[str, str]:
        data = self.pipeline.rest("GET", "runs/get", run_id=run)["run"]["data"]
        return {tag["key"]: tag["value"] for tag in data.get("tags", [])}


@pytest.fixture
def project(pipeline: Any) -> Project:
    return Project(pipeline, {})


def test_the_steps_run_in_order_beneath_the_run_that_mlflow_made(project: Project) -> None:
    project.step("a", ["one"])
    project.step("b", ["two"], needs=("steps.a",))
    code, out, run = project.run("main")
    assert (code, project.log) == (0, "one|two|"), out
    assert (project.status(run), project.tags(run)["mlwright.kind"]) == ("FINISHED", "root")
    for name in ("a", "b"):
        made = project.pipeline.only(step=f"steps.{name}")
        assert (made["tags"]["mlflow.parentRunId"], made["tags"]["mlwright.run"]) == (run, run)


def test_a_failed_step_fails_the_run_and_what_needs_it_is_not_started(project: Project) -> None:
    project.step("a", code="raise SystemExit(3)")
    project.step("b", ["b"], needs=("steps.a",))
    project.step("c", ["c"], needs=("steps.b",))
    project.step("d", ["d"])
    code, out, run = project.run("main")
    assert (code, project.log) == (1, "d|"), out
    assert project.status(run) == "FAILED"
    assert "steps.a: failed (exit code 3)" in out
    assert "steps.b: not started, because steps.a failed" in out
    assert "steps.c: not started, because steps.b was not started" in out


@pytest.mark.parametrize(("first", "seen"), [("raise SystemExit(1)", "failed"), ("pass", "succeeded")])
def test_a_step_for_the_end_is_told_how_the_run_went(project: Project, first: str, seen: str) -> None:
    project.step("a", code=first)
    project.step("end", [{"ref": "run.status"}], run_if="always", closing=True)
    code, out, _ = project.run("main")
    assert (code, project.log) == (1 if seen == "failed" else 0, f"{seen}|"), out


def test_a_step_for_failures_is_skipped_where_nothing_failed(project: Project) -> None:
    project.step("a")
    project.step("end", ["sorry"], run_if="failed", closing=True)
    code, out, _ = project.run("main")
    assert (code, project.log) == (0, "|"), out


def test_an_earlier_pipeline_run_is_resumed_by_its_name(project: Project) -> None:
    project.step("a", ["a"])
    project.step("b", ["b"], needs=("steps.a",))
    project.write(entries={"a": ["a"], "main": ["a", "b"]})
    code, out, first = project.run("a", "pipeline-run=nightly")
    assert (code, project.log) == (0, "a|"), out
    code, out, second = project.run("main", "pipeline-run=nightly")
    assert (code, project.log) == (0, "a|b|"), out
    assert project.tags(first)["mlwright.kind"] == "root"
    assert project.tags(second)["mlflow.parentRunId"] == first
    assert project.pipeline.only(step="steps.b")["tags"]["mlwright.run"] == "nightly"


def test_the_steps_stay_in_their_experiment_when_mlflow_was_told_another(project: Project) -> None:
    project.step("a", ["a"])
    code, out, run = project.run("main", experiment=f"{project.pipeline.experiment}-other")
    assert code == 0, out
    assert project.pipeline.only(step="steps.a")["tags"]["mlflow.parentRunId"] == run
    assert f"--experiment-name {project.pipeline.experiment}" in out


def test_parameters_come_from_the_command_line_alone(project: Project) -> None:
    project.step("a", [{"ref": "params.x"}], [{"ref": "params.y"}], params={"x": {"type": "string"}, "y": _int(7)})
    project.jobs["a"]["params"] = ["x"]
    text = '-it\'s $HOME {x} "q" \\ `id`\nline'
    code, out, _ = project.run("main", f"x={text}", MLWRIGHT_PARAM_Y="8")
    assert (code, project.log) == (0, f"{text} 7|"), out


def _int(value: int) -> dict[str, Any]:
    return {"type": "int", "default": value}


def test_secrets_are_found_under_the_names_that_they_have_everywhere(project: Project) -> None:
    project.step("a", [{"ref": "secrets.lake-eu.token"}], secret_keys={"lake-eu": ["token"]})
    project.write(secrets={"lake-eu": ["token"]})
    code, out, _ = project.run("main", LAKE_EU__TOKEN="s e c")
    assert (code, project.log) == (0, "s e c|"), out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "usage: project.py ENTRY"),
        (("other",), "ENTRY: main"),
        (("main", "--learning_rate", "1"), "main has no parameter learning_rate: it has x, pipeline-run"),
        (("main", "z=1"), "main has no parameter z"),
        (("main", "pipeline-run=a b"), "MLWRIGHT_RUN must name the pipeline run"),
        (("main", "x=one"), "parameter x must be a whole number, not 'one'"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_line(project: Project, words: tuple[str, ...], message: str) -> None:
    project.step("a", [{"ref": "params.x"}], params={"x": _int(7)})
    code, out, _ = project.run(*words)
    assert code in (1, 64)
    assert message in out
    assert "Traceback" not in out
    assert project.log == ""


def test_it_needs_the_run_of_mlflow_and_a_server(project: Project) -> None:
    project.step("a")
    for env, message in (
        ({"MLFLOW_RUN_ID": ""}, "start this with `mlflow run`"),
        ({"MLFLOW_TRACKING_URI": "sqlite:///mlflow.db"}, "must be an http(s) address, not 'sqlite:///mlflow.db'"),
    ):
        code, out, _ = project.run("main", **env)
        assert (code, message in out, "Traceback" in out) == (64, True, False), out


def test_the_output_away_from_its_project_is_refused(project: Project) -> None:
    project.step("a")
    project.write(folder="../../gone")
    code, out, _ = project.run("main")
    assert code == 66
    assert "the project's folder" in out


def test_the_end_of_mlflow_run_ends_the_steps(project: Project) -> None:
    project.step("a", code=f"{WRITE}; import time; time.sleep(60)")
    project.step("b", ["b"])
    process, run = project.start("main")
    deadline = time.monotonic() + 60
    while not project.log and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGTERM)
    out, _ = process.communicate(timeout=50)
    assert (process.returncode, project.log) == (143, "|"), out
    assert project.status(run) == "KILLED"
    assert project.pipeline.only(step="steps.a")["status"] == "KILLED"


def test_a_search_without_workers_ends(project: Project) -> None:
    search = project.pipeline.document(
        "tuning",
        kind="search",
        step="tuning",
        needs=[],
        objective={"metric": "auc", "goal": "maximize", "reduce": "best"},
        algorithm={"name": "random", "settings": {}},
        space={"x": {"type": "float", "min": 0.0, "max": 1.0, "step": None, "distribution": "uniform"}},
        trials={"max": 2, "parallel": 1, "max_failed": 1},
        training="training",
    )
    project.step("a")
    project.folder.joinpath("steps/tuning.json").write_text(json.dumps(search))
    project.folder.joinpath("steps/trial.json").write_text("{}")
    job = {"step": "tuning", "program": "search", "document": "steps/tuning.json", "needs": [], "params": []}
    project.jobs["tuning"] = job | {"trial": "steps/trial.json", "workers": 2, "run_if": "succeeded"}
    project.write()
    program = project.folder / "runtime/project.py"
    program.write_text(program.read_text().replace("GRACE = 20.0", "GRACE = 1.0"))
    code, out, run = project.run("main")
    assert code == 1, out
    assert "every worker of the search has ended" in out
    assert project.status(run) == "FAILED"
