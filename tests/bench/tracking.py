"""`make bench-tracking`: the tracking server that our Compose output starts beside a plain `mlflow server`.

Both are real and start with what their makers give: ours with command, environment and database of the written
`compose.yaml`, the plain one with MLflow's defaults (SQLite, four workers). They never run at the same time; the rounds
are interleaved, each starts its servers anew, and each figure is the median of the rounds. Nothing here asserts: the
figures are for README's performance section.
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from tests import postgres
from tests.servers import free_port

from mlwright import api

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
ROUNDS = int(os.environ.get("ROUNDS", "3"))
SECONDS = float(os.environ.get("SECONDS_EACH", "10"))
CLIENTS = (1, 8, 32, 96)
LOADERS = 4
"""Processes that the clients are spread over at most: none of them may be what is measured."""
START = 180.0
SPEC = """
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: bench}
training: {image: "python:3.12-slim", command: [python, train.py]}
tracking: {backend_store: {type: postgres}}
environments: {compose: {platform: compose}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One way to start a tracking server. `before` runs to its end first, with the same environment."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    folder: Path
    port: int
    before: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass(slots=True)
class Figures:
    """What the rounds gave for one server and one number of clients."""

    runs: list[float] = field(default_factory=list)
    middle: list[float] = field(default_factory=list)
    slowest: list[float] = field(default_factory=list)
    failed: collections.Counter[str] = field(default_factory=collections.Counter)


def main() -> int:
    if lacking := postgres.missing():
        print(f"PostgreSQL is not installed here: no {lacking} (Debian has them in the package postgresql)")
        return 2
    with tempfile.TemporaryDirectory(prefix="mlwright-bench-") as text:
        folder = Path(text)
        folder.chmod(0o755)  # the database's user passes through
        service = compiled(folder / "project")
        database = postgres.Postgres(folder / "database", service["database"].get("command", ())[1:])
        try:
            measure((ours(service, database, folder), plain(folder)))
        finally:
            database.stop()
    return 0


def compiled(folder: Path) -> dict[str, Any]:
    """The services of the Compose output for a project with a PostgreSQL of its own."""
    folder.mkdir()
    (folder / "mlproject.yaml").write_text(SPEC)
    (folder / "train.py").write_text("")
    result = api.compile([str(folder / "mlproject.yaml")])
    if result.failed or result.usage_error:
        sys.exit(f"the bench's own project does not compile: {result.diagnostics}")
    (path,) = (folder / "manifests").rglob("compose.yaml")
    services: dict[str, Any] = yaml.safe_load(path.read_text().replace("$$", "$"))["services"]  # as Compose reads it
    return services


def ours(services: Mapping[str, Any], database: postgres.Postgres, folder: Path) -> Server:
    """The service `mlflow`, at addresses of this machine."""
    service, port, data = services["mlflow"], free_port(), folder / "ours"
    data.mkdir()
    here = {"MLFLOW_HOST": "127.0.0.1", "MLFLOW_PORT": str(port), "MLFLOW_BACKEND_STORE_URI": database.url}
    given = {name: str(value).replace("/mlflow/", f"{data}/") for name, value in service["environment"].items()}
    assert here.keys() <= given.keys(), f"the server is started in another way now: {given}"
    return Server(
        name="ours",
        argv=tuple(service["command"]),
        env={"PATH": path(), **given, **here},
        folder=data,
        port=port,
        before=tuple(services["mlflow-upgrade"]["command"]),
    )


def plain(folder: Path) -> Server:
    """`mlflow server` as its documentation starts it."""
    port, data = free_port(), folder / "plain"
    data.mkdir()
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "MLWRIGHT_"))}
    argv = ("mlflow", "server", "--host", "127.0.0.1", "--port", str(port))
    return Server(name="plain", argv=argv, env={**env, "PATH": path()}, folder=data, port=port)


def path() -> str:
    return os.pathsep.join((str(BIN), os.environ.get("PATH", os.defpath)))


