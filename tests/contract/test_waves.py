"""What examples compile to comes up under Argo CD: nothing waits for what is applied after it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlwright.emit.kube.metadata import SYNC_WAVE

GOLDEN = Path(__file__).parent.parent / "golden"
WATCHED = sorted(path.parent.parent.parent for path in GOLDEN.glob("*/*/argo/cd/kustomization.yaml"))
LASTING = ("Deployment", "StatefulSet", "Notebook", "InferenceService")
"""Kinds whose pods start with the sync and stay."""
REFERRED = {
    ("configMap", "name"): "ConfigMap",
    ("configMapKeyRef", "name"): "ConfigMap",
    ("secretKeyRef", "name"): "ExternalSecret",
    ("persistentVolumeClaim", "claimName"): "PersistentVolumeClaim",
    ("workflowTemplateRef", "name"): "WorkflowTemplate",
}
Place = tuple[str, str]


def objects(folder: Path) -> dict[Place, dict[str, Any]]:
    """(kind, name) -> the objects that the environment's kustomization reaches."""
    found = {}
    for target in yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))["resources"]:
        for name in yaml.safe_load((folder / target / "kustomization.yaml").read_text("utf-8"))["resources"]:
            item = yaml.safe_load((folder / target / name).read_text("utf-8"))
            found[item["kind"], item["metadata"]["name"]] = item
    return found


def wave(item: dict[str, Any]) -> int:
    return int(item["metadata"].get("annotations", {}).get(SYNC_WAVE, 0))


def references(value: Any, above: str = "") -> Iterator[Place]:
    if isinstance(value, list):
        for item in value:
            yield from references(item, above)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "serviceAccountName":
                yield "ServiceAccount", str(item)
            elif kind := REFERRED.get((above, key)):
                yield kind, str(item)
            else:
                yield from references(item, key)


def broken(found: dict[Place, dict[str, Any]]) -> list[str]:
    """What would hold up a sync: something that is needed in a later wave, a volume that waits for its first pod."""
    problems = []
    for (kind, name), item in found.items():
        for place in references(item.get("spec", {})):
            if place in found and wave(found[place]) > wave(item):
                problems.append(f"{kind} {name} is applied before {' '.join(place)}")
    last = max(wave(item) for item in found.values())
    for (kind, name), item in found.items():
        if kind == "PersistentVolumeClaim":
            users = [one for (user, _), one in found.items() if user in LASTING and (kind, name) in references(one)]
            if wave(item) < min((wave(one) for one in users), default=last):
                problems.append(f"{kind} {name} waits for a pod of a later wave")
    return problems


@pytest.mark.parametrize("folder", WATCHED, ids=lambda folder: f"{folder.parent.name}/{folder.name}")
def test_nothing_waits_for_what_comes_later(folder: Path) -> None:
    assert broken(objects(folder)) == []


def test_some_example_is_delivered_by_argo_cd() -> None:
    assert WATCHED


def made(kind: str, at: int, name: str = "a", **spec: Any) -> dict[Place, dict[str, Any]]:
    return {(kind, name): {"kind": kind, "metadata": {"name": name, "annotations": {SYNC_WAVE: str(at)}}, "spec": spec}}


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (made("Deployment", 0, x={"configMap": {"name": "a"}}) | made("ConfigMap", 10), "applied before ConfigMap a"),
        (made("Job", -10, serviceAccountName="a") | made("ServiceAccount", 0), "applied before ServiceAccount a"),
        (made("PersistentVolumeClaim", -20) | made("Workflow", 20), "waits for a pod"),
        (
            made("PersistentVolumeClaim", -20)
            | made("Deployment", 10, x={"persistentVolumeClaim": {"claimName": "a"}}),
            "waits for a pod",
        ),
    ],
)
def test_what_would_hold_up_a_sync_is_found(found: dict[Place, dict[str, Any]], problem: str) -> None:
    assert problem in " ".join(broken(found))
