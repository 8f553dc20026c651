"""Tracking servers of other kinds than the two whose pipelines are run: MariaDB, and one that asks for a password."""

from __future__ import annotations

import base64
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient
from tests.e2e.compose.engine import Engine
from tests.e2e.compose.records import records
from tests.e2e.compose.stack import Stack, stack, until

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(1800)]

MARIADB = """
  maria: {platform: compose, tracking: {backend_store: {type: mysql}}}
"""
SECURED = """
  secured:
    platform: compose
    secrets: {mlflow-user: {keys: [username, password]}}
    tracking: {auth: {type: basic, secret: mlflow-user}}
    tuning: {trials: {max: 2}}
"""
USER = {
    "MLFLOW_USER__USERNAME": "ops",
    "MLFLOW_USER__PASSWORD": "long $enough 'to' \"pass\"",
    "MLFLOW_FLASK_SERVER_SECRET_KEY": "signs cookies",
}


@pytest.fixture(scope="module")
def maria(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with stack(engine, tmp_path_factory.mktemp("maria"), "breast-cancer", "maria", MARIADB) as found:
        found.compose("up", "--detach", "--wait", "mlflow")
        yield found


def test_a_server_on_mariadb_keeps_what_it_was_told(maria: Stack, tmp_path: Path) -> None:
    client = MlflowClient(maria.tracking, maria.tracking)
    run = client.create_run(client.create_experiment("größe ✓"))
    client.log_metric(run.info.run_id, "auc", 0.1 + 0.2)
    client.log_param(run.info.run_id, "text", "ein 'Wort' \\ ✓")
    (tmp_path / "note.txt").write_text("kept")
    client.log_artifact(run.info.run_id, str(tmp_path / "note.txt"))
    client.create_registered_model("kept")
    client.create_model_version("kept", f"runs:/{run.info.run_id}/model", run.info.run_id)
    client.set_registered_model_alias("kept", "champion", "1")

    def same() -> bool:
        found = client.get_run(run.info.run_id).data
        note = client.download_artifacts(run.info.run_id, "note.txt", str(tmp_path))
        return (
            found.metrics == {"auc": 0.1 + 0.2}
            and found.params == {"text": "ein 'Wort' \\ ✓"}
            and Path(note).read_text() == "kept"
            and client.get_model_version_by_alias("kept", "champion").run_id == run.info.run_id
        )

    assert same()
    started = maria.containers("database")[0]["State"]["StartedAt"]
    maria.kill("database")
    until(lambda: maria.containers("database")[0]["State"]["StartedAt"] != started, 60, maria.logs)
    maria.compose("up", "--detach", "--no-recreate", "--no-deps", "--wait", "database", "mlflow")
    assert same()
    maria.compose("down")
    maria.compose("up", "--detach", "--wait", "mlflow")
    assert same()


@pytest.fixture(scope="module")
def secured(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with stack(engine, tmp_path_factory.mktemp("secured"), "breast-cancer", "secured", SECURED, **USER) as found:
        yield found


def test_a_server_with_passwords_does_not_start_without_one(secured: Stack) -> None:
    bare = replace(secured, env={name: text for name, text in secured.env.items() if name not in USER})
    with pytest.raises(AssertionError, match=r"set MLFLOW_USER__(USERNAME|PASSWORD) in \.env"):
        bare.compose("up", "--detach", "mlflow")
    assert secured.left() == {"container": [], "network": [], "volume": []}


def test_the_pipeline_logs_in_and_nobody_else_gets_in(secured: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    secured.run("--build")
    runs = f"{secured.tracking}/api/2.0/mlflow/experiments/get-by-name?experiment_name=breast-cancer-secured"
    assert _status(f"{secured.tracking}/health") == 200
    assert _status(runs) == 401
    assert _status(runs, "ops", "wrong") == 401
    assert _status(runs, "admin", "password1234") == 401
    assert _status(runs, "ops", USER["MLFLOW_USER__PASSWORD"]) == 200
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ops")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", USER["MLFLOW_USER__PASSWORD"])
    known = records(secured.tracking, "secured")
    assert {run.info.status for run in known.runs()} == {"FINISHED"}
    assert known.aliases() == {"challenger": "1", "champion": "1"}
    said = secured.engine.docker("compose", "-p", secured.name, "logs", "--no-color")
    assert USER["MLFLOW_USER__PASSWORD"] not in said


def _status(url: str, user: str = "", password: str = "") -> int:
    request = urllib.request.Request(url)
    if user:
        word = base64.b64encode(f"{user}:{password}".encode()).decode()
        request.add_header("Authorization", f"Basic {word}")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as problem:
        return problem.code
