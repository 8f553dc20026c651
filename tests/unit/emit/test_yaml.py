"""What the writer's text looks like, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from mlwright.emit import yaml


def test_nested_maps_and_lists_are_block_style_with_two_spaces() -> None:
    text = yaml.write({"a": {"b": ["c", {"d": 1, "e": [2]}, [3, 4]]}, "f": {}, "g": []})
    assert text == ("a:\n  b:\n    - c\n    - d: 1\n      e:\n        - 2\n    - - 3\n      - 4\nf: {}\ng: []\n")


def test_an_object_starts_with_its_identity_and_keeps_the_rest_as_inserted() -> None:
    text = yaml.write({"spec": 1, "data": 2, "metadata": 3, "kind": "A", "apiVersion": "v1"})
    assert [line.split(":")[0] for line in text.splitlines()] == ["apiVersion", "kind", "metadata", "spec", "data"]


def test_a_map_that_is_no_object_keeps_its_order() -> None:
    assert yaml.write({"spec": 1, "kind": 2}) == "spec: 1\nkind: 2\n"


@pytest.mark.parametrize(
    "text", ["no", "1e3", "0o17", "1:30", "2001-01-01", "~", "=", "<<", ".inf", "0777", "", "on", "Y"]
)
def test_text_that_some_reader_takes_for_something_else_is_quoted(text: str) -> None:
    assert yaml.scalar(text) == f'"{text}"'


@pytest.mark.parametrize(
    "text", ["2Gi", "500m", "10s", "a b", "/data", "--lr=0.1", "$HOME", "v1.2", "python", "a:b", "./x"]
)
def test_text_that_every_reader_takes_for_text_stays_bare(text: str) -> None:
    assert yaml.scalar(text) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (3, "3"),
        (0.5, "0.5"),
        (1e-05, "1.0e-05"),
        (1e22, "1.0e+22"),
        (1.5e300, "1.5e+300"),
    ],
)
def test_numbers_have_one_form(value: Any, text: str) -> None:
    assert yaml.scalar(value) == text


def test_lines_become_a_literal_block() -> None:
    assert yaml.write({"a": "x: 1\n\n  y\n", "b": ["c\nd"]}) == "a: |\n  x: 1\n\n    y\nb:\n  - |-\n    c\n    d\n"


@pytest.mark.parametrize("text", ["a \nb", " a\nb", "\na", "a\n\n", "a\r\nb", "a\x1bb\nc", "\n"])
def test_lines_that_a_literal_block_would_change_are_quoted(text: str) -> None:
    assert "|" not in yaml.write({"a": text})


def test_a_header_is_comments_at_the_top() -> None:
    assert yaml.write({"a": 1}, header="One.\n\nTwo.") == "# One.\n#\n# Two.\na: 1\n"


def test_an_empty_document_is_an_empty_map() -> None:
    assert yaml.write({}) == "{}\n"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), "\ud800", {"a": "b\udfff\nc"}])
def test_what_has_no_json_form_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        yaml.write({"a": value})


@pytest.mark.parametrize("data", [{"a": object()}, {"a": b"x"}, {1: "a"}, {"a": {1, 2}}])
def test_what_is_not_json_is_refused(data: Any) -> None:
    with pytest.raises(TypeError):
        yaml.write(data)
