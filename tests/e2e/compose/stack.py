"""One compiled project under `docker compose`: started, watched, asked and taken away."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from tests.e2e.compose import standins
from tests.e2e.compose.engine import Engine
from tests.e2e.programs import told
from tests.servers import free_port

from mlwright import api

EXAMPLES = Path(__file__).parents[3] / "examples"


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A project's Compose output with free ports and a name of its own."""

    engine: Engine
    project: Path
    folder: Path
    name: str
    file: dict[str, Any]
    env: dict[str, str] = field(repr=False)

    def compose(self, *words: str, check: bool = True, timeout: float = 900) -> str:
        """Standard output of `docker compose` in the output's folder."""
        since = time.monotonic()
        text = Engine(env=self.env, private=self.engine.private).docker(
            "compose", "--progress=plain", *words, cwd=self.folder, check=check, timeout=timeout
        )
        told(f"{self.name}: docker compose {' '.join(words)}", since)
        return text

    @property
    def tracking(self) -> str:
        """The server's address on this machine."""
        return f"http://127.0.0.1:{self.env['MLWRIGHT_PORT_MLFLOW']}"

    def containers(self, service: str = "") -> list[dict[str, Any]]:
        """What the engine says about the containers of a service, or of all, running or not."""
        wanted = [f"label=com.docker.compose.project={self.name}"]
        wanted += [f"label=com.docker.compose.service={service}"] if service else []
        filters = [word for label in wanted for word in ("--filter", label)]
        ids = self.engine.docker("ps", "-aq", *filters).split()
        return list(json.loads(self.engine.docker("inspect", *ids))) if ids else []

    def left(self) -> dict[str, list[str]]:
        """What there is of this project: names of containers, networks and volumes."""
        label = f"label=com.docker.compose.project={self.name}"
        found = {"container": self.engine.docker("ps", "-aq", "--filter", label).split()}
        for kind in ("network", "volume"):
            found[kind] = self.engine.docker(kind, "ls", "-q", "--filter", label).split()
        return found

    def state(self, service: str) -> tuple[str, int]:
        """The status and exit code of the only container of a service."""
        (container,) = self.containers(service)
        return str(container["State"]["Status"]), int(container["State"]["ExitCode"])

    def ended(self, service: str, within: float = 300) -> int:
        """The exit code of a service that ends by itself."""
        until(lambda: self.state(service)[0] == "exited", within, lambda: f"{service} has not ended: {self.logs()}")
        return self.state(service)[1]

    def logs(self, *services: str) -> str:
        """What the services said."""
        return self.engine.docker(*("compose", "-p", self.name, "logs", "--no-color", *services), check=False)[-6000:]

    def run(self, *words: str) -> None:
        """`docker compose up` until the pipeline has ended well and the endpoint answers."""
        since = time.monotonic()
        try:
            self.compose("up", "--detach", *words)
        except AssertionError as problem:
            raise AssertionError(f"{problem}\n{self.logs()}") from None
        assert self.ended("finish") == 0, self.logs()
        told(f"{self.name}: the pipeline has succeeded", since)

    def answer(self, body: bytes, within: float = 120) -> Any:
        """What the endpoint `online` says to a request, once it is up."""
        url = f"http://127.0.0.1:{self.env['MLWRIGHT_PORT_ONLINE']}/invocations"
        found: list[Any] = []

        def asked() -> bool:
            with contextlib.suppress(OSError):
                found.append(fetch(url, body))
            return bool(found)

        until(asked, within, lambda: f"the endpoint does not answer: {self.logs('online')}")
        return found[0]

    def kill(self, service: str) -> None:
        """`kill -9` of a service's first process from outside: after `docker kill` an engine restarts nothing."""
        (container,) = self.containers(service)
        helper = (
            "--rm",
            "--pid=host",
            "--network=none",
            "--user=0",
            "--entrypoint=sh",
            container["Image"],
        )
        self.engine.docker("run", *helper, "-c", f"kill -9 {container['State']['Pid']}")


@contextlib.contextmanager
def stack(
    engine: Engine, folder: Path, example: str, environment: str, overlay: str = "", **env: str
) -> Iterator[Stack]:
    """A copy of an example with `overlay` at its end, compiled for one environment; removed with its volumes."""
    project = copied(example, folder, overlay)
    result = api.compile([str(project / "mlproject.yaml")], envs=[environment])
    assert not result.failed, result.diagnostics
    output = project / "manifests" / environment / "compose"
    file = yaml.safe_load((output / "compose.yaml").read_text())
    standins.provide(engine, file, output)
    name = f"mlwright-e2e-{example}-{environment}-{os.getpid()}"
    ports = {
        f"MLWRIGHT_PORT_{service.upper().replace('-', '_')}": str(free_port())
        for service, body in file["services"].items()
        if body.get("ports")
    }
    kept = {key: value for key, value in engine.env.items() if not key.startswith(("MLWRIGHT_", "COMPOSE_", "MLFLOW_"))}
    here = Stack(
        engine=engine,
        project=project,
        folder=output,
        name=name,
        file=file,
        env={**kept, **ports, "COMPOSE_PROJECT_NAME": name, **env},
    )
    try:
        yield here
    finally:
        here.compose("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "5", check=False)


def copied(example: str, folder: Path, overlay: str = "") -> Path:
    """A copy of an example, without what was made in it."""
    project = folder / example
    shutil.copytree(EXAMPLES / example, project, ignore=shutil.ignore_patterns(".mlwright", "manifests"))
    with (project / "mlproject.yaml").open("a") as file:
        file.write(overlay)
    return project


def until(reached: Callable[[], bool], within: float, problem: Callable[[], str]) -> None:
    """Look twice a second until `reached` says so; fails with `problem` after `within` seconds."""
    end = time.monotonic() + within
    while not reached():
        assert time.monotonic() < end, problem()
        time.sleep(0.5)


def fetch(url: str, body: bytes | None = None) -> Any:
    """The JSON behind an address."""
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())