def measure(servers: tuple[Server, ...]) -> None:
    found = {(server.name, clients): Figures() for clients in CLIENTS for server in servers}
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, {ROUNDS} rounds of {SECONDS:g} s each", flush=True)
    for number in range(ROUNDS):
        for server in servers if number % 2 == 0 else servers[::-1]:
            with started(server) as seconds:
                experiment = created(server)
                load(server, experiment, 8, SECONDS / 3)  # fills caches and pools
                for clients in CLIENTS:
                    add(found[server.name, clients], load(server, experiment, clients, SECONDS))
            print(f"round {number + 1}, {server.name}: up after {seconds:.0f} s", flush=True)
    show(found, servers)


def add(figures: Figures, taken: Mapping[str, Any]) -> None:
    milliseconds = sorted(taken["milliseconds"])
    figures.runs.append(taken["runs"] / taken["seconds"])
    figures.middle.append(milliseconds[len(milliseconds) // 2])
    figures.slowest.append(milliseconds[len(milliseconds) * 99 // 100])
    figures.failed.update(taken["failed"])


def load(server: Server, experiment: str, clients: int, seconds: float) -> dict[str, Any]:
    """What `clients` at once got done in `seconds`."""
    loaders = min(clients, LOADERS)
    start = time.time() + 0.5
    command = (sys.executable, str(HERE / "load.py"), server.url, experiment)
    processes = [
        subprocess.Popen(
            [*command, str(clients // loaders), str(start), str(start + seconds)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(loaders)
    ]
    answers = [json.loads(process.communicate()[0]) for process in processes]
    failed: collections.Counter[str] = collections.Counter()
    for answer in answers:
        failed.update(answer["failed"])
    return {
        "seconds": max(answer["ended"] for answer in answers) - start,
        "runs": sum(answer["runs"] for answer in answers),
        "milliseconds": [value for answer in answers for value in answer["milliseconds"]],
        "failed": failed,
    }


@contextlib.contextmanager
def started(server: Server) -> Iterator[float]:
    """The server, up; the seconds that took. All its processes are gone afterwards."""
    if server.before:
        done = subprocess.run(server.before, env=server.env, cwd=server.folder, capture_output=True, check=False)
        if done.returncode:
            sys.exit(f"{server.before} exited {done.returncode}\n{done.stderr.decode()}")
    begun = time.monotonic()
    with (server.folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            server.argv, env=server.env, cwd=server.folder, stdout=log, stderr=log, start_new_session=True
        )
    try:
        while not answers(server):
            if process.poll() is not None or time.monotonic() - begun > START:
                sys.exit(f"{server.name} does not start\n{(server.folder / 'log.txt').read_text()[-3000:]}")
            time.sleep(0.1)
        yield time.monotonic() - begun
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
        while answers(server):  # its workers outlive it by a moment
            time.sleep(0.1)


def answers(server: Server) -> bool:
    try:
        with urllib.request.urlopen(f"{server.url}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def created(server: Server) -> str:
    """A new experiment on the server."""
    body = json.dumps({"name": f"bench-{time.time()}"}).encode()
    url = f"{server.url}/api/2.0/mlflow/experiments/create"
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return str(json.load(answer)["experiment_id"])


def show(found: Mapping[tuple[str, int], Figures], servers: tuple[Server, ...]) -> None:
    print(f"\n{'clients':>7} {'server':<6} {'runs/s':>7} {'p50 ms':>7} {'p99 ms':>7} {'failed':>7} {'of plain':>9}")
    middle: Callable[[list[float]], float] = statistics.median
    for clients in CLIENTS:
        base = middle(found["plain", clients].runs)
        for server in servers:
            figures = found[server.name, clients]
            runs = middle(figures.runs)
            print(
                f"{clients:>7} {server.name:<6} {runs:>7.1f} {middle(figures.middle):>7.1f} "
                f"{middle(figures.slowest):>7.0f} {figures.failed.total():>7} {runs / base if base else 0:>8.2f}x"
            )
    for (name, clients), figures in found.items():
        for reason, count in figures.failed.most_common(3):
            print(f"{name}, {clients} clients: {count} x {reason}")


if __name__ == "__main__":
    sys.exit(main())
