"""Kubeflow's SDK, in an environment of its own: it pins other versions of packages that ours has, too."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv-kfp" / "bin" / "python"

needed = pytest.mark.skipif(not PYTHON.exists(), reason="there is no .venv-kfp: `python3 .ci/install.py kfp` makes it")
"""Marks tests that ask the SDK."""


def asked(program: Path, wanted: Any, *, timeout: float = 120, **env: str) -> subprocess.CompletedProcess[str]:
    """A program of the tests, run by the Python that has the SDK, with `wanted` as JSON on its standard input."""
    return subprocess.run(
        [str(PYTHON), str(program)],
        input=json.dumps(wanted),
        env={**{name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


def answered(program: Path, wanted: Any) -> Any:
    """What it prints, as JSON; its last words where it fails."""
    done = asked(program, wanted)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)
