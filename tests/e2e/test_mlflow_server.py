"""The server's folder of target `mlflow`, installed below a temporary root and started as its units would start it."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.servers import free_port, running

from mlwright import api

pytestmark = [pytest.mark.server, pytest.mark.slow]
SPEC = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: team}
secrets:
  mlflow-user: {keys: [username, password]}
  mlflow-admin: {keys: [username, password]}
tracking:
  owner: mlflow
  server: {type: deployed, expose: {host: mlflow.example.com}}
  auth: {type: basic, secret: mlflow-user, admin: mlflow-admin, default_permission: none}
  options: {workers: 1, static_prefix: /mlflow, gc: {older_than: 0d}}
environments: {prod: {platform: compose, allow_remote_writes: true}}
"""
ADMIN, USER = ("boss", 'a "boss" $PASSWORD \\ `x`'), ("pipeline", "pipeline-password")
SECRETS = {
    "MLFLOW_ADMIN__USERNAME": ADMIN[0],
    "MLFLOW_ADMIN__PASSWORD": '"a \\"boss\\" \\$PASSWORD \\\\ \\`x\\`"',
    "MLFLOW_USER__USERNAME": USER[0],
    "MLFLOW_USER__PASSWORD": USER[1],
    "MLFLOW_FLASK_SERVER_SECRET_KEY": "any-long-text",
}


@dataclass
class Machine:
    """The files in their places below a folder; `port` takes the place of 5000."""

    folder: Path
    port: int

    def run(self, name: str) -> str:
        """A script to its end, with the environment that its unit gives it."""
        done = subprocess.run(self._words(name), env={}, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout + done.stderr

    @contextmanager
    def running(self) -> Iterator[None]:
        """The server, until it is not needed any more."""
        words = self._words("server")
        with running(words, lambda: self.ask("GET", "/mlflow/health")[0] == 200, self.folder / "server.log", env={}):
            yield

    def ask(self, method: str, path: str, body: Any = None, user: tuple[str, str] | None = None) -> tuple[int, Any]:
        """(status, answer), 0 while nothing answers; asked with the host name that the proxy passes on."""
        headers = {"Content-Type": "application/json", "Host": "mlflow.example.com"}
        if user:
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(user).encode()).decode()
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def call(self, path: str, body: Any, user: tuple[str, str]) -> Any:
        status, answer = self.ask("POST", f"/mlflow/api/2.0/mlflow/{path}", body, user)
        assert status == 200, answer
        return json.loads(answer)

    def _words(self, name: str) -> list[str]:
        etc = self.folder / "etc"
        return ["sh", "-ec", f"set -a; . {etc}/{name}.env; . {etc}/secrets.env; exec /bin/sh {etc}/{name}.sh"]


def _programs(folder: Path) -> Path:
    """Where our Python and MLflow are, by a path without a space: systemd and a shell read such a file differently."""
    (folder / "programs").symlink_to(Path(sys.executable).parent.parent)
    return folder / "programs" / "bin"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "mlproject.yaml").write_text(SPEC)
    result = api.compile([str(tmp_path / "mlproject.yaml")])
    assert not result.failed, result.diagnostics
    port = free_port()
    places = {
        "/var/lib/mlflow": str(tmp_path / "lib"),
        "/etc/mlflow": str(tmp_path / "etc"),
        "/opt/mlflow/bin": str(_programs(tmp_path)),
        "/tmp/basic_auth.ini": str(tmp_path / "scratch" / "basic_auth.ini"),
        "HOME=/tmp": f"HOME={tmp_path / 'scratch'}",
        "MLFLOW_PORT=5000": f"MLFLOW_PORT={port}",
        "127.0.0.1:5000": f"127.0.0.1:{port}",
    }
    for name in ("lib", "scratch"):
        (tmp_path / name).mkdir()
    source = tmp_path / "manifests/prod/mlflow/server"
    for path in (path for path in source.rglob("*") if path.is_file()):
        text = path.read_text()
        for old, new in places.items():
            text = text.replace(old, new)
        target = tmp_path / "etc" / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    example = (source / "secrets.env.example").read_text()
    for name, value in SECRETS.items():
        assert f"\n{name}=\n" in example
        example = example.replace(f"\n{name}=\n", f"\n{name}={value}\n")
    (tmp_path / "etc/secrets.env").write_text(example)
    return Machine(tmp_path, port)


def test_the_server_runs_from_its_files_with_users_and_forgets_what_was_deleted(machine: Machine) -> None:
    machine.run("upgrade")
    with machine.running():
        assert "made the user pipeline" in machine.run("users")
        assert "the user pipeline is there" in machine.run("users")
        assert machine.ask("GET", "/mlflow/health")[0] == 200
        assert machine.ask("GET", "/mlflow/version")[0] == 401
        experiment = machine.call("experiments/create", {"name": "one"}, ADMIN)["experiment_id"]
        body = {"experiment_id": experiment}
        status, _ = machine.ask("POST", "/mlflow/api/2.0/mlflow/runs/create", body, USER)
        assert status == 403  # nobody may do anything by default, and nothing was granted
        grant = {"username": USER[0], "resource_type": "experiment", "resource_id": experiment, "permission": "EDIT"}
        assert machine.ask("POST", "/mlflow/api/3.0/mlflow/users/permissions/grant", grant, ADMIN)[0] == 200
        run = machine.call("runs/create", body, USER)["run"]["info"]["run_id"]
        machine.call("runs/delete", {"run_id": run}, ADMIN)
        machine.run("gc")
        status, answer = machine.ask("GET", f"/mlflow/api/2.0/mlflow/runs/get?run_id={run}", None, ADMIN)
        assert (status, "not found" in answer) == (404, True)
    assert (machine.folder / "lib" / "mlflow.db").is_file()
