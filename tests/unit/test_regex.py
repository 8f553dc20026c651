"""Expressions are compiled when they are used."""

from __future__ import annotations

import re

import pytest

from mlwright.regex import lazy


def test_it_finds_what_a_compiled_expression_finds() -> None:
    expression = lazy(r"(?P<word>[a-z]+)-(\d)", re.IGNORECASE)
    for _ in range(2):
        match = expression.fullmatch("Ab-1")
        assert match is not None
        assert match["word"] == "Ab"
    assert expression.search("--") is None
    assert expression.pattern == r"(?P<word>[a-z]+)-(\d)"


def test_a_wrong_expression_is_found_at_its_first_use() -> None:
    expression = lazy("(")
    with pytest.raises(re.error):
        expression.match("")
