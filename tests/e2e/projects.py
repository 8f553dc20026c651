"""Examples for real: a copy of one, its programs, and `mlwright run`, by a Python that has what it trains with."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Example:
    """A copy of `examples/NAME` in `folder`."""

    folder: Path
    python: Path = Path(sys.executable)

    @classmethod
    def copied(cls, name: str, to: Path, python: Path = Path(sys.executable)) -> Example:
        """Below the folder `to`, without what earlier runs and compilations left in the checkout."""
        left = shutil.ignore_patterns(".mlwright", "manifests", "__pycache__")
        shutil.copytree(ROOT / "examples" / name, to / name, ignore=left)
        return cls(to / name, python)

    @property
    def spec(self) -> Any:
        return yaml.safe_load((self.folder / "mlproject.yaml").read_text(encoding="utf-8"))

    def floor(self, gate: str) -> float:
        """The least value that a gate of the evaluation lets through."""
        return float(self.spec["evaluation"]["gates"][gate]["min"])

    def environment(self, **more: str) -> dict[str, str]:
        """Without a tracking server of somebody's, and with the commands that come with the Python first."""
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("MLFLOW_", "MLWRIGHT_"))}
        return kept | {"PATH": f"{self.python.parent}{os.pathsep}{os.environ['PATH']}"} | more

    def python_run(self, *words: str, **env: str) -> str:
        """What a program prints; its end has to be a good one."""
        done = subprocess.run(
            [str(self.python), *words],
            cwd=self.folder,
            env=self.environment(**env),
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def run(self, *words: str) -> dict[str, Any]:
        """The summary of one `mlwright run`."""
        runs = self.folder / ".mlwright" / "runs"
        before = set(runs.glob("*/summary.json"))
        self.python_run("-m", "mlwright", "run", *words)
        (made,) = set(runs.glob("*/summary.json")) - before
        summary: dict[str, Any] = json.loads(made.read_text())
        return summary

    def killed_after(self, line: str, *words: str, **env: str) -> None:
        """Starts a program, and kills it and all its processes when it has printed `line`."""
        process = subprocess.Popen(
            [str(self.python), *words],
            cwd=self.folder,
            env=self.environment(PYTHONUNBUFFERED="1", **env),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        said = []
        for text in process.stdout:
            said.append(text)
            if line in text:
                os.killpg(process.pid, 9)
                break
        process.wait()
        process.stdout.close()
        assert process.returncode == -9, "".join(said)


def states(summary: dict[str, Any]) -> dict[str, str]:
    """How each node ended."""
    return {name: node["state"] for name, node in summary["nodes"].items()}


def values(name: str, text: str) -> list[float]:
    """All that a program says of a metric."""
    return [float(found) for found in re.findall(rf"\b{name}=([0-9.e+-]+)", text)]
