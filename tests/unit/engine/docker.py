"""A `docker` on PATH that plays a scenario: real shapes of answers, recorded from Compose 5.5 on an engine 20.10."""

from __future__ import annotations

import json
import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROGRAM = """\
import json, os, sys
home = {home!r}
words = sys.argv[1:]
with open(os.path.join(home, "scenario.json")) as file:
    scenario = json.load(file)
own = {{name: os.environ.get(name) for name in ("MLWRIGHT_RUN", "LAKE__TOKEN")}}
with open(os.path.join(home, "calls"), "a") as file:
    file.write(json.dumps([words, own]) + "\\n")
if words == ["compose", "version"]:
    print(scenario["version"])
    sys.exit(0 if "version" in scenario["version"] else 1)
command = next(word for word in words if word in ("ps", "up", "down", "rm", "logs", "config"))
if scenario["refuses"].get(command):
    sys.stderr.write(scenario["refuses"][command] + "\\n")
    sys.exit(1)
if command == "ps":
    count = sum(line.count('"ps"') for line in open(os.path.join(home, "calls"))) - 1
    found = []
    for service, states in scenario["services"].items():
        said = states[min(count, len(states) - 1)]
        if said:
            state, _, rest = said.partition(":")
            code, health = (int(rest), "") if rest.isdigit() else (0, rest)
            found.append(dict(scenario["shape"], Service=service, Name="p-" + service + "-1", State=state,
                              ExitCode=code, Health=health, Labels=scenario["labels"],
                              Publishers=scenario["ports"].get(service, [])))
    print(json.dumps(found) if scenario["list"] else "\\n".join(map(json.dumps, found)))
elif command == "logs":
    print("\\n".join(scenario["logs"].get(words[-1], ["nothing"])))
elif command == "config":
    print("\\n".join(scenario["services"]))
elif command == "up":
    print(" Container p-start-1  Started")
    if scenario["up"]:
        sys.stderr.write(scenario["up"] + "\\n")
        sys.exit(1)
"""
SHAPE = {
    "Command": '"python3 -S /mlwrigh…"',
    "CreatedAt": "2026-11-26 10:51:40 +0000 UTC",
    "Engine": "",
    "ID": "126c374ae9f8",
    "Image": "probe:1",
    "LocalVolumes": "0",
    "Mounts": "",
    "Networks": "p_default",
    "Ports": "",
    "Project": "p",
    "RunningFor": "1 second ago",
    "Size": "0B",
}
UP = {"URL": "127.0.0.1", "TargetPort": 8080, "PublishedPort": 8080, "Protocol": "tcp"}


@dataclass
class Docker:
    """The fake: what it is to play, and what it was asked."""

    folder: Path

    def plays(self, **changes: Any) -> None:
        """`services` are states by look (`running`, `exited:3`, `running:healthy`, empty for not there yet)."""
        scenario: dict[str, Any] = {
            "version": "Docker Compose version v5.5.0",
            "services": {},
            "shape": SHAPE,
            "labels": "com.docker.compose.project=p",
            "ports": {},
            "logs": {},
            "up": "",
            "refuses": {},
            "list": False,
            **changes,
        }
        (self.folder / "scenario.json").write_text(json.dumps(scenario))

    @property
    def calls(self) -> list[tuple[list[str], dict[str, str]]]:
        """(words, some variables) of every call but the questions for the version, less what all have in common."""
        lines = (self.folder / "calls").read_text().splitlines() if (self.folder / "calls").exists() else []
        return [(words, env) for words, env in map(json.loads, lines) if words[-1] != "version"]

    def asked(self, command: str) -> list[list[str]]:
        """What came after the name of each call of `command`."""
        return [words[words.index(command) + 1 :] for words, _ in self.calls if command in words]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    """A fake engine, and no other program on PATH but what Python and git need."""
    folder = tmp_path / "engine"
    (folder / "bin").mkdir(parents=True)
    (folder / "docker.py").write_text(PROGRAM.format(home=str(folder)))
    words = shlex.join([sys.executable, "-S", str(folder / "docker.py")])  # there may be a space in them
    program(folder / "bin/docker", f'#!/bin/sh\nexec {words} "$@"\n')
    monkeypatch.setenv("PATH", str(folder / "bin"))
    for name in ("MLWRIGHT_RUN", "LAKE__TOKEN", "DOCKER_HOST"):
        monkeypatch.delenv(name, raising=False)
    fake = Docker(folder)
    fake.plays()
    return fake


def program(path: Path, text: str) -> None:
    """An executable file."""
    path.write_text(text)
    os.chmod(path, 0o755)
