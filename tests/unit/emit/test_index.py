"""index.json is canonical, relative and checked."""

from __future__ import annotations

import json

import pytest

from mlwright.emit import index as indexes


def test_the_text_is_sorted_and_relative_to_the_spec() -> None:
    made = indexes.build(
        environment="prod",
        folder="manifests/prod",
        compiler="0.1",
        inputs={"b": b"2", "a": b"1"},
        files={"z": b"", "y": b""},
    )
    data = json.loads(made.text())
    assert list(data["inputs"]) == ["a", "b"]
    assert list(data["files"]) == ["manifests/prod/y", "manifests/prod/z"]
    assert made.text().endswith("}\n")


def test_it_reads_back_what_it_wrote() -> None:
    made = indexes.build(
        environment="e", folder="../out/e", compiler="1", inputs={"ä": b"1"}, files={"compose/a b": b"1"}
    )
    assert indexes.parse(made.text().encode()) == made


def test_the_input_digest_does_not_depend_on_order_but_on_names_and_content() -> None:
    def digest(inputs: dict[str, bytes]) -> str:
        return indexes.build(environment="e", folder="m", compiler="1", inputs=inputs, files={}).input_digest

    assert digest({"a": b"1", "b": b"2"}) == digest({"b": b"2", "a": b"1"})
    assert len({digest({"a": b"1"}), digest({"a": b"2"}), digest({"b": b"1"})}) == 3


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "{}",
        '{"version": 2}',
        '{"version": 1, "folder": 3, "files": {}}',
        '{"version": 1, "folder": "m", "files": {"x/a": "1"}}',
    ],
)
def test_anything_else_is_unreadable(text: str) -> None:
    with pytest.raises(indexes.UnreadableIndexError):
        indexes.parse(text.encode())
