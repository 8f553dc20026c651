"""The Compose output as `up`, `down` and `logs` read it back."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlwright.engine import stack
from mlwright.engine.stack import Stack, load

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture(scope="module")
def kitchen() -> Stack:
    return load(GOLDEN / "kitchen-sink/compose/compose")


@pytest.fixture(scope="module")
def cancer() -> Stack:
    return load(GOLDEN / "breast-cancer/compose/compose")


def test_the_default_pipeline_is_what_has_no_profile(cancer: Stack) -> None:
    services = cancer.started_by("main")
    assert {item.name for item in services} == set(cancer.services) - {"online-smoke"}
    closing = cancer.closing(services)
    assert closing is not None
    assert closing.name == "finish"


def test_another_pipeline_is_what_has_its_profile(kitchen: Stack) -> None:
    services = kitchen.started_by("retrain")
    assert services
    assert all(item.profiles == ("pipeline-retrain",) for item in services)
    closing = kitchen.closing(services)
    assert closing is not None
    assert closing.name == "retrain-finish"


def test_required_variables_are_told_with_where_they_come_from(kitchen: Stack) -> None:
    assert kitchen.required["LAKE__AWS_ACCESS_KEY_ID"] == "AWS_ACCESS_KEY_ID of the secret `lake`"
    example = (kitchen.folder / ".env.example").read_text()
    assert all(f"\n{name}=" in example for name in kitchen.required)


def test_a_variable_of_an_added_file_is_required_too(tmp_path: Path) -> None:
    (tmp_path / "objects").mkdir()
    (tmp_path / "compose.yaml").write_text("name: p\nservices: {a: {image: 'x:$${NO:?no}'}}\n")
    (tmp_path / "objects/extra.yaml").write_text("services: {b: {image: 'x:${TAG:?set TAG}', user: '${ID:-1}'}}\n")
    assert load(tmp_path).required == {"TAG": "named by a file of `objects`"}


@pytest.mark.parametrize(
    ("word", "services"),
    [
        ("steps.features", ["features"]),
        ("features", ["features"]),
        ("training", ["training"]),
        ("tuning", ["search", "trial"]),
        ("evaluation", ["evaluation", "evaluation-gates"]),
        ("evaluation.gates", ["evaluation-gates"]),
        ("tracking", ["mlflow", "mlflow-upgrade"]),
        ("pipelines.main", ["start", "finish"]),
        ("serving.online", ["online", "online-smoke"]),
        ("steps", ["features"]),
        ("step", []),
        ("steps.feature", []),
        ("", []),
    ],
)
def test_a_word_means_a_service_or_a_path_of_the_spec(cancer: Stack, word: str, services: list[str]) -> None:
    assert sorted(item.name for item in cancer.named(word)) == sorted(services)


def test_ports_are_known_by_the_variable_that_moves_them(cancer: Stack) -> None:
    assert cancer.services["mlflow"].published == {5000: "MLWRIGHT_PORT_MLFLOW"}
    assert cancer.services["online"].published == {8080: "MLWRIGHT_PORT_ONLINE"}


def test_a_volume_that_existed_before_is_not_ours(tmp_path: Path) -> None:
    volumes = "volumes: {mlflow: null, theirs: {external: true, name: imagenet}}"
    (tmp_path / "compose.yaml").write_text(f"name: p\nservices: {{a: {{image: x}}}}\n{volumes}\n")
    assert load(tmp_path).volumes == ("mlflow",)


@pytest.mark.parametrize("text", ["", "[]", "name: x", "services: {}", "{", "name: 3\nservices: {}"])
def test_what_is_no_compose_file_of_ours_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "compose.yaml").write_text(text)
    with pytest.raises(ValueError, match="it "):
        load(tmp_path)


def test_outputs_are_found_by_environment(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / "manifests" / name / "compose").mkdir(parents=True)
        (tmp_path / "manifests" / name / "compose/compose.yaml").touch()
    (tmp_path / "manifests/prod/kubernetes").mkdir(parents=True)
    assert list(stack.written(tmp_path)) == ["a", "b"]
