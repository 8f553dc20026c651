"""What the tests of `mlwright tracking` share. Each file says in its fixture `address` which server it is about."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from mlwright import cli

Tracking = Callable[..., tuple[int, str, str]]


@pytest.fixture
def name() -> str:
    """A project's name that no other test has: the server is shared."""
    return f"p{uuid.uuid4().hex[:8]}"


@pytest.fixture
def write(tmp_path: Path, name: str) -> Callable[..., Path]:
    """Write the project file with this text after its head, NAME in it being the project's name; its folder."""

    def writes(text: str, folder: Path = tmp_path, called: str = name) -> Path:
        folder.mkdir(exist_ok=True)
        head = f"apiVersion: mlwright.dev/v1\nkind: MLProject\nmetadata: {{name: {called}}}\n"
        body = text if "steps" in text else 'steps: {a: {command: ["true"]}}\n' + text
        (folder / "mlproject.yaml").write_text((head + body).replace("NAME", called))
        return folder

    return writes


@pytest.fixture
def tracking(address: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Tracking:
    """Run `mlwright tracking` with these words on the server: (exit code, standard output, standard error)."""
    for variable in [v for v in os.environ if v.startswith(("MLFLOW_", "MLWRIGHT_"))]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)

    def runs(*words: object) -> tuple[int, str, str]:
        code = cli.main(["tracking", *map(str, words)])
        out, err = capsys.readouterr()
        return code, out, err

    return runs
