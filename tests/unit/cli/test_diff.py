"""`mlwright diff`: what is printed for people and programs, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from tests.gitrepo import commit, write

from mlwright import cli
from mlwright.review.document import json_schema

HEAD = "apiVersion: mlwright.dev/v1\nkind: MLProject\nmetadata: {name: demo}\n"
SPEC = (
    HEAD
    + "defaults: {steps: {image: demo:1}}\nsteps:\n  a: {command: [echo, hello]}\n"
    + "environments:\n  one: {platform: compose}\n  two: {platform: kubernetes}\n  here: {platform: local}\n"
)


@pytest.fixture(autouse=True)
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "repo"
    commit(folder, {"mlproject.yaml": SPEC})
    monkeypatch.chdir(folder)
    return folder


def test_without_a_difference_that_is_said_with_both_sides(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["diff", "--base", "HEAD"]) == 0
    assert capsys.readouterr().out == "no difference between HEAD and the working tree\n"


def test_what_differs_is_told_in_words_first_then_by_object_then_the_plan(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(repo, {"mlproject.yaml": SPEC.replace("hello", "there")})
    assert cli.main(["diff", "--base", "HEAD"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "demo (mlproject.yaml)"
    assert lines.index("  steps") < next(at for at, line in enumerate(lines) if line.startswith("  one: "))
    assert "    ~ compose/steps/a.json  1 field" in lines
    assert "  nothing differs in here" in lines
    assert lines[-1].startswith("Plan: 0 to add, ") and lines[-1].endswith(", 0 to remove")
    assert all(len(line) <= 80 for line in lines)
    assert "\x1b" not in "".join(lines)


def test_full_shows_every_field(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(repo, {"mlproject.yaml": SPEC.replace("hello", "there")})
    assert cli.main(["diff", "--base", "HEAD", "--full"]) == 0
    assert '        ~ command.argv.1.0: "hello" -> "there"' in capsys.readouterr().out


@pytest.mark.parametrize(
    "text",
    [
        SPEC.replace("hello", "there"),
        SPEC.replace("command", "comand"),
        SPEC + "serving: {online: {command: [serve], port: 80}}\n",
        SPEC.replace("one: {", "three: {"),
        SPEC.replace("hello", "AKIAABCDEFGHIJKLMNOP"),
        None,
    ],
)
def test_json_keeps_to_its_schema_whatever_the_change_is(
    repo: Path, capsys: pytest.CaptureFixture[str], text: str | None
) -> None:
    write(repo, {"mlproject.yaml": text})
    assert cli.main(["diff", "--base", "HEAD", "--format", "json"]) in (0, 1)
    printed = capsys.readouterr().out
    found = json.loads(printed)
    jsonschema.validate(found, json_schema(), cls=jsonschema.Draft202012Validator)
    assert found["version"] == 1 and found["base"] == "HEAD" and found["head"] == ""
    assert len(found["projects"]) == 1
    assert "AKIAABCDEFGHIJKLMNOP" not in printed


def test_a_document_that_is_no_review_does_not_keep_to_the_schema() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"version": 1, "projects": []}, json_schema(), cls=jsonschema.Draft202012Validator)


def test_errors_at_head_exit_1_and_are_shown(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(repo, {"mlproject.yaml": SPEC.replace("command", "comand")})
    assert cli.main(["diff", "--base", "HEAD"]) == 1
    shown = capsys.readouterr().out
    assert "did you mean `command`?" in shown and "not compiled, because of its errors" in shown


def test_a_warning_that_the_base_has_too_is_not_shown(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    warned = SPEC.replace("hello]", "hello], resources: {disk: 1Gi}")
    commit(repo, {"mlproject.yaml": warned})
    write(repo, {"mlproject.yaml": warned.replace("hello", "there")})
    assert cli.main(["diff", "--base", "HEAD"]) == 0
    assert "warning" not in capsys.readouterr().out
    assert cli.main(["diff", "--base", "HEAD~1"]) == 0
    assert "warning" in capsys.readouterr().out


def test_differences_exit_1_where_that_is_asked_for(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["diff", "--base", "HEAD", "--detailed-exitcode"]) == 0
    write(repo, {"mlproject.yaml": SPEC.replace("hello", "there")})
    assert cli.main(["diff", "--base", "HEAD", "--detailed-exitcode"]) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--base", "nothing"], "there is no revision 'nothing' here"),
        (["--base", "HEAD", "--env", "tow"], "there is no environment 'tow': did you mean 'two'?"),
        (["--base", "HEAD", "nowhere.yaml"], "there is no nowhere.yaml, neither now nor at HEAD"),
        (["--base", "HEAD", "empty"], "there is no mlproject.yaml in empty or below it"),
        (["--base", "HEAD", "--format", "yaml"], "invalid choice: 'yaml'"),
    ],
)
def test_a_request_that_makes_no_sense_exits_2(
    repo: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    (repo / "empty").mkdir()
    assert cli.main(["diff", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_folder_with_a_wrong_project_says_so_in_a_project_that_nothing_names(
    repo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (repo / "sub").mkdir()
    monkeypatch.chdir(repo / "sub")
    assert cli.main(["diff", "--base", "HEAD"]) == 2
    assert "there is no mlproject.yaml here" in capsys.readouterr().err


def test_from_a_subfolder_the_project_is_compared_with_its_own_past(
    repo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(repo, {"sub/mlproject.yaml": SPEC.replace("demo}", "sub}")})
    write(repo, {"sub/mlproject.yaml": SPEC.replace("demo}", "sub}").replace("hello", "there")})
    monkeypatch.chdir(repo / "sub")
    assert cli.main(["diff", "--base", "HEAD"]) == 0
    assert capsys.readouterr().out.startswith("sub (sub/mlproject.yaml)\n")
