"""Targets are found by name and loaded when they are asked for."""

from __future__ import annotations

import pytest

from mlwright.registry import BrokenTargetError, Registry, UnknownTargetError, installed
from mlwright_compose import ComposeTarget


def test_listing_names_loads_nothing() -> None:
    def explode() -> ComposeTarget:
        raise AssertionError

    assert Registry({"b": explode, "a": explode}).names == ("a", "b")


def test_a_target_is_made_once() -> None:
    made = Registry({"compose": ComposeTarget})
    assert made.get("compose") is made.get("compose")


def test_an_unknown_target_says_what_there_is() -> None:
    with pytest.raises(UnknownTargetError, match="there is compose"):
        Registry({"compose": ComposeTarget}).get("nomad")


def test_a_target_that_cannot_be_loaded_says_why() -> None:
    def explode() -> ComposeTarget:
        raise ImportError("no module named x")

    with pytest.raises(BrokenTargetError, match="no module named x"):
        Registry({"compose": explode}).get("compose")


@pytest.mark.parametrize("factory", [object, ComposeTarget])
def test_what_is_not_a_target_of_that_name_is_refused(factory: type) -> None:
    with pytest.raises(BrokenTargetError, match="not a target of that name"):
        Registry({"other": factory}).get("other")


def test_an_injected_target_stands_beside_the_installed_ones() -> None:
    assert "fake" in installed({"fake": ComposeTarget}).names
