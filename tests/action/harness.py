"""Runs a composite Action as GitHub's runner does: inputs, `if`, expressions, each step's shell, files for outputs."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.action.commands import Command, commands
from tests.action.expressions import evaluate, render

ROOT = Path(__file__).resolve().parents[2]
SHELL = ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail")
MOST_SUMMARY = 1024 * 1024


@dataclass
class Step:
    """What one step did; `log` is its standard output and error."""

    name: str
    ran: bool
    code: int = 0
    log: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""

    @property
    def commands(self) -> list[Command]:
        """The workflow commands in the log."""
        return commands(self.log)


@dataclass
class Run:
    """What one use of the Action did."""

    steps: list[Step]
    outputs: dict[str, str]

    @property
    def passed(self) -> bool:
        """Whether the job goes on."""
        return all(step.code == 0 for step in self.steps)

    @property
    def log(self) -> str:
        """All logs."""
        return "\n".join(step.log for step in self.steps)

    @property
    def summary(self) -> str:
        """The summary of the job."""
        return "".join(step.summary for step in self.steps)

    @property
    def annotations(self) -> list[Command]:
        """Errors, warnings and notices of all steps."""
        return [one for step in self.steps for one in step.commands if one.name in ("error", "warning", "notice")]

    def step(self, name: str) -> Step:
        """One step by its name."""
        return next(step for step in self.steps if step.name == name)


@dataclass(frozen=True, kw_only=True)
class Runner:
    """A runner with a folder for temporary files. Where `venv` is given, the first step is left out and this
    environment, which it has made before, is used."""

    temp: Path
    api: str = "http://127.0.0.1:9"
    venv: Path | None = None
    action: Path = ROOT

    def use(
        self,
        workspace: Path,
        event_name: str,
        event: Mapping[str, Any],
        inputs: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Run:
        """Run the Action in the checkout `workspace`."""
        written = yaml.safe_load((self.action / "action.yml").read_text())
        declared = written["inputs"]
        assert set(inputs or {}) <= set(declared), "the Action has no such input"
        given = {name: str(one.get("default", "")) for name, one in declared.items()} | dict(inputs or {})
        payload = self.temp / "event.json"
        payload.write_text(json.dumps(event))
        context: dict[str, Any] = {
            "inputs": given,
            "steps": {},
            "github": {"event_name": event_name},
            "runner": {"temp": str(self.temp)},
        }
        base = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.temp),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(self.action),
            "GITHUB_WORKSPACE": str(workspace),
            "GITHUB_EVENT_NAME": event_name,
            "GITHUB_EVENT_PATH": str(payload),
            "GITHUB_REPOSITORY": "acme/churn",
            "GITHUB_API_URL": self.api,
            "RUNNER_TEMP": str(self.temp),
            **{name: value for name, value in os.environ.items() if name.startswith("PIP_") or name.endswith("_CERT")},
            **(environ or {}),
        }
        steps: list[Step] = []
        failed = False
        for number, one in enumerate(written["runs"]["steps"]):
            wanted = not failed and bool(evaluate(one.get("if", "'yes'"), context))
            if number == 0 and self.venv is not None:
                step = self._prepared(one["name"])
            elif wanted:
                step = self._step(number, one, context, workspace, base)
            else:
                step = Step(one["name"], ran=False)
            steps.append(step)
            failed = failed or step.code != 0
            if "id" in one:
                context["steps"][one["id"]] = {"outputs": step.outputs}
        outputs = {name: render(one["value"], context) for name, one in written["outputs"].items()}
        return Run(steps, outputs)

    def _prepared(self, name: str) -> Step:
        assert self.venv is not None
        number = len(list(self.temp.glob("mlwright-*")))
        folder = self.temp / f"mlwright-{number}"
        folder.mkdir()
        (folder / "venv").symlink_to(self.venv)
        return Step(name, ran=True, outputs={"folder": str(folder)})

    def _step(
        self, number: int, one: Mapping[str, Any], context: Mapping[str, Any], workspace: Path, base: Mapping[str, str]
    ) -> Step:
        assert one["shell"] == "bash"
        assert "${{" not in one["run"], "an expression in a script is an injection"
        script, output, summary = (self.temp / f"{number}-{name}" for name in ("script.sh", "output", "summary"))
        script.write_text(one["run"])
        output.write_text("")
        summary.write_text("")
        env = {key: render(str(value), context) for key, value in one.get("env", {}).items()}
        env |= {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary)}
        place = workspace / render(one.get("working-directory", "."), context)
        done = subprocess.run(
            [*SHELL, str(script)],
            cwd=place,
            env={**base, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=240,
            check=False,
        )
        text = summary.read_text()
        assert len(text.encode()) <= MOST_SUMMARY, "GitHub shows no summary of this size"
        return Step(one["name"], True, done.returncode, done.stdout.decode(), _outputs(output.read_text()), text)


def _outputs(text: str) -> dict[str, str]:
    """Outputs as the runner reads them: `name=value`, or `name<<END`, lines, and END."""
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        if heading := re.fullmatch(r"([A-Za-z0-9_-]+)<<(.+)", line):
            value = []
            for inner in lines:
                if inner == heading[2]:
                    break
                value.append(inner)
            else:
                raise ValueError(f"no end of {heading[1]}")
            found[heading[1]] = "\n".join(value)
        else:
            name, there, value_text = line.partition("=")
            assert there, f"{line!r} is no output"
            found[name] = value_text
    return found
