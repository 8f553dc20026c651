"""Which Compose program there is: `docker compose`, a standalone `docker-compose`, or `podman compose`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

MINIMUM = (2, 24)
"""The oldest Compose that reads what we write."""
INSTALL = (
    "install Docker with its Compose plugin (docker-ce and docker-compose-plugin, or Docker Desktop), or podman "
    f"with docker-compose {'.'.join(map(str, MINIMUM))} or newer as its provider"
)
_CANDIDATES = (("docker", "compose"), ("docker-compose",), ("podman", "compose"), ("podman-compose",))
_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?")
_OWN_BUILD = "Docker Compose version "
_PODMAN = "it mounts no `configs`, and starts a step even when the one before it failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A Compose program that can be used: the words that start it, and its version."""

    words: tuple[str, ...]
    version: str

    @property
    def name(self) -> str:
        return " ".join(self.words)

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoProgram:
    """None can be used; `refused` says of each that is there why it is not."""

    refused: tuple[str, ...]

    def __str__(self) -> str:
        if not self.refused:
            return f"no container engine is installed here: {INSTALL}"
        return f"{'; '.join(self.refused)}: {INSTALL}"


def find(path: str) -> Program | NoProgram:
    """The first that can be used of those that `path` (a PATH) leads to. Asks each for its version, and no engine."""
    refused: list[str] = []
    for words in _CANDIDATES:
        if shutil.which(words[0], path=path) is None:
            continue
        found = _look(words, path)
        if isinstance(found, Program):
            return found
        refused.append(found)
    return NoProgram(refused=tuple(refused))


def _look(words: tuple[str, ...], path: str) -> Program | str:
    """The program, or why it cannot be used."""
    name = " ".join(words)
    try:
        answer = subprocess.run(
            [*words, "version"],
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        return f"`{name}` cannot be started ({problem})"
    if answer.returncode != 0:
        return _unusable(name, answer.stderr + answer.stdout)
    line = next((line for line in _lines(answer.stdout) if "version" in line.lower()), "")
    found = _VERSION.search(line)
    if found is None:
        if line.startswith(_OWN_BUILD):  # built from its sources, which is never an old one
            return Program(words=words, version=line.removeprefix(_OWN_BUILD).strip())
        return f"`{name} version` does not say its version"
    version = ".".join(part for part in found.groups() if part)
    if line.startswith("podman-compose"):
        return f"podman-compose {version} cannot run this output ({_PODMAN})"
    if int(found[1]) < 2:
        return f"{name} {version} is Compose v1, which nobody maintains and which does not know what the output needs"
    if (int(found[1]), int(found[2])) < MINIMUM:
        return f"{name} {version} is too old (needs {'.'.join(map(str, MINIMUM))} or newer)"
    return Program(words=words, version=version)


def _unusable(name: str, said: str) -> str:
    if name == "docker compose" and re.search(r"unknown (?:docker )?command|not a docker command|unknown flag", said):
        return "`docker` has no Compose plugin"
    if name == "podman compose" and "provider" in said:
        return "`podman compose` finds no provider"
    last = next(reversed(list(_lines(said))), "no word why")
    return f"`{name} version` fails ({last})"


def _lines(text: str) -> Iterator[str]:
    yield from (line.strip() for line in text.splitlines() if line.strip())
