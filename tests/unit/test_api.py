"""What `validate` and `compile` do with paths, environments, targets and the output folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlwright import api

HEAD = "apiVersion: mlwright.dev/v1\nkind: MLProject\nmetadata: {name: demo}\n"
SPEC = HEAD + "defaults: {steps: {image: demo:1}}\nsteps: {a: {command: [echo, hello]}}\n"
ENVIRONMENTS = (
    "environments:\n  here: {platform: local}\n  one: {platform: compose}\n  two: {platform: compose, default: true}\n"
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


def codes(result: api.Result) -> list[str]:
    return [item.code for item in result.diagnostics if item.severity != "note"]


def test_without_a_path_the_project_here_is_meant() -> None:
    write("mlproject.yaml", SPEC)
    assert not api.validate().failed
    assert api.compile().written[0].startswith("manifests/local: ")


def test_without_a_project_here_the_request_makes_no_sense() -> None:
    assert "mlwright init" in api.validate().usage_error or "name one" in api.validate().usage_error


def test_a_folder_means_every_project_below_it() -> None:
    for name in ("a", "b/c"):
        write(f"repo/{name}/mlproject.yaml", SPEC)
    write("repo/node_modules/x/mlproject.yaml", "broken: [")
    result = api.compile(["repo"])
    assert not result.failed
    assert Path("repo/a/manifests/local/index.json").exists()
    assert Path("repo/b/c/manifests/local/index.json").exists()


def test_a_folder_without_a_project_is_a_usage_error() -> None:
    Path("empty").mkdir()
    assert "there is no mlproject.yaml in empty" in api.validate(["empty"]).usage_error


def test_a_missing_file_is_a_finding() -> None:
    assert api.validate(["nope.yaml"]).failed


def test_environments_can_be_chosen() -> None:
    write("mlproject.yaml", SPEC + ENVIRONMENTS)
    api.compile(envs=["two"])
    assert [path.name for path in Path("manifests").iterdir()] == ["two"]


def test_an_unknown_environment_is_a_usage_error_with_a_guess() -> None:
    write("mlproject.yaml", SPEC + ENVIRONMENTS)
    assert api.compile(envs=["tow"]).usage_error == "there is no environment 'tow': did you mean 'two'?"


def test_platform_local_writes_nothing_and_says_so() -> None:
    write("mlproject.yaml", SPEC + ENVIRONMENTS)
    result = api.compile(envs=["here"])
    assert (result.written, len(result.notes)) == ((), 1)
    assert "mlwright run" in result.notes[0]
    assert not Path("manifests").exists()


def test_an_unknown_target_is_a_usage_error() -> None:
    write("mlproject.yaml", SPEC)
    assert api.compile(targets=["kompose"]).usage_error == "no target 'kompose' is installed: did you mean 'compose'?"
    assert "there is argo, compose" in api.compile(targets=["nomad"]).usage_error


def test_a_target_that_owns_nothing_writes_nothing_and_says_who_owns_all() -> None:
    write("mlproject.yaml", SPEC)
    result = api.compile(targets=["kubeflow"])
    assert (result.written, result.notes) == ((), ("local: nothing to write for kubeflow: all is owned by compose",))
    assert not Path("manifests").exists()


def test_another_output_folder_may_be_anywhere(folder: Path) -> None:
    write("p/mlproject.yaml", SPEC)
    api.compile(["p"], output="out/x")
    assert Path("out/x/local/compose/compose.yaml").exists()
    assert not Path("p/manifests").exists()


def test_one_output_folder_cannot_take_two_projects() -> None:
    write("a/mlproject.yaml", SPEC)
    write("b/mlproject.yaml", SPEC)
    assert "several" in api.compile(["a", "b"], output="out").usage_error


def test_an_environment_with_errors_leaves_the_old_output_as_it_was() -> None:
    write("mlproject.yaml", SPEC)
    api.compile()
    before = {path: path.read_bytes() for path in Path("manifests").rglob("*") if path.is_file()}
    write("mlproject.yaml", SPEC.replace("hello", "${params.nope}"))
    assert api.compile().failed
    assert {path: path.read_bytes() for path in Path("manifests").rglob("*") if path.is_file()} == before


def test_what_is_no_longer_made_is_removed_and_foreign_files_stay() -> None:
    write("mlproject.yaml", SPEC.replace("hello]}}", "hello]}, b: {command: [echo]}}"))
    api.compile()
    assert Path("manifests/local/compose/steps/b.json").exists()
    write("manifests/local/compose/notes.txt", "mine")
    write("mlproject.yaml", SPEC)
    api.compile()
    assert not Path("manifests/local/compose/steps/b.json").exists()
    assert Path("manifests/local/compose/notes.txt").read_text(encoding="utf-8") == "mine"


def test_the_index_lists_every_input_relative_to_the_project() -> None:
    write("base.yaml", "defaults: {steps: {image: demo:1}}\n")
    write("p/mlproject.yaml", HEAD + "extends: [../base.yaml]\nsteps: {a: {command: [echo]}}\n")
    api.compile(["p"])
    index = json.loads(Path("p/manifests/local/index.json").read_text(encoding="utf-8"))
    assert sorted(index["inputs"]) == ["../base.yaml", "mlproject.lock", "mlproject.yaml"]
    assert index["inputs"]["mlproject.lock"] == "absent"
    assert all(path.startswith("manifests/local/") for path in index["files"])


def test_the_map_and_the_report_are_written_on_demand_beside_the_manifests() -> None:
    write("mlproject.yaml", SPEC)
    result = api.compile(emit=["map", "report"])
    assert ".mlwright/emit/local/map.json" in result.written
    places = json.loads(Path(".mlwright/emit/local/map.json").read_text(encoding="utf-8"))
    assert "compose/compose.yaml" in places["files"]
    report = json.loads(Path(".mlwright/emit/local/report.json").read_text(encoding="utf-8"))
    assert {"field": "steps.a.command", "targets": {"compose": {"support": "exact"}}} in report["fields"]


def test_strict_makes_warnings_errors() -> None:
    write("mlproject.yaml", SPEC.replace("hello]", "hello], placement: spot"))
    assert codes(api.validate()) == ["OWN008"]
    assert not api.validate().failed
    assert api.validate(strict=True).failed


def test_a_warning_that_another_environment_answers_is_not_given() -> None:
    text = SPEC + "secrets: {token: {keys: [TOKEN]}}\n"
    write("mlproject.yaml", text)
    assert codes(api.validate()) == ["SEC004"]
    more = "environments:\n  one: {platform: compose}\n"
    more += "  two: {platform: compose, steps: {a: {env: {T: '${secrets.token.TOKEN}'}}}}\n"
    write("mlproject.yaml", text + more)
    assert codes(api.validate()) == []


def test_the_lock_gives_digests_to_images() -> None:
    digest = "sha256:" + "a" * 64
    write("mlproject.yaml", SPEC)
    write("mlproject.lock", f"images: {{'demo:1': {{digest: '{digest}'}}}}\n")
    assert not api.compile().failed
    step = json.loads(Path("manifests/local/compose/steps/a.json").read_text(encoding="utf-8"))
    assert step["image_digest"] == digest
    index = json.loads(Path("manifests/local/index.json").read_text(encoding="utf-8"))
    assert "mlproject.lock" in index["inputs"]


@pytest.mark.parametrize(
    "text",
    [
        "environments: [local]\n",
        "images: {x: {sha: 1}}\n",
        "images: {x: {entrypoint: [a]}}\n",
        "environments: {e: {models: 3}}\n",
    ],
)
def test_a_damaged_lock_is_refused_at_its_place(text: str) -> None:
    write("mlproject.yaml", SPEC)
    write("mlproject.lock", text)
    result = api.validate()
    assert codes(result) == ["LOCK001"]
    span = result.diagnostics[0].span
    assert span is not None and span.file == "mlproject.lock"


def test_an_alias_that_is_not_pinned_is_not_served() -> None:
    serving = "registry: {model: m, from: '${training.outputs.o}'}\n"
    serving += "serving: {live: {image: x:1, model: '${registry.m@champion}', binding: locked}}\n"
    training = "training: {command: [t, '${outputs.o}'], outputs: {o: {type: mlflow-model}}}\n"
    write("mlproject.yaml", SPEC + training + serving)
    result = api.compile()
    assert [item.code for item in result.diagnostics if item.severity == "note"].count("LOCK002") == 1
    assert "  live:" not in Path("manifests/local/compose/compose.yaml").read_text(encoding="utf-8")
    write("mlproject.lock", "environments: {local: {models: {m@champion: {version: '3', model_id: m-1}}}}\n")
    api.compile()
    assert "  live:" in Path("manifests/local/compose/compose.yaml").read_text(encoding="utf-8")


def test_nothing_is_written_while_the_lock_is_damaged() -> None:
    write("mlproject.yaml", SPEC)
    write("mlproject.lock", "environments: [local]\n")
    assert api.compile().failed
    assert not Path("manifests").exists()
