"""`mlwright env-diff`: two environments of one project, in the words of the project and by what is emitted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlwright import cli

ROOT = Path(__file__).parents[3]
PROJECT = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: probe}
params: {rate: {type: float, default: 0.5}}
training: {image: "probe:1", command: [python, train.py, "--rate=${params.rate}"], resources: {cpu: 1}}
environments:
  here: {platform: local}
  staging: {platform: compose}
  same: {platform: compose}
  prod: {platform: compose, params: {rate: {default: 0.7}}, training: {resources: {cpu: 2}}}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlproject.yaml").write_text(PROJECT)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert cli.main(["env-diff", *words]) == code
    captured = capsys.readouterr()
    return captured.err if code else captured.out


def test_differences_are_sentences_with_their_places(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "staging", "prod").splitlines()
    assert lines[0] == "probe: staging -> prod"
    assert lines[1:] == [
        "  params",
        "    rate: default 0.5 -> 0.7  (mlproject.yaml:10:54)",
        "  training",
        "    CPU 1 -> 2  (mlproject.yaml:10:89)",
    ]


def test_the_other_way_round_is_the_reverse(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "rate: default 0.7 -> 0.5" in said(capsys, "prod", "staging")


def test_the_name_of_an_environment_is_no_difference(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "staging", "same") == "staging and same are the same\n"


def test_objects_are_compared_field_by_field(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = said(capsys, "staging", "prod", "--objects")
    assert "~ service training" in shown and "to add" in shown
    assert "cpus" not in shown and "cpus" in said(capsys, "staging", "prod", "--full")


def test_namespaces_alone_make_no_object_another_one(capsys: pytest.CaptureFixture[str]) -> None:
    shown = said(capsys, "staging", "prod", str(ROOT / "examples/forecasting"), "--objects")
    assert "~ Service forecasting-online" in shown and "- Service forecasting-online" not in shown
    assert "objects are compared as if staging had the namespace forecasting-prod" in shown


def test_json_is_a_review_like_that_of_diff(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(said(capsys, "staging", "prod", "--format", "json"))
    assert (found["base"], found["head"]) == ("staging", "prod")
    assert [remark["section"] for remark in found["projects"][0]["remarks"]] == ["params", "training"]


def test_markdown_is_a_comment_like_that_of_diff(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = said(capsys, "staging", "prod", "--format", "markdown")
    assert "rate: default 0.5" in shown and "service training" in shown.replace("`", "")


def test_an_environment_without_output_is_compared_in_words_only(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = said(capsys, "here", "prod", "--objects")
    assert "here emits nothing to compare: it is for `mlwright run`" in " ".join(shown.split())
    assert "CPU 1 -> 2" in shown


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["staging", "production"], "there is no environment 'production': did you mean 'prod'?"),
        (["stagin", "prod"], "there is no environment 'stagin': did you mean 'staging'?"),
        (["prod", "prod"], "'prod' is compared with itself: name two environments"),
        (["staging", "prod", "nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_compared(
    project: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert cli.main(["env-diff", *words]) in (1, 2)
    assert told in capsys.readouterr().err


def test_a_project_with_errors_shows_them(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("mlproject.yaml").write_text(PROJECT.replace("cpu: 2", "cpu: many"))
    assert "error[" in said(capsys, "staging", "prod", code=1)
