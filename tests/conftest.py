"""What tests of every kind share: one real MLflow server."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from tests.servers import answers, free_port, running


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real tracking server (sqlite, artifacts behind its proxy) that lives as long as the session."""
    folder = tmp_path_factory.mktemp("mlflow")
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    store = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", f"{folder}/artifacts"]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    env = {name: text for name, text in os.environ.items() if not name.startswith("MLFLOW_")} | quiet
    with running([*command, *store], lambda: answers(f"{address}/health"), folder / "server.log", env=env):
        yield address
