"""A run that cannot go on: what it says, and its exit code. No real MLflow here."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlwright import ir
from mlwright.runner import RunOptions, run, server, session, tracking
from mlwright.runner.folder import Folder
from mlwright.runner.local import ServerDiedError

Make = Callable[..., ir.Project]
Monkey = pytest.MonkeyPatch


def told(made: ir.Project, folder: Folder) -> tuple[int, str]:
    """The exit code, and all that was said on both streams."""
    console = io.StringIO()
    return run(made, RunOptions(spec_folder=folder.spec), console, console), console.getvalue()


@pytest.fixture(autouse=True)
def no_server_elsewhere(monkeypatch: Monkey) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_a_second_run_in_a_folder_is_refused_and_leaves_the_first_alone(project: Make, folder: Folder) -> None:
    with folder.held():
        code, said = told(project(), folder)
    assert code == 2
    assert said.startswith("error[RUN008]: another `mlwright run` is at work in this folder (process ")
    assert not folder.runs.exists()


def test_a_server_that_does_not_start_shows_its_log(
    project: Make, folder: Folder, tmp_path: Path, monkeypatch: Monkey
) -> None:
    (tmp_path / "server.txt").write_text("no such table\n")

    def fail(*_: object) -> server.Server:
        raise server.NotStartedError("`mlflow server` ended with exit code 3", tmp_path / "server.txt")

    monkeypatch.setattr(server, "start", fail)
    code, said = told(project(), folder)
    assert code == 1
    assert "error[RUN009]: the tracking server did not start: `mlflow server` ended with exit code 3\n" in said
    assert "  | no such table\nthe whole log: " in said


def test_a_server_of_the_spec_that_does_not_answer(project: Make, folder: Folder, monkeypatch: Monkey) -> None:
    given = server.given
    monkeypatch.setattr(server, "given", lambda client: given(client, patience=0))
    origin = ir.Origin(path=("tracking",))
    there = ir.Tracking(server="external", url="http://127.0.0.1:9", experiment="e", origin=origin)
    placed: list[Any] = []
    options = RunOptions(
        spec_folder=folder.spec, render=lambda found, _: "; ".join(placed.extend(found) or ["as it is shown"])
    )
    console = io.StringIO()
    assert run(project(tracking=there), options, console, console) == 1
    assert console.getvalue() == "\nas it is shown\n"
    (finding,) = placed
    assert finding.code == "RUN009"
    assert finding.message == "the tracking server is not there: no MLflow server answers at http://127.0.0.1:9/health"
    assert finding.at.path == ("tracking", "server")


def test_a_server_that_dies_ends_the_run(
    project: Make, task: Callable[..., ir.Task], folder: Folder, tmp_path: Path, monkeypatch: Monkey
) -> None:
    log = tmp_path / "server.txt"
    log.write_text("out of memory\n")

    def start(*_: object) -> server.Server:
        process = subprocess.Popen([sys.executable, "-c", "raise SystemExit(9)"])
        process.wait()
        return server.Server(client=tracking.Client(url="http://127.0.0.1:9"), log=log, process=process)

    def die(*_: object) -> None:
        raise ServerDiedError

    monkeypatch.setattr(server, "start", start)
    monkeypatch.setattr(session._Session, "_root", lambda *_: True)
    monkeypatch.setattr(session, "drive", die)
    code, said = told(project(task("train")), folder)
    assert code == 1
    assert "error[RUN012]: the tracking server ended (exit code 9) while the run needed it\n  | out of memory\n" in said
    assert "train  not started: the tracking server ended" in said
    assert "mlwright run --resume" in said


def test_what_the_program_leaves_out_was_not_exercised(project: Make, folder: Folder, monkeypatch: Monkey) -> None:
    monkeypatch.setattr(server, "start", lambda *_: server.Server(client=tracking.Client(url="http://127.0.0.1:9")))
    monkeypatch.setattr(session._Session, "_root", lambda *_: True)
    console = io.StringIO()
    options = RunOptions(spec_folder=folder.spec, left_out=("`serving.online` serves `m@champion`, not pinned",))
    assert run(project(), options, console, console) == 0
    assert "Not exercised here:\n  - `serving.online` serves `m@champion`, not pinned\n" in console.getvalue()
