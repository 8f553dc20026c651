"""The kitchen sink shows the whole language, and every field of the language explains itself."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from mlwright.spec import Project, validate
from mlwright.spec.base import Model
from mlwright.spec.declaration import FieldInfo
from mlwright.spec.explanation import adapter
from mlwright.spec.schema import models

HERE = Path(__file__).parent
SPEC = importlib.util.spec_from_file_location("kitchen", HERE / "kitchen.py")
assert SPEC is not None
assert SPEC.loader is not None
kitchen = sys.modules["kitchen"] = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(kitchen)

MODELS = list(models(Project))
FIELDS = [(model, name, field) for model in MODELS for name, field in model.model_fields.items()]


def declared_in(model: type[Model], name: str) -> type[Model]:
    """The class of `model`'s ancestors that declares a field."""
    return next(cls for cls in reversed(model.__mro__) if issubclass(cls, Model) and name in cls.model_fields)


def test_every_field_of_every_model_is_in_the_kitchen_sink() -> None:
    used = {pair for project in kitchen.projects() for pair in kitchen.used(project)}
    seen = used | {(declared_in(model, name), name) for model, name in used}
    wanted = {(declared_in(model, name), name) for model, name, _ in FIELDS}
    assert sorted(f"{model.__name__}.{name}" for model, name in wanted - seen) == []


@pytest.mark.parametrize("path", kitchen.FILES, ids=lambda path: path.parent.name)
def test_each_environment_of_the_kitchen_sink_validates(path: Path) -> None:
    for name, tree in kitchen.trees(path).items():
        project, bag = validate(tree)
        assert [item.message for item in bag] == [], name
        assert isinstance(project, Project), name


def test_overlays_reach_the_project() -> None:
    project = validate(kitchen.trees(kitchen.FILES[0])["prod"])[0]
    assert project is not None
    assert project.params["learning_rate"].default == 0.04
    assert project.environments["prod"].namespace is not None
    assert project.environments["prod"].namespace.name == "churn-prod"
    assert project.metadata.labels == {"cost-center": "4711", "team": "growth"}


@pytest.mark.parametrize(("model", "name", "field"), FIELDS, ids=lambda item: getattr(item, "__name__", str(item))[:40])
def test_every_field_has_a_description_and_examples_that_it_accepts(
    model: type[Model], name: str, field: FieldInfo
) -> None:
    assert field.description, f"{model.__name__}.{name}"
    assert field.description.endswith("."), f"{model.__name__}.{name}"
    assert field.examples, f"{model.__name__}.{name}"
    for example in field.examples:
        adapter(field.annotation).validate_python(example)


def test_every_model_has_a_docstring() -> None:
    assert [model.__name__ for model in MODELS if not model.__doc__] == []
