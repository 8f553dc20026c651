"""`mlwright targets`: what is installed and what it can express."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlwright import cli
from mlwright.registry import installed


def test_every_installed_target_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["targets"]) == 0
    shown = capsys.readouterr().out
    assert [name for name in installed().names if name not in shown] == []
    assert "compose" in shown


def test_a_targets_table_has_one_line_a_capability(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["targets", "compose"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(installed().get("compose").capabilities)


def test_a_target_that_is_not_installed_exits_2_and_lists_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["targets", "nomad"]) == 2
    captured = capsys.readouterr()
    assert "nomad" in captured.err
    assert "compose" in captured.err


def test_a_path_is_told_from_a_slip_in_a_targets_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["targets", "kubflow"]) == 2
    assert "did you mean 'kubeflow'?" in capsys.readouterr().err
    assert cli.main(["targets", "--env", "argo", "examples/minimal"]) == 2
    assert "the project is the one in the folder you are in: cd there" in capsys.readouterr().err


PROJECT = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: probe}
training: {image: "probe:1", command: [python, train.py]}
environments:
  here: {platform: local}
  argo: {platform: argo, namespace: probe}
  compose: {platform: compose, namespace: probe}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlproject.yaml").write_text(PROJECT)
    return tmp_path / "mlproject.yaml"


def rows(text: str) -> list[list[str]]:
    return [line.split(None, 3) for line in text.splitlines()]


@pytest.mark.usefixtures("project")
def test_the_owners_of_an_environment_are_a_table_with_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["targets", "--env", "argo"]) == 0
    head, *found = rows(capsys.readouterr().out)
    assert head == ["node", "kind", "target", "why"]
    assert ["training", "task", "argo", "the platform lists argo_workflows"] in found
    assert ["cluster", "cluster", "kubernetes", "usual with orchestrator argo"] in found


@pytest.mark.usefixtures("project")
def test_a_target_and_an_environment_show_its_nodes_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["targets", "argo", "--env", "argo"]) == 0
    assert {row[2] for row in rows(capsys.readouterr().out)[1:]} == {"argo"}
    assert cli.main(["targets", "compose", "--env", "argo"]) == 0
    assert capsys.readouterr().out == "target compose owns nothing in environment argo\n"


@pytest.mark.usefixtures("project")
def test_owners_as_json_are_what_the_table_shows(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["targets", "--env", "compose"]) == 0
    _, *table = rows(capsys.readouterr().out)
    assert cli.main(["targets", "--env", "compose", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [[one["node"], one["kind"], one["target"], one["why"]] for one in found] == table


@pytest.mark.usefixtures("project")
def test_an_environment_of_this_machine_has_no_owners_and_says_what_runs_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["targets", "--env", "here"]) == 0
    assert "`mlwright run --env here`" in capsys.readouterr().out
    assert cli.main(["targets", "--env", "here", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


@pytest.mark.usefixtures("project")
def test_an_environment_that_is_not_there_exits_2_and_offers_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["targets", "--env", "arg"]) == 2
    assert "did you mean 'argo'?" in capsys.readouterr().err


def test_a_project_with_errors_exits_1_with_its_findings(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project.write_text(PROJECT.replace("{image", "{owner: compose, image"))
    assert cli.main(["targets", "--env", "argo"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "mlproject.yaml:4:" in captured.err


def test_without_a_project_an_environment_is_a_usage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["targets", "--env", "argo"]) == 2
    assert "there is no mlproject.yaml here" in capsys.readouterr().err


def test_the_tables_of_targets_are_there_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["targets", "--format", "json"]) == 0
    assert sorted(json.loads(capsys.readouterr().out)) == sorted(installed().names)
    assert cli.main(["targets", "argo", "--format", "json"]) == 0
    (table,) = json.loads(capsys.readouterr().out).values()
    assert len(table) == len(installed().get("argo").capabilities)
    assert {"field", "support", "why"} <= set(table[0])
