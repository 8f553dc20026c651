"""Seconds that `mlwright tracking plan` takes over many experiments and models of a real server on loopback.

`python tests/bench/tracking_plan.py [COUNT]` starts a server, makes COUNT (200) experiments and as many registered
models with `mlwright tracking apply`, and prints what `apply` and a plan (median of five cold processes) take.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

TIMES = 5
LIMIT = 3.0
"""Seconds that a plan over 200 experiments and 200 models may take."""


def project(folder: Path, count: int) -> Path:
    """A project with `count` experiments and `count` registered models."""
    lines = ["apiVersion: mlwright.dev/v1", "kind: MLProject", "metadata: {name: many}"]
    lines += ['steps: {a: {command: ["true"]}}', "tracking:", "  experiment: many-0", "  experiments:"]
    lines += [f"    many-{n}: {{description: number {n}, tags: {{team: growth}}}}" for n in range(1, count)]
    lines += ["  models:"]
    lines += [f"    many-{n}: {{description: number {n}, tags: {{team: growth}}}}" for n in range(count)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mlproject.yaml").write_text("\n".join(lines) + "\n")
    return folder


@contextlib.contextmanager
def server(folder: Path) -> Iterator[str]:
    """The address of a plain MLflow server (sqlite, one worker) that lives as long as the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    store = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "files")]
    argv = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    env = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    env |= {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "server.log").open("wb") as log:
        started = subprocess.Popen([*argv, *store], stdout=log, stderr=log, env=env, cwd=folder, start_new_session=True)
    try:
        for _ in range(1200):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
                break
            if started.poll() is not None:
                raise SystemExit((folder / "server.log").read_text()[-2000:])
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(started.pid, signal.SIGTERM)
        started.wait()


def seconds(action: str, folder: Path, address: str) -> float:
    """How long one cold process of `mlwright tracking ACTION` takes; it must find nothing wrong."""
    began = time.perf_counter()
    argv = [sys.executable, "-m", "mlwright", "tracking", action, str(folder), "--tracking-uri", address]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
    return took


def measure(count: int = 200, times: int = TIMES) -> dict[str, float]:
    """Seconds: `apply` (all objects made and read back), `plan` (the median), `worst` (the slowest plan)."""
    with tempfile.TemporaryDirectory() as name, server(Path(name)) as address:
        folder = project(Path(name) / "project", count)
        made = seconds("apply", folder, address)
        plans = [seconds("plan", folder, address) for _ in range(times)]
    return {"apply": made, "plan": statistics.median(plans), "worst": max(plans)}


def main() -> int:
    """Exit 1 where a plan over 200 of each takes longer than it may."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    found = measure(count)
    print(f"tracking apply of {count} experiments and {count} models: {found['apply']:.2f} s")
    print(f"tracking plan over them: {found['plan']:.2f} s (slowest of {TIMES}: {found['worst']:.2f} s)")
    return int(count <= 200 and found["plan"] > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
