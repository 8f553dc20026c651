"""The JSON Schema: fresh, valid, and of one mind with the models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlwright.cli.schema import document
from mlwright.source.load import load
from mlwright.source.tree import Node, plain
from mlwright.spec.schema import json_schema

jsonschema = pytest.importorskip("jsonschema")
ROOT = Path(__file__).resolve().parents[3]
HEAD = {"apiVersion": "mlwright.dev/v1", "kind": "MLProject", "metadata": {"name": "churn"}}
PROJECTS = sorted((ROOT / "examples").glob("**/mlproject.yaml"))


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json_schema()


@pytest.fixture(scope="module")
def validator(schema: dict[str, Any]) -> Any:
    return jsonschema.Draft202012Validator(schema)


def read(path: Path) -> Node:
    tree, _ = load(path.read_bytes(), path.name)
    assert tree is not None
    return tree


def test_the_committed_file_is_fresh() -> None:
    assert (ROOT / "schemas" / "mlproject.v1.schema.json").read_text(encoding="utf-8") == document()


def test_it_is_a_schema_of_its_dialect(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"].endswith("/mlproject.v1.schema.json")
    assert json.dumps(json_schema()) == json.dumps(schema)


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.parent.name)
def test_every_example_fits(path: Path, validator: Any) -> None:
    errors = list(validator.iter_errors(plain(read(path))))
    assert [(list(error.absolute_path), error.message[:200]) for error in errors] == []


@pytest.mark.parametrize(
    "sections",
    [
        {"params": {"lr": 0.1, "stores": ["a"], "n": {"default": 3}, "x-note": "why"}},
        {"x-anything": {"at": ["all"]}},
        {"steps": {"a": {"command": "echo", "image": "python:3.12", "resources": {"gpu": 1, "rdma/roce": 2}}}},
        {"steps": {"a": {"command": ["echo"], "max_parallel": "${params.n}", "cache": "${params.cached}"}}},
        {"steps": {"a": {"needs": ["steps.b", {"step": "steps.c", "optional": True}], "retries": 2}}},
        {"serving": {"a": {"model": "s3://acme-ml/m", "expose": "cluster", "replicas": 2}}},
        {"serving": {"a": {"type": "route", "mode": "ensemble", "to": ["serving.b"]}}},
        {"pipelines": {"main": {"run": ["training"], "schedule": "0 3 * * 1"}}},
        {"environments": {"prod": {"platform": "argo", "training": {"cache": None}, "steps": {"a": None}}}},
        {"environments": {"prod": {"platform": "argo", "storage": {"w": {"uri": "gs://acme-ml"}}}}},
    ],
)
def test_short_forms_notes_references_and_overlays_fit(sections: dict[str, Any], validator: Any) -> None:
    assert [error.message[:300] for error in validator.iter_errors(HEAD | sections)] == []


@pytest.mark.parametrize(
    "sections",
    [
        {"sevring": {}},
        {"apiVersion": "mlwright.dev/v2"},
        {"params": {"learning-rate": 0.1}},
        {"params": {"lr": {"min": 0}}},
        {"steps": {"a": {"comand": "echo"}}},
        {"steps": {"a": {"command": []}}},
        {"steps": {"a": {"command": ["echo", 1]}}},
        {"steps": {"a": {"resources": {"memory": "2GB"}}}},
        {"storage": {"a": {"type": "s33"}}},
        {"storage": {"a": {"uri": "s3://acme-ml"}}},
        {"environments": {"prod": {}}},
        {"environments": {"prod": {"platform": "argo", "sevring": {}}}},
        {"environments": {"prod": {"platform": "argo", "training": {"comand": "echo"}}}},
        {"environments": {"prod": {"platform": "argo", "kind": "MLProject"}}},
    ],
)
def test_what_the_compiler_refuses_does_not_fit(sections: dict[str, Any], validator: Any) -> None:
    assert list(validator.iter_errors(HEAD | sections))


def test_every_property_has_a_description(schema: dict[str, Any]) -> None:
    bare = [
        f"{name}.{key}"
        for name, definition in {"Project": schema, **schema["$defs"]}.items()
        for form in (definition, *definition.get("anyOf", []))
        for key, item in form.get("properties", {}).items()
        if "description" not in item
    ]
    assert bare == []
