"""Parts that documents share: nobody can change them, and they are written and hashed as if each had its own."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlwright.emit import json, yaml
from mlwright.emit.shared import Shared, SharedList, once, shared
from mlwright.target import Embedded

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=12
)
CHANGES: list[tuple[Any, Callable[[Any], object]]] = [
    ({"a": 1}, lambda part: part.__setitem__("a", 2)),
    ({"a": 1}, lambda part: part.__delitem__("a")),
    ({"a": 1}, lambda part: part.__ior__({"b": 2})),
    ({"a": 1}, lambda part: part.update(b=2)),
    ({"a": 1}, lambda part: part.setdefault("b", 2)),
    ({"a": 1}, lambda part: part.pop("a")),
    ({"a": 1}, lambda part: part.popitem()),
    ({"a": 1}, lambda part: part.clear()),
    ([1], lambda part: part.__setitem__(0, 2)),
    ([1], lambda part: part.__delitem__(0)),
    ([1], lambda part: part.__iadd__([2])),
    ([1], lambda part: part.__imul__(2)),
    ([1], lambda part: part.append(2)),
    ([1], lambda part: part.extend([2])),
    ([1], lambda part: part.insert(0, 2)),
    ([1], lambda part: part.remove(1)),
    ([1], lambda part: part.pop()),
    ([1], lambda part: part.reverse()),
    ([1], lambda part: part.sort()),
    ([1], lambda part: part.clear()),
    ({"a": [1]}, lambda part: part["a"].append(2)),
    ([{"a": 1}], lambda part: part[0].update(b=2)),
]


@pytest.mark.parametrize("value, change", CHANGES)
def test_a_shared_part_refuses_to_be_changed(value: Any, change: Callable[[Any], object]) -> None:
    part = shared(value)
    with pytest.raises(TypeError, match="other documents have it, too"):
        change(part)
    assert part == value


@pytest.mark.parametrize("value", [{"a": [{"b": 1}]}, [{"a": [1]}]])
def test_a_copy_of_it_can_be_changed_and_it_survives_a_pickle(value: Any) -> None:
    part = shared(value)
    assert pickle.loads(pickle.dumps(part)) == value
    assert type(pickle.loads(pickle.dumps(part))) in (Shared, SharedList)
    shallow, deep = copy.copy(part), copy.deepcopy(part)
    assert type(shallow) is type(deep) is type(value)
    shallow.clear()
    inner = deep["a"][0] if isinstance(deep, dict) else deep[0]["a"]
    inner.clear()
    assert part == value


class Text(str):
    """Text that is more than text."""


@pytest.mark.parametrize(
    "value", [{"name": "config@hash"}, [{"a": {"b": ["x@hash"]}}], {"name": Text("run")}, {"plan": Embedded({"a": 1})}]
)
def test_what_is_not_finished_is_not_shared(value: Any) -> None:
    assert shared(value) is value


def test_what_is_finished_is_made_once_and_everything_else_for_each_who_asks() -> None:
    @once
    def variable(name: str, *, value: str | int) -> dict[str, Any]:
        return {"name": name, "value": value}

    assert variable("A", value="a") is variable("A", value="a")
    assert variable("A", value=1)["value"] is not variable("A", value=True)["value"]
    mine = variable("A", value="me@example.com")
    mine["value"] = "another"
    assert variable("A", value="me@example.com") == {"name": "A", "value": "me@example.com"}


@given(VALUES)
def test_a_shared_part_is_written_like_any_other_wherever_it_stands(value: Any) -> None:
    part = shared(value)
    assert part == value

    def around(inner: Any) -> dict[str, Any]:
        document = {"here": inner, "there": [inner, [inner]], "deep": {"er": inner}}
        return {**document, "again": inner, "data": Embedded(document), "twice": [inner, inner]}

    for _ in range(2):  # the second time with what the first has kept
        assert yaml.write(around(part)) == yaml.write(around(value))
    assert yaml.render(around(part)) == yaml.render(around(value))
    assert json.inert(around(part)) == json.inert(around(value))
    assert json.canonical(around(part)) == json.canonical(around(value))
    if isinstance(value, dict):
        assert yaml.write(part) == yaml.write(value)
