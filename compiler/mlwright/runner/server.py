"""The tracking server of a run: a real MLflow on loopback with its state in `.mlwright/`, or one that is there."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mlwright import ir
from mlwright.runner import ports
from mlwright.runner.folder import Folder
from mlwright.runner.processes import Process, Processes, StoppingError
from mlwright.runner.tracking import Client, is_loopback

PATIENCE = 120.0
"""Seconds until a server that does not answer counts as not starting."""


class NotStartedError(Exception):
    """No tracking server; the text says why, `log` is its log where it is ours."""

    def __init__(self, text: str, log: Path | None = None) -> None:
        super().__init__(text)
        self.log = log


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that has answered. `process` is None for one that is not ours."""

    client: Client
    log: Path | None = None
    process: Process | None = None

    @property
    def url(self) -> str:
        return self.client.url

    @property
    def died(self) -> bool:
        """True when our own server process has ended."""
        return self.process is not None and self.process.poll() is not None


def elsewhere(project: ir.Project, values: Mapping[tuple[str, str], str]) -> Client | None:
    """The server that is there already: the spec's external one, or one on loopback that MLFLOW_TRACKING_URI names.
    Another machine's is never used by accident. None where the run starts its own."""
    server = project.tracking
    if server.server == "external":
        secret = server.auth.secret
        username, password = values.get((secret, "username"), ""), values.get((secret, "password"), "")
        return Client(url=server.url.rstrip("/"), username=username, password=password)
    url = os.environ.get("MLFLOW_TRACKING_URI", "")
    if not (url.startswith(("http://", "https://")) and is_loopback(url)):
        return None
    username, password = os.environ.get("MLFLOW_TRACKING_USERNAME", ""), os.environ.get("MLFLOW_TRACKING_PASSWORD", "")
    return Client(url=url.rstrip("/"), username=username, password=password)


def given(client: Client, patience: float = 10.0) -> Server:
    """A server that somebody else runs. Raises NotStartedError when it does not answer on /health."""
    deadline = time.monotonic() + patience
    while not client.healthy():
        if time.monotonic() > deadline:
            raise NotStartedError(f"no MLflow server answers at {client.url}/health")
        time.sleep(0.5)
    return Server(client=client)


def start(
    folder: Folder, processes: Processes, env: Mapping[str, str], log: Path, patience: float = PATIENCE
) -> Server:
    """Our own server, ready. Raises NotStartedError with its log's end, StoppingError when the run ends meanwhile."""
    for _ in range(ports.TRIES):
        port = ports.free()
        process = processes.spawn(_argv(folder, port), env=_environment(env), cwd=folder.root, log=log)
        client = Client(url=f"http://{ports.HOST}:{port}")
        if _ready(client, process, processes, patience, log):
            return Server(client=client, log=log, process=process)
        processes.stop([process], 5)
        if not ports.taken(log):
            raise NotStartedError(f"`mlflow server` ended with exit code {process.returncode}", log)
    raise NotStartedError("no free port on 127.0.0.1", log)


def command(folder: Folder) -> tuple[str, ...]:
    """The lines that start a server on this folder again, to look at what runs left: for a shell in the spec's folder,
    with a `cd` in front where we are somewhere else. As narrow as the paths allow."""
    there = replace(folder, spec=Path())
    here = os.path.relpath(folder.spec)
    return (
        *(() if here == "." else (f"cd {shlex.quote(min(here, str(folder.spec), key=len))}",)),
        f"{shlex.join(_mlflow(folder.spec))} server --workers 1 \\",
        f"  --backend-store-uri {shlex.quote(f'sqlite:///{there.database}')} \\",
        f"  --artifacts-destination {shlex.quote(str(there.artifacts))}",
    )


def _mlflow(folder: Path) -> list[str]:
    """How a shell in `folder` starts the MLflow that is installed with us."""
    ours = Path(sys.executable).parent / "mlflow"
    found = shutil.which("mlflow")
    if found is not None and Path(found).parent == ours.parent:
        return ["mlflow"]
    if ours.exists():
        return [min(str(ours), os.path.relpath(ours, folder), key=len)]
    return [sys.executable, "-m", "mlflow"]


def _argv(folder: Folder, port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "mlflow", "server"),
        *("--backend-store-uri", f"sqlite:///{folder.database}"),
        *("--artifacts-destination", str(folder.artifacts)),
        *("--host", ports.HOST, "--port", str(port), "--workers", "1"),
        "--uvicorn-opts=--no-access-log",  # its log is shown when it fails: only what matters is in it
    ]


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in env.items() if not name.startswith(("MLFLOW_", "MLWRIGHT_"))}
    return {
        **kept,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }


def _ready(client: Client, process: Process, processes: Processes, patience: float, log: Path) -> bool:
    """True once it answers, False when the process ended. Raises NotStartedError after `patience` seconds."""
    deadline = time.monotonic() + patience
    while process.poll() is None:
        if processes.stopping:
            raise StoppingError
        if client.healthy():
            return process.poll() is None
        if time.monotonic() > deadline:
            raise NotStartedError(f"`mlflow server` did not answer on {client.url}/health within {patience:.0f} s", log)
        time.sleep(0.1)
    return False
