"""The kitchen sink's platform files show every field, and every field explains itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.spec.kitchen import used

from mlwright.platform.file import read_platform
from mlwright.platform.model import Platform
from mlwright.source.files import Disk
from mlwright.spec.base import Model
from mlwright.spec.declaration import FieldInfo
from mlwright.spec.explanation import adapter
from mlwright.spec.schema import models

FOLDER = Path(__file__).resolve().parents[3] / "examples" / "kitchen-sink" / "platforms"
FILES = sorted(FOLDER.glob("*.yaml"))
FIELDS = [(model, name, field) for model in models(Platform) for name, field in model.model_fields.items()]


def read(path: Path) -> Platform:
    profile, bag = read_platform(Disk(path.parent), "", path.name, ("platform",))
    assert [item.message for item in bag] == []
    assert profile is not None and profile.written is not None
    return profile.written


def test_every_field_of_a_platform_file_is_in_the_kitchen_sink() -> None:
    seen = {pair for path in FILES for pair in used(read(path))}
    missing = {(model.__name__, name) for model, name, _ in FIELDS} - {(model.__name__, name) for model, name in seen}
    assert missing == set()


@pytest.mark.parametrize(("model", "name", "field"), FIELDS, ids=lambda item: getattr(item, "__name__", str(item))[:40])
def test_every_field_has_a_description_and_examples_that_it_accepts(
    model: type[Model], name: str, field: FieldInfo
) -> None:
    assert model.__doc__
    assert field.description.endswith("."), f"{model.__name__}.{name}"
    assert field.examples, f"{model.__name__}.{name}"
    for example in field.examples:
        adapter(field.annotation).validate_python(example)
