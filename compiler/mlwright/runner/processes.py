"""Child processes that cannot outlive the run: own process groups, and one place that ends them all."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlwright.runner import warden

Process = subprocess.Popen[bytes]


class StoppingError(Exception):
    """Asked to start a process after the run began to stop."""


class Processes:
    """Every process of a run. Each leads a session and group of its own, so that Ctrl-C at a terminal reaches only us
    and we decide the order. A warden process ends them even when this process is killed outright."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._live: list[Process] = []
        self._token = uuid.uuid4().hex
        self._warden: Process | None = None
        self._hurry = False
        self.stopping = False

    def spawn(self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path) -> Process:
        """Start `argv` with both outputs appended to `log`. Raises StoppingError, and OSError as `subprocess` does."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with self._lock, log.open("ab") as stream:
            if self.stopping:
                raise StoppingError
            self._guard()
            process = subprocess.Popen(
                argv,
                env={**env, warden.VARIABLE: self._token},
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._live.append(process)
            self._tell(f"+{process.pid}")
        return process

    @property
    def live(self) -> tuple[Process, ...]:
        """What was started and not waited for yet."""
        with self._lock:
            return tuple(self._live)

    def halt(self) -> None:
        """From now on nothing starts; what runs goes on until `stop` or `close`."""
        with self._lock:
            self.stopping = True

    def hurry(self) -> None:
        """End every grace period now: somebody asked twice."""
        self._hurry = True

    def stop(self, processes: Sequence[Process], grace: float) -> None:
        """SIGTERM to each process, `grace` seconds for all of them together, then SIGKILL to what is left of their
        groups. What a process started in other groups is ended by `close`."""
        for process in processes:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + grace
        while time.monotonic() < deadline and not self._hurry:
            if all(process.poll() is not None for process in processes):
                break
            time.sleep(0.05)
        for process in processes:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, 9)
            process.wait()
            self.forget(process)

    def forget(self, process: Process) -> None:
        """`process` has ended and been waited for: its number may soon belong to somebody else."""
        with self._lock:
            if process in self._live:
                self._live.remove(process)
                self._tell(f"-{process.pid}")

    def close(self, grace: float = 5.0) -> None:
        """Stop all of them, and everything they started, wherever it went."""
        self.halt()
        self.stop(self.live, grace)
        guard, self._warden = self._warden, None
        if guard is not None:
            warden.kill(set(), self._token)
            if guard.stdin:
                with contextlib.suppress(OSError):
                    guard.stdin.close()
            guard.wait()

    def _guard(self) -> None:
        if self._warden is None:
            self._warden = subprocess.Popen(
                [sys.executable, "-S", "-E", warden.__file__, self._token],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def _tell(self, line: str) -> None:
        if self._warden is not None and self._warden.stdin is not None:
            with contextlib.suppress(OSError):
                self._warden.stdin.write(f"{line}\n".encode())
                self._warden.stdin.flush()
