"""Servers that tests start: a free port, an answer awaited, an end for every process of theirs."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

PATIENCE = 120.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Whether a GET of `url` succeeds now."""
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False


@contextlib.contextmanager
def running(
    words: Sequence[str], ready: Callable[[], bool], log: Path, *, env: Mapping[str, str] | None = None
) -> Iterator[None]:
    """The program `words`, in the folder of its log, once it is `ready` and until it is not needed any more."""
    with log.open("ab") as output:
        server = subprocess.Popen(
            words, env=env, cwd=log.parent, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        end = time.monotonic() + PATIENCE
        while not ready():
            if server.poll() is not None or time.monotonic() > end:
                pytest.fail(f"{words[0]} did not start:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.1)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait(10)
