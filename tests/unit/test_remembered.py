"""The answer about the last object that was asked about."""

from __future__ import annotations

from mlwright.remembered import remembered


def test_the_same_object_is_looked_at_once_and_an_equal_one_again() -> None:
    asked: list[list[int]] = []

    @remembered
    def total(numbers: list[int]) -> int:
        asked.append(numbers)
        return sum(numbers)

    one, equal = [1, 2], [1, 2]
    assert [total(one), total(one), total(equal), total(one)] == [3, 3, 3, 3]
    assert [item is one for item in asked] == [True, False, True]
