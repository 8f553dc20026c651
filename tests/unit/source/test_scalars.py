"""The words on which YAML readers disagree are explained, harmless ones are not."""

from __future__ import annotations

import pytest

from mlwright.source.load import load, trap
from mlwright.source.tree import Scalar, at


def note(text: str) -> str | None:
    tree, _ = load(f"a: {text}".encode(), "f")
    node = at(tree, ("a",)) if tree else None
    assert isinstance(node, Scalar)
    return trap(node)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no", "take it for false"), ("Yes", "take it for true"), ("on", "true"), ("off", "false"), ("y", "true"),
        ("N", "false"), ("0777", "octal"), ("007", "octal"), ("0x1f", "not decimal"), ("0o17", "not decimal"),
        ("0b11", "not decimal"), ("1:30", "base 60"), ("2024-01-01", "a date"), ("1_000", "a number"),
        ("true", "truth value"), ("1e3", "becomes 1000.0"), ("1.10", "becomes 1.1"), ("12", "is a number"),
        ("null", "no value"), ("", "no value"),
    ],
)  # fmt: skip
def test_disputed_words_are_explained(text: str, words: str) -> None:
    assert words in (note(text) or "")


@pytest.mark.parametrize(
    "text", ["hello", "1.2.3", "'no'", '"12"', "nope", "v1", "s3://a", "10:foo", "1h", "2Gi", "=", "yes sir"]
)
def test_other_words_are_not(text: str) -> None:
    assert note(text) is None


def test_a_number_that_keeps_its_spelling_is_not_said_to_change() -> None:
    assert note("12") == "without quotes `12` is a number"
