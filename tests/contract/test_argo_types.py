"""Hera's typed models of Argo's objects read every one that examples compile to, and lose nothing of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hera.events import models as events
from hera.workflows import models as workflows

ROOT = Path(__file__).parent.parent.parent
MODELS: Mapping[str, Any] = {
    "WorkflowTemplate": workflows.WorkflowTemplate,
    "ClusterWorkflowTemplate": workflows.ClusterWorkflowTemplate,
    "Workflow": workflows.Workflow,
    "CronWorkflow": workflows.CronWorkflow,
    "EventSource": events.EventSource,
    "Sensor": events.Sensor,
}
NEWER = frozenset({"podResources", "pendingTimeout", "resourceClaims", "addressingStyle"})
"""Fields of Argo 4.1: the models are of 4.0."""


def objects(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(folder.glob("**/argo/**/*.yaml")):
        for item in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            if isinstance(item, dict) and item.get("kind") in MODELS:
                yield path.relative_to(ROOT).as_posix(), item


def lost(item: Mapping[str, Any]) -> list[str]:
    """Paths that the model of the object's kind does not know, or changes."""
    read = MODELS[item["kind"]].model_validate(item)
    return list(_differences(item, read.model_dump(by_alias=True, exclude_none=True, mode="json"), ""))


def _differences(given: Any, kept: Any, path: str) -> Iterator[str]:
    if isinstance(given, dict) and isinstance(kept, dict):
        for key, value in given.items():
            if key not in NEWER and value is not None:
                yield from _differences(value, kept.get(key), f"{path}/{key}")
    elif isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        for number, (one, other) in enumerate(zip(given, kept, strict=True)):
            yield from _differences(one, other, f"{path}/{number}")
    elif given != kept and str(given) != str(kept):
        yield path


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
