"""`mlwright up`, `logs` and `down` on a real engine, and a pipeline that starts by the clock."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from tests.e2e.compose.engine import Engine
from tests.e2e.compose.stack import Stack, stack, until

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(1800)]

OVERLAY = """
pipelines:
  main: {run: [evaluation]}
  nightly: {run: [evaluation], schedule: {cron: "* * * * *", timezone: Europe/Berlin}}
environments:
  once: {platform: compose}
"""


@pytest.fixture(scope="module")
def minimal(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with stack(engine, tmp_path_factory.mktemp("up"), "minimal", "once", OVERLAY) as found:
        yield found


def mlwright(stack: Stack, *words: str, code: int = 0) -> str:
    """Everything that a command says, in the project's folder."""
    path = os.pathsep.join((str(Path(sys.executable).parent), stack.env["PATH"]))
    done = subprocess.run(
        [sys.executable, "-m", "mlwright", *words],
        cwd=stack.project,
        env={**stack.env, "PATH": path, "COLUMNS": "80"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == code, done.stdout
    return done.stdout


def roots(stack: Stack) -> dict[str, str]:
    """The status of every pipeline run, by its name."""
    client = MlflowClient(stack.tracking, stack.tracking)
    experiment = client.get_experiment_by_name("minimal-once")
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id], "tags.`mlwright.kind` = 'root'")
    return {run.data.tags["mlwright.run"]: run.info.status for run in found}


def test_a_pipeline_is_brought_up_broken_mended_and_taken_down(minimal: Stack) -> None:
    shown = mlwright(minimal, "up")
    assert "the output is up to date" in shown
    assert "training" in shown and "Gate close" in shown and "passed: error" in shown
    assert f"Tracking server  {minimal.tracking}" in shown
    again = mlwright(minimal, "up").splitlines()
    assert any(line.startswith("training ") and "cached" in line for line in again)
    program = minimal.project / "train.py"
    good = program.read_text()
    program.write_text("print('no such column')\nraise SystemExit(3)\n")
    broken = mlwright(minimal, "up", "--new-run", code=1)
    assert "error[RUN010]: training failed" in broken
    assert "  | no such column" in broken
    assert "evaluation" in broken and "not started: training failed" in broken
    assert "no such column" in mlwright(minimal, "logs", "training")
    program.write_text(good)
    mended = mlwright(minimal, "up")
    assert "succeeded after" in mended
    assert roots(minimal) == {"default": "FINISHED", mended.split("Run ")[1].split()[0]: "FINISHED"}
    assert f"kept: {minimal.name}_mlflow" in mlwright(minimal, "down")
    assert minimal.left()["container"] == []
    assert minimal.left()["volume"] == [f"{minimal.name}_mlflow"]


def test_a_pipeline_follows_the_clock(minimal: Stack) -> None:
    shown = mlwright(minimal, "up", "--pipeline", "nightly", "--schedule")
    assert "nightly starts by itself: * * * * * (Europe/Berlin)" in shown

    def closed() -> bool:
        return "exit code 0" in minimal.logs("scheduled-nightly-finish")

    until(closed, 300, minimal.logs)
    opened = {name: status for name, status in roots(minimal).items() if name.startswith("nightly-2")}
    assert "FINISHED" in opened.values()
    said = mlwright(minimal, "down", "--volumes")
    assert f"removing the data too: {minimal.name}_mlflow" in said
    assert minimal.left() == {"container": [], "network": [], "volume": []}
