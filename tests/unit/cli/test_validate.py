"""`mlwright validate` on real files: what it prints, where, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlwright import cli

GOOD = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: probe}
params: {degree: 2}
training:
  image: probe:1
  command: [python, train.py, "--degree=${params.degree}"]
"""
DANGLING = GOOD.replace("${params.degree}", "${params.degre}")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, text: str, name: str = "mlproject.yaml") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_clean_project_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, GOOD)
    assert cli.main(["validate"]) == 0
    assert capsys.readouterr().out == "no findings\n"


def test_a_dangling_reference_is_shown_with_its_place_and_what_was_meant(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, DANGLING)
    assert cli.main(["validate"]) == 1
    shown = capsys.readouterr().out
    assert "mlproject.yaml:7:" in shown
    assert "params.degree" in shown
    assert "\x1b" not in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_json_is_a_list_of_findings(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, DANGLING)
    assert cli.main(["validate", "--format", "json"]) == 1
    findings = json.loads(capsys.readouterr().out)
    assert [finding["severity"] for finding in findings].count("error") == 1
    assert findings[0]["code"].startswith("REF")


def test_json_of_a_clean_project_is_an_empty_list(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, GOOD)
    assert cli.main(["validate", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_folder_means_every_project_below_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, GOOD, "a/mlproject.yaml")
    write(folder, DANGLING, "b/c/mlproject.yaml")
    assert cli.main(["validate", "."]) == 1
    shown = capsys.readouterr().out
    assert "b/c/mlproject.yaml:7:" in shown
    assert "a/mlproject.yaml" not in shown


def test_no_project_here_is_a_usage_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["validate"]) == 2
    assert "there is no mlproject.yaml here" in capsys.readouterr().err


def test_a_folder_without_a_project_is_a_usage_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "empty").mkdir()
    assert cli.main(["validate", "empty"]) == 2
    assert "empty" in capsys.readouterr().err


def test_a_missing_file_is_a_finding_among_those_of_the_others(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, DANGLING)
    assert cli.main(["validate", "mlproject.yaml", "nowhere.yaml"]) == 1
    shown = capsys.readouterr().out
    assert "there is no file `nowhere.yaml`" in shown
    assert "mlproject.yaml:7:" in shown


def test_an_unknown_environment_is_a_usage_error_that_names_the_known_ones(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, GOOD)
    assert cli.main(["validate", "--env", "prod"]) == 2
    captured = capsys.readouterr()
    assert "prod" in captured.err
    assert "local" in captured.err


def test_strict_makes_a_warning_count(folder: Path) -> None:
    write(
        folder,
        GOOD.replace("  command", "  outputs: {curve: {type: file}}\n  command").replace(
            '"--degree=${params.degree}"', '"--degree=${params.degree}", "${outputs.curve}"'
        ),
    )
    assert cli.main(["validate"]) == 0
    assert cli.main(["validate", "--strict"]) == 1


def test_annotations_name_files_from_the_repositorys_root(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / ".git").write_text("gitdir: elsewhere\n")  # a worktree has a file there
    write(folder, DANGLING, "ml/a/mlproject.yaml")
    monkeypatch.chdir(folder / "ml")
    assert cli.main(["validate", "a", "--format", "github"]) == 1
    shown = capsys.readouterr().out
    assert shown.startswith("::error file=ml/a/mlproject.yaml,line=7,")
    assert shown.endswith("\n1 error\n")


def test_the_findings_are_written_to_a_file_and_counted_on_the_screen(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, DANGLING)
    for form, start in {"json": "[\n", "sarif": '{\n  "$schema"', "github": "::error ", "text": "error[REF"}.items():
        assert cli.main(["validate", "--format", form, "--output", "out"]) == 1
        assert Path("out").read_text().startswith(start)
        assert capsys.readouterr().out == "out: 1 error\n"


def test_a_file_that_cannot_be_written_is_a_usage_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, GOOD)
    assert cli.main(["validate", "--format", "sarif", "-o", "no/such/folder.sarif"]) == 2
    assert "cannot write no/such/folder.sarif: No such file or directory" in capsys.readouterr().err


def test_a_format_that_does_not_exist_is_a_usage_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["validate", "--format", "serif"]) == 2
    assert "sarif" in capsys.readouterr().err
