"""The reader of sound files and pydantic agree: on what is sound, and on what it says."""

from __future__ import annotations

import copy
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlwright.platform.model import Platform
from mlwright.source.load import load
from mlwright.source.tree import plain
from mlwright.spec import Project
from mlwright.spec.acceptance import accept, reader
from mlwright.spec.base import Model
from mlwright.spec.explanation import explain
from mlwright.spec.schema import models
from mlwright.spec.validate import _own_environments

HERE = Path(__file__).parent
SPEC = importlib.util.spec_from_file_location("kitchen", HERE / "kitchen.py")
assert SPEC is not None
assert SPEC.loader is not None
kitchen = sys.modules["kitchen"] = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(kitchen)

Step = str | int


def whole() -> Iterator[tuple[type[Model], Any]]:
    for path in kitchen.FILES:
        for tree in kitchen.trees(path).values():
            yield Project, _own_environments(plain(tree))
    for path in sorted((kitchen.FOLDER / "platforms").glob("*.yaml")):
        node, _ = load(path.read_bytes(), path.name)
        assert node is not None
        yield Platform, plain(node)


WHOLE = list(whole())
FIELDS = [
    (model, name, example)
    for model in (*models(Project), *models(Platform))
    for name, field in model.model_fields.items()
    for example in field.examples
]
ODD = [
    None, True, False, 0, 1, -1, 3.5, 2**70, float("inf"), "", " ", "a", "A", "x-a", "1", "1\n", "/",
    "/a\n", "2Gi", "5m",
    "s3://acme/x", "${params.x}", "${", "ä", "stdout", "service", "* * * * *", [], ["a"], [1, None], [[]], {},
    {"a": 1}, {"x-a": 1}, {"type": "s3"}, {"type": None}, {"type": ["a"]}, {"min": 1, "max": 0}, {"a/b": 1}, {"/": {}},
]  # fmt: skip
values = st.sampled_from(ODD) | st.text(max_size=5) | st.integers() | st.floats(allow_nan=False)


def paths(value: Any, path: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths(item, (*path, key))


PATHS = [list(paths(value)) for _, value in WHOLE]


def agree(model: type[Model], value: Any) -> bool:
    """Both readers say the same about `value`; True when they accept it."""
    told, errors = explain(model, copy.deepcopy(value))
    try:
        read = accept(model, copy.deepcopy(value))
    except ValueError:
        assert errors, value
        return False
    assert not errors, value
    assert read == told
    assert read.model_fields_set == told.model_fields_set
    return True


@pytest.mark.parametrize(("model", "value"), WHOLE)
def test_whole_files_are_read_alike(model: type[Model], value: Any) -> None:
    assert agree(model, value)


@pytest.mark.parametrize(("model", "name", "example"), FIELDS, ids=lambda item: getattr(item, "__name__", "")[:40])
def test_every_example_is_read(model: type[Model], name: str, example: object) -> None:
    reader(model.model_fields[name].annotation)(copy.deepcopy(example))


@settings(max_examples=200)
@given(st.data())
def test_one_change_anywhere_is_judged_alike(data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(WHOLE) - 1))
    model, value = WHOLE[index][0], copy.deepcopy(WHOLE[index][1])
    path = data.draw(st.sampled_from(PATHS[index]))
    kind = data.draw(st.sampled_from(["replace", "remove", "add"]))
    *above, last = path or ("",)
    holder = value
    for step in above:
        holder = holder[step]
    inside = holder[last] if path else value
    if kind == "add" and isinstance(inside, dict):
        key = data.draw(st.sampled_from(["a", "x-a", "type", "min", "ref", "name", "a b", "/", "a/b"]))
        inside[key] = data.draw(values)
    elif not path:
        value = data.draw(values)
    elif kind == "remove":
        del holder[last]
    else:
        holder[last] = data.draw(values)
    agree(model, value)


@pytest.mark.parametrize("odd", ODD, ids=lambda item: ascii(item)[:30])
def test_odd_values_in_every_model_are_judged_alike(odd: object) -> None:
    for model in (*models(Project), *models(Platform)):
        agree(model, odd)
        for key in [field.alias or name for name, field in model.model_fields.items()]:
            agree(model, {key: odd})
