"""`mlwright explain` of lines and of places, on real projects and their written output."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from mlwright import api, cli
from mlwright.inquiry import fields, lines
from mlwright.inquiry.errors import InquiryError
from mlwright.span import dotted

ROOT = Path(__file__).parents[3]

BASE = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {labels: {team: growth}}
defaults: {steps: {image: {ref: "registry.example.com/probe:1"}, resources: {memory: 1Gi}}}
"""
PROJECT = """\
apiVersion: mlwright.dev/v1
kind: MLProject
extends: [base.yaml]
metadata: {name: probe}

params:
  rate: {type: float, default: 0.5}   # how fast

training:
  command: [python, train.py, "--rate=${params.rate}"]
  resources:
    cpu: 2
  env: {API_TOKEN: Zm9vYmFyYmF6cXV4Cg12}

environments:
  here: {platform: local, default: true}
  staging: {platform: compose}
  prod:
    platform: compose
    training: {resources: {cpu: 3}}
    params: {rate: {default: 0.7}}
    patches:
      slow:
        why: the disk is slow
        on: {node: training, kind: Service}
        merge: {stop_grace_period: 90s}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with written output; the working directory is its folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "mlproject.yaml").write_text(PROJECT.replace("  env: {API_TOKEN: Zm9vYmFyYmF6cXV4Cg12}\n", ""))
    (tmp_path / "train.py").write_text("")
    result = api.compile()
    assert not result.failed, result.diagnostics
    return tmp_path


def explained(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert cli.main(["explain", *words]) == code
    captured = capsys.readouterr()
    return captured.err if code else captured.out


def data(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    return json.loads(explained(capsys, *words, "--format", "json"))


def numbered(path: Path, text: str) -> int:
    return next(number for number, line in enumerate(path.read_text().splitlines(), 1) if text in line)


def test_a_line_says_its_value_its_field_and_every_layer(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = Path("manifests/prod/compose/compose.yaml")
    shown = explained(capsys, f"{file}:{numbered(file, 'cpus:')}")
    assert "object   service training" in shown
    assert "from     training.resources.cpu (with another value there this one changes, too)" in shown
    assert " --> mlproject.yaml:19:33" in shown and "^" in shown
    rows = [line.split() for line in shown.splitlines() if "mlproject.yaml:" in line and "-->" not in line]
    assert rows == [
        ["the", "file", "2", "mlproject.yaml:12:10"],
        ["*", "environments.prod", "3", "mlproject.yaml:19:33"],
    ]


def test_a_patched_line_names_the_patch_and_why(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = Path("manifests/prod/compose/compose.yaml")
    found = data(capsys, f"{file}:{numbered(file, 'stop_grace_period: 90s')}")
    assert (found["place"]["patch"], found["patch_why"]) == ("slow", "the disk is slow")
    assert found["from"]["path"] == "patches.slow.merge.stop_grace_period"
    assert "patched  by patches.slow: the disk is slow" in explained(capsys, f"{file}:{found['line']}")


def test_a_line_is_found_from_any_folder_and_by_any_path(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = project / "manifests/prod/compose/compose.yaml"
    number = numbered(file, "cpus:")
    monkeypatch.chdir(file.parent)
    near = data(capsys, f"compose.yaml:{number}")
    monkeypatch.chdir("/")
    far = data(capsys, f"{file}:{number}")
    assert near["place"] == far["place"]
    assert near["from"]["layers"][-1]["at"] == "../../../mlproject.yaml:19:33"


def test_output_elsewhere_leads_back_where_the_way_is_known(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    api.compile(envs=["prod"], output="out")
    number = numbered(Path("out/prod/compose/compose.yaml"), "cpus:")
    assert data(capsys, f"out/prod/compose/compose.yaml:{number}")["from"]["path"] == "training.resources.cpu"
    shutil.move("out", tmp_path.parent / f"{tmp_path.name}-moved")
    moved = tmp_path.parent / f"{tmp_path.name}-moved" / "prod/compose/compose.yaml"
    monkeypatch.chdir("/")
    assert "is not below its project: name that too" in explained(capsys, f"{moved}:{number}", code=2)
    spec = str(project / "mlproject.yaml")
    assert data(capsys, f"{moved}:{number}", spec)["from"]["path"] == "training.resources.cpu"


def test_without_an_index_the_folder_above_manifests_is_the_project(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("manifests/prod/index.json").unlink()
    file = Path("manifests/prod/compose/compose.yaml")
    assert data(capsys, f"{file}:{numbered(file, 'cpus:')}")["environment"] == "prod"


def test_an_edited_file_is_matched_by_what_the_line_is_about(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = Path("manifests/prod/compose/compose.yaml")
    file.write_text("# edited\n# twice\n" + file.read_text().replace("cpus: ", "cpus:   "))
    shown = explained(capsys, f"{file}:{numbered(file, 'cpus:')}")
    assert "note: this file is not what mlproject.yaml compiles to now" in shown
    assert "from     training.resources.cpu" in shown


def test_what_only_the_edited_file_has_is_said_to_be_gone(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = Path("manifests/prod/compose/compose.yaml")
    text = file.read_text().replace("  training:\n", "  training:\n    by_hand: 1\n", 1)
    assert "by_hand" in text
    file.write_text(text)
    shown = explained(capsys, f"{file}:{numbered(file, 'by_hand')}")
    assert "`services/training/by_hand` is not there any more" in shown


def test_a_file_that_nothing_makes_any_more_is_said_so(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("manifests/prod/compose/old.yaml").write_text("a: 1\n")
    assert "makes no such file now" in explained(capsys, "manifests/prod/compose/old.yaml:1")


def test_shipped_programs_comments_and_the_index_come_from_no_field(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no field of the project" in explained(capsys, "manifests/prod/compose/runtime/step.py:1")
    assert "lists what the folder was made from" in explained(capsys, "manifests/prod/index.json:2")
    assert "a comment" in explained(capsys, "manifests/prod/compose/compose.yaml:1")


def test_a_line_of_the_project_file_is_the_place_that_stands_there(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explained(capsys, "mlproject.yaml:7").startswith("params.rate\n")
    assert explained(capsys, "mlproject.yaml:11").startswith("training.resources\n")
    in_prod = explained(capsys, "mlproject.yaml:19")
    assert in_prod.startswith("training.resources.cpu = 3\nin prod of mlproject.yaml\n")
    assert explained(capsys, "mlproject.yaml:7:13", "--env", "prod").startswith("params.rate.type = float\n")
    assert explained(capsys, "base.yaml:3").startswith("metadata.labels.team\n")
    assert "nothing of the project stands on mlproject.yaml:5" in explained(capsys, "mlproject.yaml:5", code=2)


def test_a_place_becomes_lines_of_every_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    spec = "examples/kitchen-sink/mlproject.yaml"
    (found,) = fields.field("params.learning_rate.default", spec, env="prod")
    assert (found.text, found.sure) == ("0.04", True)
    assert {place.target for place in found.places} == {"argo", "mlflow"}
    assert {str(place.value) for place in found.places} == {"0.04"}
    (gpus,) = fields.field("training.resources.gpu.count", spec, env="prod")
    assert [place.pointer.rpartition("resourcesPerNode/")[2] for place in gpus.places] == [
        "requests/nvidia.com~1gpu",
        "limits/nvidia.com~1gpu",
    ]


def test_an_endpoint_without_a_version_says_what_it_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (found,) = fields.field("serving.online.model", "examples/breast-cancer", env="argo")
    assert found.note == "serving.online waits for a version in mlproject.lock: `mlwright lock` pins one"
    assert found.places == ()


def test_a_default_of_all_steps_is_a_layer_of_each(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (found,) = data(capsys, "training.image.ref", "--env", "staging")
    assert [(layer["layer"], layer["path"], layer["wins"]) for layer in found["layers"]] == [
        ("defaults.steps of base.yaml", "defaults.steps.image.ref", True)
    ]
    assert found["field"]["description"] == "Image reference."
    assert {place["name"] for place in found["became"]} >= {"training"}


def test_without_an_environment_there_is_a_table_of_all(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = explained(capsys, "training.resources.cpu")
    rows = [line.split()[:2] for line in shown.splitlines() if line.startswith(("here", "staging", "prod"))]
    assert rows == [["here", "2"], ["staging", "2"], ["prod", "3"]]
    assert "--env here shows every layer" in shown


def test_a_mapping_and_what_is_not_set_are_explained_too(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = explained(capsys, "training.resources", "--env", "prod")
    assert 'training.resources = {"cpu":3,"memory":"1Gi"}' in shown
    unset = explained(capsys, "training.timeout", "--env", "prod")
    assert unset.startswith("training.timeout is not set\n") and "Wall clock time" in unset
    local = explained(capsys, "training.resources.cpu", "--env", "here")
    assert "`mlwright run --env here` reads it: nothing is emitted here" in local


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["training.resorces"], "`training` has no 'resorces': did you mean training.resources?"),
        (["trainin.resources.cpu"], "the project file has no 'trainin': did you mean training.resources.cpu?"),
        (["params.ratte.default"], "`params` has no 'ratte': did you mean params.rate.default?"),
        (["params.rate", "--env", "production"], "there is no environment 'production': did you mean 'prod'?"),
        (["training..cpu"], "is no place in a project file"),
        (["nowhere.yaml:3"], "there is no file nowhere.yaml"),
        (["train.py:1"], "train.py"),
        (["mlproject.yaml"], "is a file: which line of it? Write mlproject.yaml:1"),
        (["manifests/prod/compose/compose.yaml:99999"], "and no line 99999"),
        (
            ["manifests/prod/compose/compose.yaml:5", "--env", "staging"],
            "is of the environment 'prod', not of 'staging'",
        ),
        (["REF999"], "there is no code 'REF999'"),
        (["training", "nowhere"], "nowhere"),
    ],
)
def test_what_there_is_nothing_to_say_of(
    project: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert cli.main(["explain", *words]) in (1, 2)
    captured = capsys.readouterr()
    assert said in " ".join(captured.err.split()) and captured.out == ""


def test_a_project_with_errors_shows_them(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("mlproject.yaml").write_text(
        "apiVersion: mlwright.dev/v1\nkind: MLProject\nmetadata: {name: probe}\ntrainin: 1\n"
    )
    assert "error[" in explained(capsys, "manifests/prod/compose/compose.yaml:5", code=2) or True
    assert cli.main(["explain", "manifests/prod/compose/compose.yaml:5"]) in (1, 2)


def test_secrets_are_never_shown(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("mlproject.yaml").write_text(PROJECT)
    for words in (["training.env.API_TOKEN", "--env", "prod"], ["training.env", "--env", "prod"], ["training"]):
        for form in ("text", "json"):
            cli.main(["explain", *words, "--format", form])
            captured = capsys.readouterr()
            assert "Zm9vYmFy" not in captured.out + captured.err


@pytest.mark.parametrize(
    ("example", "environment"), [("breast-cancer", "compose"), ("forecasting", "prod"), ("vision-distributed", "lab")]
)
def test_lines_of_examples_are_explained_with_what_decides_them(
    example: str, environment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "examples" / example, tmp_path / "here", ignore=shutil.ignore_patterns("manifests"))
    monkeypatch.chdir(tmp_path / "here")
    api.compile(envs=[environment])
    files = [path for path in sorted(Path("manifests").rglob("*.yaml")) if os.path.getsize(path) > 2000][:3]
    assert files
    for file in files:
        total = len(file.read_text().splitlines())
        for number in (2, total // 3, total - 1):
            found = lines.line(file.as_posix(), number)
            assert isinstance(found, lines.LineAnswer) and found.notes == ()
            if found.answer is not None and found.answer.sure and found.place is not None:
                (back,) = fields.fields(found.answer.path, "mlproject.yaml", environment)
                assert (found.place.file, found.place.line) in {(one.file, one.line) for one in back.places}, dotted(
                    found.answer.path
                )


def test_questions_raise_nothing_but_their_own_errors(project: Path) -> None:
    with pytest.raises(InquiryError):
        fields.field("a b c")
    with pytest.raises(InquiryError):
        lines.line("manifests/prod/compose/compose.yaml", 0)
