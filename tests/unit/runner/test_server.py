"""The tracking server: given or our own, and what is said when there is none. No real MLflow here."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mlwright import ir
from mlwright.runner import ports, server, tracking
from mlwright.runner.folder import Folder
from mlwright.runner.processes import Processes, StoppingError

TAKER = "import sys; print('[Errno 98] error while attempting to bind: address already in use'); sys.exit(1)"
HEALTHY = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == '/health' else 404); self.end_headers()
http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture
def processes() -> Iterator[Processes]:
    made = Processes()
    yield made
    made.close(0.1)


@pytest.fixture
def answering() -> Iterator[str]:
    """A server that answers 200 to /health and 500 with a message to everything else."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/health" else 500)
            self.end_headers()
            self.wfile.write(b"boom")

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()


def pretend(monkeypatch: pytest.MonkeyPatch, code: str) -> list[int]:
    """Let a line of Python, called with the port, be the server; the ports that it was given."""
    given: list[int] = []

    def argv(_: Folder, port: int) -> list[str]:
        given.append(port)
        return [sys.executable, "-Sc", code, str(port)]

    monkeypatch.setattr(server, "_argv", argv)
    return given


def test_a_given_server_is_used_when_it_answers(answering: str) -> None:
    found = server.given(tracking.Client(url=answering))
    assert (found.url, found.process, found.died) == (answering, None, False)


def test_a_given_server_that_is_not_there_is_an_error() -> None:
    with pytest.raises(server.NotStartedError, match="no MLflow server answers at"):
        server.given(tracking.Client(url=f"http://127.0.0.1:{ports.free()}"), patience=0)


def test_our_own_server_is_ready_when_it_answers(
    monkeypatch: pytest.MonkeyPatch, folder: Folder, processes: Processes
) -> None:
    given = pretend(monkeypatch, HEALTHY)
    started = server.start(folder, processes, os.environ, folder.root / "log.txt", patience=10)
    assert started.url == f"http://127.0.0.1:{given[0]}"
    assert not started.died
    processes.close(1)
    assert started.died


def test_a_server_that_ends_at_once_is_an_error_with_its_log(
    monkeypatch: pytest.MonkeyPatch, folder: Folder, processes: Processes
) -> None:
    pretend(monkeypatch, "import sys; print('no such table'); sys.exit(3)")
    log = folder.root / "log.txt"
    with pytest.raises(server.NotStartedError, match="ended with exit code 3") as error:
        server.start(folder, processes, os.environ, log)
    assert error.value.log == log
    assert log.read_text() == "no such table\n"


def test_a_taken_port_is_tried_again_with_another_a_few_times(
    monkeypatch: pytest.MonkeyPatch, folder: Folder, processes: Processes
) -> None:
    given = pretend(monkeypatch, TAKER)
    with pytest.raises(server.NotStartedError, match="no free port"):
        server.start(folder, processes, os.environ, folder.root / "log.txt")
    assert len(given) == ports.TRIES


def test_a_server_that_never_answers_is_given_up(
    monkeypatch: pytest.MonkeyPatch, folder: Folder, processes: Processes
) -> None:
    pretend(monkeypatch, "import time; time.sleep(60)")
    with pytest.raises(server.NotStartedError, match="did not answer on"):
        server.start(folder, processes, os.environ, folder.root / "log.txt", patience=0.3)


def test_waiting_for_a_server_ends_when_the_run_is_stopped(
    monkeypatch: pytest.MonkeyPatch, folder: Folder, processes: Processes
) -> None:
    pretend(monkeypatch, "import time; time.sleep(60)")
    threading.Timer(0.3, processes.halt).start()
    began = time.monotonic()
    with pytest.raises(StoppingError):
        server.start(folder, processes, os.environ, folder.root / "log.txt")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("name", ["p", "a project of $mine"])
def test_the_command_that_starts_it_again_is_for_a_shell_in_the_projects_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    made = Folder(tmp_path / name)
    made.prepare()
    (tmp_path / "bin").mkdir()
    tool = tmp_path / "bin" / "mlflow"
    tool.write_text("#!/bin/sh\npwd\nprintf '%s\\n' \"$@\"\n")
    tool.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tool.parent / "python"))
    for cwd, path in ((made.spec, os.environ["PATH"]), (tmp_path, f"{tool.parent}:{os.environ['PATH']}")):
        monkeypatch.chdir(cwd)
        monkeypatch.setenv("PATH", path)
        lines = server.command(made)
        assert all(len(line) <= 78 for line in lines[-2:])
        done = subprocess.run(["sh", "-ec", "\n".join(lines)], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines() == [
            str(made.spec),
            *("server", "--workers", "1", "--backend-store-uri", "sqlite:///.mlwright/mlflow.db"),
            *("--artifacts-destination", ".mlwright/artifacts"),
        ]
        assert (lines[0].startswith("cd ")) is (cwd == tmp_path)


def test_our_servers_environment_has_no_settings_of_another_server() -> None:
    env = server._environment({"MLFLOW_TRACKING_URI": "http://elsewhere", "MLWRIGHT_RUN": "r", "HOME": "/h"})
    assert "MLFLOW_TRACKING_URI" not in env
    assert env["HOME"] == "/h"
    assert env["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert env["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_a_free_port_can_be_bound() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", ports.free()))


def test_loopback_never_goes_through_a_proxy(answering: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{ports.free()}")
    monkeypatch.delenv("no_proxy", raising=False)
    assert tracking.Client(url=answering).healthy()


def test_an_error_of_the_server_says_what_it_said(answering: str) -> None:
    with pytest.raises(tracking.RemoteError, match="HTTP 500: boom"):
        tracking.Client(url=answering).experiment("x")


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:1", True),
        ("http://localhost:5000/", True),
        ("http://[::1]:5", True),
        ("https://x.com", False),
    ],
)
def test_what_is_loopback(url: str, loopback: bool) -> None:
    assert tracking.is_loopback(url) is loopback


@pytest.mark.parametrize(
    ("variable", "used"),
    [
        ("http://127.0.0.1:5000/", "http://127.0.0.1:5000"),
        ("https://mlflow.example.com", None),
        ("sqlite:///mlflow.db", None),
        ("", None),
    ],
)
def test_only_a_loopback_server_is_taken_from_the_environment(
    project: Callable[..., ir.Project], monkeypatch: pytest.MonkeyPatch, variable: str, used: str | None
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", variable)
    found = server.elsewhere(project(), {})
    assert (found.url if found else None) == used


def test_the_specs_external_server_comes_with_its_credentials(project: Callable[..., ir.Project]) -> None:
    origin = ir.Origin(path=("tracking",))
    there = ir.Tracking(
        server="external", url="https://mlflow.example.com/", auth=ir.Auth(type="basic", secret="user"), origin=origin
    )
    found = server.elsewhere(project(tracking=there), {("user", "username"): "u", ("user", "password"): "p"})
    assert found == tracking.Client(url="https://mlflow.example.com", username="u", password="p")
    assert "p'" not in repr(found)
