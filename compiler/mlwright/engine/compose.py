"""One Compose project on the engine: every command line that is sent to it, and what it answers."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mlwright.engine.programs import Program
from mlwright.engine.stack import Stack
from mlwright.remote import secrets

State = Literal["created", "running", "exited", "restarting", "paused", "dead", "removing"]


class EngineError(Exception):
    """Compose or the engine refused; the text is what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container as it is now. `ports` are published (container's port, this machine's port)."""

    service: str
    name: str
    state: str
    health: str = ""
    exit_code: int = 0
    ports: tuple[tuple[int, int], ...] = ()
    labels: str = ""


@dataclass(frozen=True, kw_only=True)
class Compose:
    """The Compose project `stack` by way of `program`. `env` is the environment of each command; `dotenv` are the
    `.env` files, the later the stronger; `beside` is the spec's folder."""

    program: Program
    stack: Stack
    env: Mapping[str, str]
    beside: Path
    dotenv: tuple[Path, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)

    def words(self, *command: str, profiles: Sequence[str] | None = None) -> list[str]:
        """The command line of one Compose command, with every profile unless they are given."""
        chosen = self.stack.profiles if profiles is None else profiles
        return [
            *self.program.words,
            *("--project-directory", str(self.stack.folder)),
            *("--file", str(self.stack.file)),
            *(word for path in self.dotenv for word in ("--env-file", str(path))),
            *(word for name in chosen for word in ("--profile", name)),
            *command,
        ]

    @property
    def project(self) -> str:
        """The name by which Compose finds containers and volumes again."""
        return self.env.get("COMPOSE_PROJECT_NAME") or self.stack.name

    @property
    def lenient(self) -> dict[str, str]:
        """An environment in which nothing is missing, for commands that start nothing."""
        return {**dict.fromkeys(self.missing, "unset"), **self.env}

    @property
    def missing(self) -> tuple[str, ...]:
        """The variables that Compose needs and nobody gives."""
        return tuple(name for name in self.stack.required if not self.value(name))

    def value(self, name: str, default: str = "") -> str:
        """What Compose fills in for a variable."""
        return self.env.get(name) or self.values.get(name) or default

    def containers(self) -> tuple[Container, ...]:
        """All containers, ended ones too. Raises EngineError."""
        text = self._ask("ps", "--all", "--format", "json")
        return tuple(_container(item) for item in _objects(text))

    def active(self) -> tuple[str, ...]:
        """The services without a profile, those of the user's own files too. Raises EngineError."""
        return tuple(self._ask("config", "--services", profiles=()).split())

    def clear(self, services: Sequence[str]) -> None:
        """Remove what has ended of these services, so that what is seen of them later is new. Raises EngineError."""
        self._ask("rm", "--force", *services)

    def tail(self, service: str, lines: int = 20) -> tuple[str, ...]:
        """The last lines that a service wrote, without Compose's prefix; none where there are none to be had."""
        try:
            text = self._ask("logs", "--no-color", "--no-log-prefix", "--tail", str(lines), service)
        except EngineError:
            return ()
        return tuple(text.splitlines())[-lines:]

    def start(self, services: Sequence[str], log: Path, *flags: str) -> subprocess.Popen[bytes]:
        """`up --detach` in a session of its own, so that Ctrl-C here does not reach it; what it says goes to `log`."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as stream:
            return subprocess.Popen(
                self.words("up", "--detach", *flags, *services, profiles=()),
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )

    def down(self, *flags: str) -> None:
        """Stop and remove everything. Raises EngineError."""
        self._ask("down", "--remove-orphans", *flags, timeout=900.0)

    def run(self, *command: str) -> int:
        """A command that shows what it does itself. Its exit code."""
        return subprocess.run(self.words(*command), env=self.lenient, check=False).returncode

    def _ask(self, *command: str, profiles: Sequence[str] | None = None, timeout: float = 120.0) -> str:
        try:
            answer = subprocess.run(
                self.words(*command, profiles=profiles),
                env=self.lenient,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as problem:
            raise EngineError(f"`{self.program.name} {command[0]}` did not answer within {timeout:g} s") from problem
        except OSError as problem:
            raise EngineError(f"`{self.program.name}` cannot be started: {problem}") from problem
        if answer.returncode != 0:
            raise EngineError(answer.stderr.strip() or answer.stdout.strip() or f"exit code {answer.returncode}")
        return answer.stdout


def connect(program: Program, stack: Stack, environ: Mapping[str, str], spec: Path) -> Compose:
    """The project with its `.env` files: the one beside the spec, then the one beside the Compose file."""
    dotenv = tuple(path for path in (spec / ".env", stack.folder / ".env") if path.is_file())
    values = {name: value for path in dotenv for name, value in secrets.read(path).items()}
    return Compose(program=program, stack=stack, env=dict(environ), beside=spec, dotenv=dotenv, values=values)


def _objects(text: str) -> list[dict[str, Any]]:
    """`--format json` is a list in older versions and one object a line in newer ones."""
    try:
        lines = [text] if text.lstrip().startswith("[") else text.splitlines()
        values = [json.loads(line) for line in lines if line.strip()]
    except ValueError as problem:
        raise EngineError(f"`ps` answered with what is not JSON: {problem}") from problem
    return [item for value in values for item in (value if isinstance(value, list) else [value])]


def _container(item: Mapping[str, Any]) -> Container:
    ports = {
        (int(port.get("TargetPort") or 0), int(port.get("PublishedPort") or 0)) for port in item.get("Publishers") or ()
    }
    return Container(
        service=str(item.get("Service", "")),
        name=str(item.get("Name", "")),
        state=str(item.get("State", "")).lower(),
        health=str(item.get("Health") or ""),
        exit_code=int(item.get("ExitCode") or 0),
        ports=tuple(sorted(pair for pair in ports if pair[1])),
        labels=str(item.get("Labels") or ""),
    )
