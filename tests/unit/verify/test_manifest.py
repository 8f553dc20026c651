"""Objects, and objects inside of objects."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlwright.verify.manifest import Manifest, gather
from tests.unit.verify.kit import emitted

NESTED = """
apiVersion: v1
kind: ConfigMap
metadata: {name: plan, namespace: x, labels: {a: b}}
data:
  step.json: {env: [{name: A}], labels: {z: 1}}
  plan.json:
    steps:
      - manifest: {apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {env: [{name: B}]}}
"""


def found(text: str, *keys: str) -> list[Manifest]:
    return gather(emitted(text), frozenset(keys))


def test_an_object_inside_of_a_document_has_its_place_its_outer_one_and_its_namespace() -> None:
    outer, inner = found(NESTED, "env", "labels")
    assert inner.at == ("data", "plan.json", "steps", 0, "manifest")
    assert (inner.outer, inner.namespace, str(inner)) == (outer, "x", "Job j (inside ConfigMap plan)")
    assert [place.path for place in inner.places_of("env")] == [(*inner.at, "spec", "env")]


def test_what_a_configmap_holds_is_not_its_own() -> None:
    outer, _ = found(NESTED, "env", "labels")
    assert [place.path for place in outer.places_of("env", "labels")] == [("metadata", "labels")]


@pytest.mark.parametrize(
    "text",
    [
        "{services: {a: {image: x}}}",
        "{apiVersion: v1, kind: Pod, name: a}",
        "{apiVersion: kustomize.config.k8s.io/v1beta1, kind: Kustomization, metadata: {name: a}}",
        "{apiVersion: [1], kind: Pod, metadata: {}}",
    ],
)
def test_what_only_looks_like_one_is_none(text: str) -> None:
    assert found(text) == []


def test_a_reference_to_an_object_is_none() -> None:
    text = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: a, ownerReferences: [{apiVersion: v1, kind: Pod, name: x, uid: y}]}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: b}}
"""
    assert [str(item) for item in found(text)] == ["HorizontalPodAutoscaler a"]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ('{"apiVersion": "v1", "kind": "Pod", "metadata": {}}', 2),
        ("apiVersion: v1\nkind: Pod\nmetadata: {}\n", 2),
        ("apiVersion: v1\nkind: Pod\nmetadata: {}\nspec: {n: {{x}}}\n", 1),
        ("apiVersion: v1\n  kind: : Pod", 1),
        ('{"apiVersion"', 1),
    ],
)
def test_text_is_an_object_where_it_can_be_read_as_one(text: str, count: int) -> None:
    import json

    outer = (
        f"{{apiVersion: argoproj.io/v1alpha1, kind: W, metadata: {{name: w}}, spec: {{manifest: {json.dumps(text)}}}}}"
    )
    assert len(found(outer)) == count


def test_the_size_is_about_that_of_the_written_object() -> None:
    (item,) = found("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {k: " + "x" * 1000 + "}}")
    assert 1000 < item.size < 1200


def test_verify_is_not_loaded_for_compose(tmp_path: Path) -> None:
    import subprocess
    import sys

    spec = tmp_path / "mlproject.yaml"
    spec.write_text(
        "apiVersion: mlwright.dev/v1\nkind: MLProject\nmetadata: {name: a}\n"
        "defaults: {steps: {image: a:1}}\nsteps: {a: {command: [x]}}\nenvironments: {e: {platform: compose}}\n"
    )
    program = (
        "import sys; from mlwright import api; result = api.compile(); assert not result.failed, result\n"
        "print(sorted(name for name in sys.modules if name.split('.')[0] in ('jsonschema', 'celpy', "
        "'kubernetes_validate') or name == 'mlwright.verify'))"
    )

    def loaded() -> str:
        return subprocess.run(
            [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout.strip()

    assert loaded() == "[]"
    spec.write_text(spec.read_text().replace("compose", "kubernetes"))
    assert loaded() == "['mlwright.verify']"
