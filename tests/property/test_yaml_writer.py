"""Whatever the writer writes, every reader reads back as it was."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from mlwright.emit import yaml

AWKWARD = (
    "",
    " ",
    "yes",
    "No",
    "ON",
    "off",
    "y",
    "N",
    "true",
    "FALSE",
    "null",
    "~",
    "Null",
    "1e3",
    "0o17",
    "0x1f",
    "0777",
    "1_000",
    "1:30",
    "190:20:30",
    ".inf",
    "-.INF",
    ".nan",
    "+1",
    "-1",
    "1.",
    ".5",
    "=",
    "<<",
    "2001-01-01",
    "2001-12-14t21:59:43.10-05:00",
    "a\u0085b",
    "a\u2028b",
    "\ufeff",
    "a: b",
    "a:",
    "a #b",
    "#a",
    "- a",
    "-",
    "--- a",
    "...",
    "---",
    "? a",
    "!tag",
    "&a",
    "*a",
    "%a",
    "@a",
    "`a",
    "{a}",
    "[a]",
    "'a'",
    '"a"',
    "a'b",
    'a"b',
    "a\\b",
    "\ta",
    "a\t",
    " a",
    "a ",
    "a\n",
    "a\n\n",
    "\na",
    " a\nb",
    "a\n b\n",
    "a\r\nb",
    "a \nb",
    "a\n\nb",
    "a\n\tb",
    "\n",
    "$HOME",
    "${x}",
    "$(x)",
    "{{x}}",
    "a\x00b",
    "a\x1bb",
    "\x7f",
    "😀",
    "é",
    "\U000e0001",
    "\ufffe",
    "\uffff",
    "a\u200bb",
    "a\u202eb",
    "\u00a0",
    "0b11",
    "1.5e3",
    "12e03",
    "0.0",
    "1,000",
    "a,b",
    "--lr=0.1",
    "-e",
    "--",
    "/a/b",
    "./a",
    "../a",
    ".env",
    "key: [",
    "|",
    ">",
    "|-",
    "2Gi",
    "500m",
    "10s",
    "1.4.2",
    "v1",
    "a" * 3000,
    "word " * 40 + "end",
    "NaN",
    "nan",
    "Infinity",
    "inf",
    "1__0",
    "0x_1",
    "017",
    "08",
    "1e",
    "e1",
    "_1",
    "1_",
    "+.inf",
    "a\n---\nb\n",
    "a\n...\nb\n",
    "a\n# b\n",
    "null\n",
)

TEXT = st.one_of(st.text(max_size=40), st.sampled_from(AWKWARD), st.text("0123456789.:_-+eExXoObB TtZz", max_size=12))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=True),
    TEXT,
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(TEXT, VALUES, max_size=5)


def read_1_1(text: str) -> Any:
    return pyyaml.safe_load(text)


def read_1_2(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(io.StringIO(text))


def same(one: Any, other: Any) -> bool:
    """Equality that tells 1 from 1.0 and True."""
    return json.dumps(one) == json.dumps(other)


@pytest.mark.parametrize("text", AWKWARD, ids=ascii)
@pytest.mark.parametrize("read", [read_1_1, read_1_2])
def test_an_awkward_text_comes_back_as_value_key_and_item(text: str, read: Any) -> None:
    data = {"value": text, text: 1, "items": [text, {text: text}, [text]]}
    assert same(read(yaml.write(data)), data)


@settings(max_examples=250)
@given(DOCUMENTS)
@example({"a": 1e-05, "b": 1e22, "c": -0.0, "d": 5e-324, "e": 2**53})
def test_pyyaml_reads_back_what_was_written(data: dict[str, Any]) -> None:
    assert same(read_1_1(yaml.write(data)), data)


@settings(max_examples=120)
@given(DOCUMENTS)
def test_a_yaml_1_2_reader_reads_back_what_was_written(data: dict[str, Any]) -> None:
    assert same(read_1_2(yaml.write(data)), data)


@settings(max_examples=120)
@given(DOCUMENTS)
def test_every_path_is_on_the_line_that_a_yaml_reader_finds_it_on(data: dict[str, Any]) -> None:
    rendered = yaml.render(data)
    for path, line in _lines(pyyaml.compose(rendered.text), ()).items():
        assert rendered.lines[path] == line + 1


def _lines(node: Any, path: tuple[str | int, ...]) -> dict[tuple[str | int, ...], int]:
    found: dict[tuple[str | int, ...], int] = {}
    if isinstance(node, pyyaml.MappingNode):
        for key, value in node.value:
            here = (*path, key.value)
            found |= {here: key.start_mark.line} | _lines(value, here)
    elif isinstance(node, pyyaml.SequenceNode):
        for position, value in enumerate(node.value):
            here = (*path, position)
            found |= {here: value.start_mark.line} | _lines(value, here)
    return found
