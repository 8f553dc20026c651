"""`mlwright report`, and `mlwright diff` as a comment and as a page: what is written, and what is said."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.gitrepo import commit, write

from mlwright import cli

SPEC = (
    "apiVersion: mlwright.dev/v1\nkind: MLProject\nmetadata: {name: demo}\n"
    "defaults: {steps: {image: demo:1}}\nsteps:\n  a: {command: [echo, hello]}\n"
    "environments:\n  one: {platform: compose}\n  two: {platform: kubernetes}\n  here: {platform: local}\n"
)


@pytest.fixture(autouse=True)
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "repo"
    commit(folder, {"mlproject.yaml": SPEC})
    monkeypatch.chdir(folder)
    return folder


def data(page: str) -> dict[str, Any]:
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_report_goes_beside_the_project_with_all_environments(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report"]) == 0
    assert re.fullmatch(r"\.mlwright/report\.html: \d\.\d MB; open it in a browser\n", capsys.readouterr().out)
    (project,) = data((repo / ".mlwright/report.html").read_text())["projects"]
    assert [one["name"] for one in project["environments"]] == ["one", "two", "here"]
    assert [one["compiled"] for one in project["environments"]] == [True, True, False]
    assert project["name"] == "demo"
    assert not (repo / "manifests").exists()


def test_a_report_of_one_environment_goes_where_it_is_told(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report", "--env", "two", "-o", "page.html"]) == 0
    (project,) = data((repo / "page.html").read_text())["projects"]
    assert [one["name"] for one in project["environments"]] == ["two"]
    assert cli.main(["report", "-o", "-"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "<!DOCTYPE html>"


def test_the_same_project_makes_the_same_page(repo: Path) -> None:
    for name in ("a.html", "b.html"):
        assert cli.main(["report", "-o", name]) == 0
    assert (repo / "a.html").read_bytes() == (repo / "b.html").read_bytes()


def test_a_project_with_an_error_has_a_page_that_shows_it(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(repo, {"mlproject.yaml": SPEC.replace("command: [echo, hello]", "comand: [echo]")})
    assert cli.main(["report", "-o", "page.html"]) == 1
    assert "comand" in capsys.readouterr().err
    (project,) = data((repo / "page.html").read_text())["projects"]
    found = [*project["findings"], *(item for one in project["environments"] for item in one["findings"])]
    assert any("comand" in item["message"] for item in found)


def test_a_file_that_is_no_yaml_has_a_page_all_the_same(repo: Path) -> None:
    write(repo, {"mlproject.yaml": "a: [\n"})
    assert cli.main(["report", "-o", "page.html"]) == 1
    (project,) = data((repo / "page.html").read_text())["projects"]
    assert project["environments"] == []
    assert project["findings"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere/mlproject.yaml"], "there is no file nowhere/mlproject.yaml: name an mlproject.yaml, or a folder"),
        (["--env", "tow"], "did you mean 'two'?"),
        (["-o", "no/such/folder/page.html"], "cannot write no/such/folder/page.html: No such file or directory"),
        (["-o", "."], "cannot write .: Is a directory; name another file with -o"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    repo: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(repo.rglob("*"))
    assert cli.main(["report", *words]) == 2
    assert said in capsys.readouterr().err
    assert [path for path in sorted(repo.rglob("*")) if path not in before and path.suffix == ".html"] == []
    assert not (repo / "nowhere").exists()


def test_a_folder_of_projects_is_one_page(repo: Path) -> None:
    write(repo, {"b/mlproject.yaml": SPEC.replace("demo}", "other}")})
    assert cli.main(["report", ".", "-o", "page.html"]) == 0
    found = data((repo / "page.html").read_text())
    assert found["title"] == "2 projects"
    assert {one["name"] for one in found["projects"]} == {"demo", "other"}


def test_a_difference_is_a_comment(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(repo, {"mlproject.yaml": SPEC.replace("hello", '"`@octocat` </details>"')})
    assert cli.main(["diff", "--base", "HEAD", "--format", "markdown", "--key", "nightly"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "<!-- mlwright:review nightly -->"
    assert re.match(r"### Plan: 0 to add, \d+ to change, \d+ to replace, 0 to remove", lines[1])
    assert "@octocat" not in re.sub(r"`{2,}.*?`{2,}|(?s:```.*?```)", "", "\n".join(lines))


@pytest.mark.parametrize("key", ["a --> b", "<b>"])
def test_a_key_that_would_end_the_marker_is_refused(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["diff", "--base", "HEAD", "--format", "markdown", "--key", key]) == 2
    assert "--key" in capsys.readouterr().err


def test_without_a_difference_the_comment_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["diff", "--base", "HEAD", "--format", "markdown"]) == 0
    assert "No project changes." in capsys.readouterr().out
    assert cli.main(["diff", "--base", "HEAD", "--format", "html"]) == 0
    assert data(capsys.readouterr().out)["projects"] == []


def test_a_difference_is_a_page_with_both_revisions(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(repo, {"mlproject.yaml": SPEC.replace("hello", "there")})
    assert cli.main(["diff", "--base", "HEAD", "--format", "html"]) == 0
    found = data(capsys.readouterr().out)
    (project,) = found["projects"]
    ((_, head, base),) = project["sources"]
    assert ("hello" in found["texts"][base], "there" in found["texts"][head]) == (True, True)
    one = project["environments"][0]
    changed = [path for path, after, before, _ in one["files"] if after != before and min(after, before) >= 0]
    assert "compose/steps/a.json" in changed
    assert [item["file"] for item in one["objects"]] != []
    assert found["review"]["headline"].startswith("Plan: 0 to add, ")


def test_a_project_that_is_gone_is_a_page_of_what_was(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commit(repo, {"b/mlproject.yaml": SPEC.replace("demo}", "other}")})
    (repo / "b/mlproject.yaml").unlink()
    assert cli.main(["diff", ".", "--base", "HEAD", "--format", "html"]) == 0
    (project,) = data(capsys.readouterr().out)["projects"]
    assert project["status"] == "removed"
    assert all(after == -1 for one in project["environments"] for _, after, _, _ in one["files"])
