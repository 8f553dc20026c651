"""The JSON Schema of platform files: fresh, valid, and of one mind with the models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlwright.cli.schema import PLATFORM, platform_document
from mlwright.platform.schema import json_schema
from mlwright.source.load import load
from mlwright.source.tree import plain

jsonschema = pytest.importorskip("jsonschema")
ROOT = Path(__file__).resolve().parents[3]
HEAD = {"apiVersion": "mlwright.dev/v1", "kind": "Platform", "orchestrator": "argo", "kubernetes": "1.36"}


def errors(value: Any) -> list[str]:
    return [error.message[:200] for error in jsonschema.Draft202012Validator(json_schema()).iter_errors(value)]


def test_the_committed_file_is_fresh() -> None:
    assert (ROOT / PLATFORM).read_text(encoding="utf-8") == platform_document()


def test_it_is_a_schema_of_its_dialect() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    assert json_schema()["$id"].endswith("/platform.v1.schema.json")


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("**/platforms/*.yaml")), ids=lambda path: path.name)
def test_every_example_fits(path: Path) -> None:
    tree, _ = load(path.read_bytes(), path.name)
    assert tree is not None
    assert errors(plain(tree)) == []


@pytest.mark.parametrize(
    "sections",
    [
        {"argo_cd": "3.5"},
        {"argo_cd": {"version": "v3.5.1", "project": "ml"}},
        {"x-note": "why", "placements": {"spot": {"x-note": "why", "queue": "gpu"}, "x-old": 1}},
        {"namespaces": {"churn-prod": {"quota": {"hard": {"cpu": 64}}}}},
        {"ingress": {"class": "nginx"}},
    ],
)
def test_short_forms_and_notes_fit(sections: dict[str, Any]) -> None:
    assert errors(HEAD | sections) == []


@pytest.mark.parametrize(
    "sections",
    [
        {"argocd": "3.5"},
        {"argo_cd": "latest"},
        {"argo_cd": {"project": "ml"}},
        {"orchestrator": "airflow"},
        {"orchestrator": "${params.orchestrator}"},
        {"placements": {"Spot": {}}},
        {"ingress": {"class_": "nginx"}},
        {"network": {"policies": "yes"}},
        {"network": {"api_server": [{"cidr": "10.0.0.1"}]}},
    ],
)
def test_what_the_models_refuse_does_not_fit(sections: dict[str, Any]) -> None:
    assert errors(HEAD | sections)
