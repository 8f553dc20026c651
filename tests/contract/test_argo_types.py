"""Hera's typed models of Argo's objects read every one that examples compile to, and lose nothing of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.contract.argo.typed import MODELS, lost

ROOT = Path(__file__).parent.parent.parent


def objects(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(folder.glob("**/argo/**/*.yaml")):
        for item in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            if isinstance(item, dict) and item.get("kind") in MODELS:
                yield path.relative_to(ROOT).as_posix(), item


DOCUMENTS = list(objects(ROOT / "tests" / "golden"))


@pytest.mark.parametrize(("path", "item"), DOCUMENTS, ids=[path for path, _ in DOCUMENTS])
def test_an_object_passes_through_the_typed_model_unchanged(path: str, item: dict[str, Any]) -> None:
    assert lost(item) == []


TEMPLATE: dict[str, Any] = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "WorkflowTemplate",
    "metadata": {"name": "train"},
    "spec": {"entrypoint": "main", "templates": [{"name": "main", "container": {"image": "i"}}]},
}


def changed(path: str, value: Any) -> dict[str, Any]:
    text = yaml.safe_dump(TEMPLATE)
    item: Any = yaml.safe_load(text)
    *parents, last = (int(part) if part.isdigit() else part for part in path.split("/"))
    inner = item
    for part in parents:
        inner = inner[part]
    inner[last] = value
    return dict(item)


def test_a_sound_object_loses_nothing() -> None:
    assert lost(TEMPLATE) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec/onExitt", "main"),
        ("spec/synchronization", {"mutex": {"name": "m"}}),
        ("spec/templates/0/retryStrategy", {"limits": "3"}),
        ("spec/templates/0/container/imagePullPolic", "Always"),
        ("spec/templates/0/inputs", {"artifacts": [{"name": "a", "pathh": "/x"}]}),
    ],
)
def test_a_field_that_argo_does_not_have_is_found(path: str, value: Any) -> None:
    assert lost(changed(path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec/templates", {"main": {}}),
        ("spec/templates/0/dag", {"tasks": [{"template": "x"}]}),
        ("spec/parallelism", "many"),
        ("spec/templates/0/container", "image"),
    ],
)
def test_a_value_of_another_kind_is_refused(path: str, value: Any) -> None:
    with pytest.raises(ValueError, match=r"validation error"):
        lost(changed(path, value))
