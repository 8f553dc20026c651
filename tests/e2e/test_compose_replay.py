"""The Compose output of an example, carried out by its own rules without a container engine: every service is a
process, started when its `depends_on` is met, with its own command, environment and mounted files."""

from __future__ import annotations

import json
import shutil
import threading
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.replay import Replay

from mlwright import api

EXAMPLES = Path(__file__).parents[2] / "examples"


def compiled(name: str, folder: Path) -> Path:
    """A copy of an example with its Compose output; the path of the folder with `compose.yaml`."""
    project = folder / name
    shutil.copytree(EXAMPLES / name, project)
    result = api.compile([str(project / "mlproject.yaml")], envs=["compose"])
    assert not result.failed, result.diagnostics
    return project / "manifests/compose/compose"


def fetch(url: str, data: Any = None) -> Any:
    body = None if data is None else json.dumps(data).encode()
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


@pytest.mark.server
@pytest.mark.slow
def test_the_services_of_an_example_train_register_and_serve(mlflow_server: str, tmp_path: Path) -> None:
    folder = compiled("breast-cancer", tmp_path)
    replay = Replay(folder=folder, scratch=tmp_path, server=mlflow_server, run="replayed")
    pipeline = [name for name, body in replay.data["services"].items() if "configs" in body and "ports" not in body]
    try:
        replay.up(pipeline)
        assert set(replay.codes.values()) == {0}, replay.logs
        assert not replay.failed_to_start
        root = _root(mlflow_server, "replayed")
        assert root["info"]["status"] == "FINISHED"
        replay.up(["online"])
        request = folder.parents[2] / "request.json"
        assert "predictions" in _ask(f"http://127.0.0.1:{replay.port}/invocations", json.loads(request.read_text()))
    finally:
        replay.down()


@pytest.mark.server
@pytest.mark.slow
def test_a_failed_step_fails_the_run_and_what_needs_it_never_starts(mlflow_server: str, tmp_path: Path) -> None:
    folder = compiled("breast-cancer", tmp_path)
    (folder.parents[2] / "prepare.py").write_text("raise SystemExit(3)\n")
    replay = Replay(folder=folder, scratch=tmp_path, server=mlflow_server, run="broken")
    pipeline = [name for name, body in replay.data["services"].items() if "configs" in body and "ports" not in body]
    try:
        replay.up(pipeline)
        assert replay.codes == {"start": 0, "features": 3, "finish": 1}
        assert _root(mlflow_server, "broken")["info"]["status"] == "FAILED"
    finally:
        replay.down()


def _root(server: str, run: str) -> Any:
    experiment = fetch(f"{server}/api/2.0/mlflow/experiments/get-by-name?experiment_name=breast-cancer-compose")
    found = fetch(
        f"{server}/api/2.0/mlflow/runs/search",
        {
            "experiment_ids": [experiment["experiment"]["experiment_id"]],
            "filter": f"tags.`mlwright.kind` = 'root' and tags.`mlwright.run` = '{run}'",
        },
    )
    return found["runs"][0]


def _ask(url: str, body: Any) -> Any:
    """The answer of an endpoint, which may take a while to come up."""
    for _ in range(120):
        try:
            return fetch(url, body)
        except (ConnectionError, OSError):
            threading.Event().wait(0.5)
    raise AssertionError("the endpoint did not come up")
