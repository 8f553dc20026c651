"""The smoke test program: right answer, wrong answer, no answer."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import resources
from pathlib import Path

import pytest


class Endpoint(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200 if body == b"[1]" else 400)
        self.end_headers()
        self.wfile.write(b"answer to " + body + b" of " + self.headers["Content-Type"].encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Endpoint)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/invocations"
    server.shutdown()
    thread.join()
    server.server_close()


def smoke(url: str, body: bytes, status: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "request").write_bytes(body)
    program = str(resources.files("mlwright.emit").joinpath("shipped/smoke.py"))
    command = [sys.executable, "-S", program, url, str(folder / "request"), "text/csv", status, "5"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_expected_answer_passes(url: str, tmp_path: Path) -> None:
    done = smoke(url, b"[1]", "200", tmp_path)
    assert (done.returncode, done.stdout) == (0, "answer to [1] of text/csv\n")


def test_an_error_may_be_what_is_expected(url: str, tmp_path: Path) -> None:
    assert smoke(url, b"[2]", "400", tmp_path).returncode == 0


def test_another_status_fails(url: str, tmp_path: Path) -> None:
    done = smoke(url, b"[2]", "200", tmp_path)
    assert done.returncode == 1 and "answered 400, not 200" in done.stderr


def test_an_endpoint_that_is_not_there_fails(tmp_path: Path) -> None:
    done = smoke("http://127.0.0.1:9/x", b"[1]", "200", tmp_path)
    assert done.returncode == 1 and "cannot be reached" in done.stderr
