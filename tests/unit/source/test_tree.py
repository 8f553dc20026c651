"""Paths find nodes, labels find spans, offsets find columns."""

from __future__ import annotations

import pytest

from mlwright.diag import Bag, Diagnostic, Label
from mlwright.source.load import load
from mlwright.source.tree import Json, Map, Node, Scalar, at, from_plain, locate, located, plain, walk
from mlwright.span import Path, Span


def tree(text: str) -> Node:
    found, bag = load(text.encode(), "f")
    assert found is not None, list(bag)
    return found


def place(text: str, path: Path, on: str = "value", chars: tuple[int, int] | None = None) -> tuple[int, int, int, int]:
    span = locate(tree(text))(Label(path=path, on=on, chars=chars))
    assert span is not None
    return span.line, span.col, span.end_line, span.end_col


def test_a_label_points_at_a_value_or_at_its_key() -> None:
    assert place("a: {b: 'x y'}", ("a", "b")) == (1, 8, 1, 13)
    assert place("a: {b: 'x y'}", ("a", "b"), on="key") == (1, 5, 1, 6)
    assert place("a: [x, yy]", ("a", 1)) == (1, 8, 1, 10)


def test_a_path_that_does_not_exist_points_at_the_key_of_its_nearest_parent() -> None:
    text = "steps:\n  train:\n    command: [a]\n"
    assert place(text, ("steps", "train", "image", "ref")) == (2, 3, 2, 8)
    assert place(text, ("steps", "train", "command", 5)) == (3, 5, 3, 12)
    assert place(text, ("nowhere",)) == (1, 1, 1, 6)


def test_values_without_a_good_place_of_their_own_are_shown_by_their_key() -> None:
    assert place("a:\n  b: 1\n  c: 2", ("a",)) == (1, 1, 1, 2)
    assert place("a:\nb: 1", ("a",)) == (1, 1, 1, 2)
    assert place("a:\n  - b: 1\n    c: 2\n", ("a", 0)) == (2, 5, 2, 6)
    assert place("a: {b: 1}", ("a",)) == (1, 4, 1, 10)


@pytest.mark.parametrize(
    ("source", "value", "found"),
    [
        ("a: x ${p.q} y", "x ${p.q} y", (1, 6, 1, 12)),
        ("a: 'it''s ${p.q}'", "it's ${p.q}", (1, 11, 1, 17)),
        ('a: "\\t\\x41\\u00e9\\" ${p.q}"', '\tAé" ${p.q}', (1, 20, 1, 26)),
        ("a: |\n  one\n  two ${p.q}\n", "one\ntwo ${p.q}\n", (3, 7, 3, 13)),
        ("a: |2\n    one\n  ${p.q}\n", "  one\n${p.q}\n", (3, 3, 3, 9)),
        ("a: >\n  one\n  two ${p.q}\n\n  three\n", "one two ${p.q}\nthree\n", (3, 7, 3, 13)),
        ('a: "one\n   two ${p.q}"', "one two ${p.q}", (2, 8, 2, 14)),
        ('a: "one\\\n   two ${p.q}"', "onetwo ${p.q}", (2, 8, 2, 14)),
        ("a: one\n   two ${p.q}", "one two ${p.q}", (2, 8, 2, 14)),
        ("a: &n one ${p.q}", "one ${p.q}", (1, 11, 1, 17)),
        ("a: &n 'x ${p.q}'", "x ${p.q}", (1, 10, 1, 16)),
    ],
)  # fmt: skip
def test_offsets_in_a_value_are_found_through_quotes_escapes_and_folding(
    source: str, value: str, found: object
) -> None:
    node = at(tree(source), ("a",))
    assert isinstance(node, Scalar) and node.value == value
    start = value.index("${")
    assert place(source, ("a",), chars=(start, start + 6)) == found


def test_offsets_beyond_the_text_stay_inside_the_value() -> None:
    assert place("a: xyz", ("a",), chars=(2, 99)) == (1, 6, 1, 7)
    assert place("a: ''", ("a",), chars=(0, 5)) == (1, 4, 1, 6)


@pytest.mark.parametrize("value", [None, True, 3, 2.5, "x", [], {}, {"a": [1, {"b": None}]}])
def test_plain_values_survive_the_way_into_a_tree_and_back(value: Json) -> None:
    node = from_plain(value, Span("f", 1, 1, 1, 1), "environments.prod")
    assert plain(node) == value and node.layer == "environments.prod"


def test_walking_leaves_out_what_is_below_x_keys() -> None:
    assert [path for path, _ in walk(tree("a: 1\nx-b: {c: 2}\nd: [{x-e: 3, f: 4}]"))] == [("a",), ("d", 0, "f")]


def test_a_finding_in_an_aliased_value_also_points_at_the_alias() -> None:
    text = "x-env: &env {A: 1}\nenv: *env\nother: {<<: *env}"
    bag = Bag(
        [
            Diagnostic(code="X", message="m", at=Label(path=path))
            for path in (("env", "A"), ("other", "A"), ("x-env", "A"))
        ]
    )
    first, second, third = located(bag, tree(text))
    assert [label.span for label in first.related] == [Span("f", 2, 6, 2, 10)]
    assert [label.span for label in second.related] == [Span("f", 3, 13, 3, 17)]
    assert third.related == ()


def test_paths_through_the_wrong_kind_of_node_find_nothing() -> None:
    root = tree("a: [1]\nb: x")
    assert isinstance(root, Map)
    for path in [("a", "0"), ("a", 1), ("a", -1), ("b", 0), ("b", "x"), (0,)]:
        assert at(root, path) is None
