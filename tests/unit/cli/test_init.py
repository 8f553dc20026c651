"""`mlwright init`: what it writes is sound, and what exists is never touched."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mlwright import api, cli
from mlwright.cli.init import TEMPLATES, project_name


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_new_project_has_nothing_to_report(
    template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["init", "Wine Quality", "--template", template]) == 0
    assert "mlwright run" in capsys.readouterr().out
    assert "wine-quality" in (tmp_path / "Wine Quality/mlproject.yaml").read_text()
    result = api.validate(["Wine Quality"])
    assert [item for item in result.diagnostics if item.severity != "note"] == []
    assert not result.usage_error


def test_the_minimal_program_runs(tmp_path: Path) -> None:
    assert cli.main(["init", str(tmp_path / "new"), "--template", "minimal"]) == 0
    command = [sys.executable, "train.py", "--degree=2"]
    done = subprocess.run(command, cwd=tmp_path / "new", capture_output=True, text=True, check=True)
    assert done.stdout == "error=0.000000\n"


def test_state_and_secrets_are_kept_out_of_git(tmp_path: Path) -> None:
    assert cli.main(["init", str(tmp_path)]) == 0
    assert {".mlwright/", ".env"} <= set((tmp_path / ".gitignore").read_text().splitlines())


def test_an_existing_gitignore_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    assert cli.main(["init", str(tmp_path)]) == 0
    assert (tmp_path / ".gitignore").read_text() == "mine\n"


@pytest.mark.parametrize("name", ["mlproject.yaml", "train.py"])
def test_nothing_is_overwritten_and_nothing_is_written_beside_it(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text("mine")
    assert cli.main(["init", str(tmp_path)]) == 2
    assert f"{name} exists" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_file_in_the_way_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert cli.main(["init", str(tmp_path / "file" / "below")]) == 2
    assert "cannot write" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("folder", "name"),
    [("churn", "churn"), ("Wine Quality", "wine-quality"), ("2026_Sales!", "sales"), ("", "project"), ("Ü", "project")],
)
def test_a_folders_name_becomes_a_projects_name(folder: str, name: str) -> None:
    assert project_name(folder) == name
