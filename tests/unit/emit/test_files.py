"""From items to bytes."""

from __future__ import annotations

import json

import pytest

from mlwright.emit import files
from mlwright.emit import json as texts
from mlwright.target import Document, TextFile


def test_the_ending_decides_the_writer_and_the_target_the_folder() -> None:
    made = files.render(
        [
            ("a", [Document(path="x.yaml", data={"k": "no"}), Document(path="y.json", data={"k": "$(x)"})]),
            ("b", [TextFile(path="run.sh", text="#!/bin/sh\n", executable=True)]),
        ]
    )
    assert made.files == {"a/x.yaml": b'k: "no"\n', "a/y.json": made.files["a/y.json"], "b/run.sh": b"#!/bin/sh\n"}
    assert made.executable == {"b/run.sh"}
    assert b"$" not in made.files["a/y.json"]


def test_two_files_of_one_path_are_a_bug() -> None:
    with pytest.raises(files.DuplicatePathError):
        files.render([("a", [TextFile(path="x", text=""), TextFile(path="x", text="")])])


@pytest.mark.parametrize("text", ["$(HOME) {{x}} ${y}", '"quoted" \\ $', "é\u2028😀", "$" * 3])
def test_inert_text_means_the_same_and_shows_nothing_to_substitute(text: str) -> None:
    made = texts.inert({text: [text]})
    assert json.loads(made) == {text: [text]}
    inside = made.replace("{\n", "").replace("\n}", "")
    assert not set("$(){}") & set(inside)
    assert made.isascii()


def test_canonical_text_does_not_depend_on_order() -> None:
    assert texts.canonical({"b": 1, "a": 1.5}) == '{"a":1.5,"b":1}'
    assert texts.digest({"b": 1, "a": 2}) == texts.digest({"a": 2, "b": 1})


def test_canonical_text_refuses_what_is_not_json() -> None:
    with pytest.raises(ValueError):
        texts.canonical(float("nan"))
