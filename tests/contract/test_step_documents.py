"""Every step document that examples compile to is what the published schema says, so that the launcher can read it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("steps", "schedules")
    for path in (ROOT / "tests" / "golden").rglob(f"{folder}/*.json")
)


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    return Draft202012Validator(json.loads((ROOT / "schemas" / "step.v1.schema.json").read_text(encoding="utf-8")))


def test_the_schema_is_one(schema: Draft202012Validator) -> None:
    Draft202012Validator.check_schema(schema.schema)


@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_document_fits_the_schema(path: str, schema: Draft202012Validator) -> None:
    document = json.loads((ROOT / path).read_text(encoding="utf-8"))
    assert [f"{list(error.path)}: {error.message}" for error in schema.iter_errors(document)] == []


def test_every_kind_of_document_is_among_them() -> None:
    kinds = {json.loads((ROOT / path).read_text(encoding="utf-8"))["kind"] for path in DOCUMENTS}
    assert kinds == {"step", "trial", "search", "gate", "register", "start", "finish", "serve", "schedule"}


@pytest.mark.parametrize("path", DOCUMENTS)
def test_no_shell_or_template_character_stands_in_a_document(path: str) -> None:
    """Katib's shell, Kubernetes' `$(X)` and Argo's braces find nothing to work on inside of texts."""
    text = (ROOT / path).read_text(encoding="utf-8")
    assert "$" not in text and "(" not in text and "{{" not in text
