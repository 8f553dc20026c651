"""`mlwright.record.dataclass` means what the standard decorator means."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from mlwright import record

Decorator = Callable[..., Callable[[type], type]]


def make(decorator: Decorator, *, kw_only: bool = True) -> Any:
    @decorator(frozen=True, slots=True, kw_only=kw_only)
    class Point:
        """A point."""

        unit: ClassVar[str] = "m"
        x: int
        y: int = 0
        tags: list[str] = dataclasses.field(default_factory=list)
        note: str = dataclasses.field(default="", compare=False, repr=False)

        @property
        def sum(self) -> int:
            return self.x + self.y

    return Point


OURS, STANDARD = make(record.dataclass), make(dataclasses.dataclass)


@record.dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node that others are kinds of."""

    name: str
    size: int = 1


@record.dataclass(frozen=True, slots=True, kw_only=True)
class Leaf(Node):
    """A node with a colour."""

    colour: str


def test_text_fields_and_documentation_are_the_same() -> None:
    assert repr(OURS(x=1)) == repr(STANDARD(x=1))
    assert [field.name for field in dataclasses.fields(OURS)] == [field.name for field in dataclasses.fields(STANDARD)]
    assert [field.type for field in dataclasses.fields(OURS)] == [field.type for field in dataclasses.fields(STANDARD)]
    assert OURS.__annotations__ == STANDARD.__annotations__
    assert OURS.__doc__ == STANDARD.__doc__
    assert OURS.__slots__ == STANDARD.__slots__
    assert dataclasses.asdict(OURS(x=1)) == dataclasses.asdict(STANDARD(x=1))


def test_instances_are_equal_by_what_is_compared() -> None:
    assert OURS(x=1, note="a") == OURS(x=1, note="b")
    assert OURS(x=1) != OURS(x=2)
    assert OURS(x=1) != STANDARD(x=1)
    assert hash(Node(name="a")) == hash(Node(name="a"))
    assert len({Node(name="a"), Node(name="a"), Node(name="b")}) == 2
    assert Node(name="a") != Leaf(name="a", colour="red")


@pytest.mark.parametrize("values", [{}, {"x": 1, "z": 2}, {"y": 1}])
def test_wrong_arguments_are_refused(values: dict[str, int]) -> None:
    for kind in (OURS, STANDARD):
        with pytest.raises(TypeError):
            kind(**values)


def test_only_names_are_taken_where_the_class_says_so() -> None:
    with pytest.raises(TypeError):
        OURS(1)
    assert make(record.dataclass, kw_only=False)(1, 2).sum == 3


def test_defaults_are_made_for_each_instance() -> None:
    first, second = OURS(x=1), OURS(x=1)
    first.tags.append("a")
    assert second.tags == []
    assert OURS(x=1, tags=["b"]).tags == ["b"]


@pytest.mark.parametrize("name", ["x", "other"])
def test_instances_are_frozen(name: str) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(OURS(x=1), name, 2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        delattr(OURS(x=1), "x")


def test_a_class_keeps_its_own_methods() -> None:
    @record.dataclass(frozen=True, slots=True)
    class Quiet:
        """Shows nothing."""

        text: str

        def __repr__(self) -> str:
            return "Quiet"

    assert repr(Quiet("a")) == "Quiet"


def test_inherited_fields_come_first() -> None:
    leaf = Leaf(name="a", colour="red")
    assert repr(leaf) == "Leaf(name='a', size=1, colour='red')"
    assert dataclasses.replace(leaf, size=2) == Leaf(name="a", size=2, colour="red")


def test_instances_are_copied_and_pickled() -> None:
    leaf = Leaf(name="a", colour="red")
    assert copy.copy(leaf) == copy.deepcopy(leaf) == pickle.loads(pickle.dumps(leaf)) == leaf


def test_classes_of_other_kinds_are_the_standard_ones() -> None:
    @record.dataclass(slots=True)
    class Counter:
        """Changes."""

        value: int = 0

    counter = Counter()
    counter.value += 1
    assert counter == Counter(1)
