"""Laws of the source stage: no bytes crash it, overlays and references behave as promised."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mlwright.diag import Bag, Diagnostic, Label
from mlwright.diag.render import json as as_json
from mlwright.diag.render import text as as_text
from mlwright.diag.render.columns import width
from mlwright.source import conditions, overlay, references
from mlwright.source.conditions import Condition, Lit, Op, Ref
from mlwright.source.load import load
from mlwright.source.references import RefSpan
from mlwright.source.sourcemap import position
from mlwright.source.tree import Map, Scalar, from_plain, locate, plain, walk
from mlwright.span import Span

HERE = Span("f", 1, 1, 1, 1)
LAWS = settings(max_examples=100)

SAFE_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Zl", "Zp", "Cn", "Co")), max_size=12)
NAMES = st.sampled_from(["a", "b", "type", "params", "image", "x-note", "environments", "training", "steps", "retries"])
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | SAFE_TEXT
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)
MAPS = st.dictionaries(NAMES, VALUES, max_size=5)
SNIPPETS = st.sampled_from(
    ["a: ", "b:\n  ", "- ", "[", "]", "{", "}", ", ", ": ", "\n", "\n  ", "\t", "'", '"', "\\", "&x ", "*x",
        "<<: ", "!!str ", "!t ", "| \n", "> \n",
     "${a.b}", "$${", "${", "#", " ", "---\n", "...\n", "%", "@", "`", "?", "~", "1e9", "0x1", "é", "日", "\ufeff",
         "\u2028", "\r\n", "\x00", "{{", "word"]
)  # fmt: skip
YAMLISH = st.lists(SNIPPETS, max_size=25).map("".join)


def everything(data: bytes) -> Bag:
    """All of the source stage over some bytes."""
    tree, bag = load(data, "f.yaml")
    if tree is None:
        return bag
    tree = overlay.expand(tree)
    bag.extend(overlay.findings(tree).located(locate(tree)))
    for merged in overlay.environments(tree).values():
        merged, found = references.substitute(merged, {"params.a": 1, "metadata.name": "x"})
        bag.extend(found.located(locate(merged)))
        json.dumps(plain(merged))
    return bag


@LAWS
@given(
    st.binary(max_size=200)
    | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | YAMLISH.map(str.encode)
)
def test_no_bytes_crash_the_source_stage_or_the_renderers(data: bytes) -> None:
    bag = everything(data)
    source = data.decode("utf-8", "replace")
    page = as_text.render(bag.ordered(), lambda file: source, colour=False)
    assert all(width(line) <= 80 for line in page.splitlines())
    json.loads(as_json.render(bag.ordered()))


@LAWS
@given(YAMLISH)
def test_every_finding_is_at_a_place_that_exists(text: str) -> None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for item in everything(text.encode()):
        assert item.span is not None
        assert 1 <= item.span.line <= len(lines) and 1 <= item.span.col <= len(lines[item.span.line - 1]) + 2
        assert (item.span.end_line, item.span.end_col) >= (item.span.line, item.span.col)


@LAWS
@given(MAPS)
def test_json_is_read_as_itself(value: dict[str, Any]) -> None:
    tree, bag = load(json.dumps(value, ensure_ascii=False).encode(), "f")
    assert tree is not None and list(bag) == []
    assert plain(tree) == value


@LAWS
@given(MAPS, st.booleans(), st.sampled_from([20, 80]), st.sampled_from([None, "'", '"', "|", ">"]))
def test_written_yaml_is_read_back_in_any_style(
    value: dict[str, Any], flow: bool, columns: int, style: str | None
) -> None:
    text = yaml.safe_dump(value, default_flow_style=flow, width=columns, allow_unicode=True)
    tree, bag = load(text.encode(), "f")
    assume(not any(item.code == "YAML006" for item in bag))
    assert tree is not None and list(bag) == []
    # The dumper writes floats such as 1e+16 in YAML 1.1 manner; the values are the same numbers.
    assert plain(tree) == value


@LAWS
@given(SAFE_TEXT, SAFE_TEXT, st.sampled_from([None, "'", '"', "|", ">"]), st.sampled_from([10, 80]))
def test_an_offset_in_a_text_leads_to_that_character_in_the_source(
    before: str, after: str, style: str | None, columns: int
) -> None:
    value = f"{before} word {after}@{before}"
    text = yaml.safe_dump({"k": value}, default_style=style, width=columns, allow_unicode=True)
    assume(yaml.safe_load(text)["k"].rstrip("\n") == value.rstrip("\n"))  # PyYAML folds some texts into others
    tree, _ = load(text.encode(), "f")
    assume(isinstance(tree, Map) and "k" in tree.entries)
    assert isinstance(tree, Map)
    node = tree.entries["k"].node
    assert isinstance(node, Scalar) and node.text.rstrip("\n") == value.rstrip("\n")
    offset = len(before) + len(after) + 6
    span = locate(tree)(Label(path=("k",), chars=(offset, offset + 1)))
    lines = text.split("\n")
    assert span is not None
    if (span.line, span.col) != (node.span.line, node.span.col):
        assert lines[span.line - 1][span.col - 1] == "@"


@LAWS
@given(st.text("ab\r\n", max_size=20), st.integers(0, 20))
def test_positions_count_lines_as_editors_do(text: str, offset: int) -> None:
    offset = min(offset, len(text))
    assume(not (text[:offset].endswith("\r") and text[offset : offset + 1] == "\n"))
    before = text[:offset].replace("\r\n", "\n").replace("\r", "\n")
    assert position(text, offset) == (
        before.count("\n") + 1,
        offset - max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)),
    )


def merge(base: Any, over: Any) -> Any:
    return plain(overlay.merge(from_plain(base, HERE), from_plain(over, HERE), "x"))


def without_nulls(value: Any) -> Any:
    return {k: without_nulls(v) for k, v in value.items() if v is not None} if isinstance(value, dict) else value


@LAWS
@given(MAPS)
def test_merging_nothing_changes_nothing(base: dict[str, Any]) -> None:
    assert merge(base, {}) == base


@LAWS
@given(MAPS)
def test_merging_over_nothing_gives_the_overlay_without_its_removals(over: dict[str, Any]) -> None:
    assert merge({}, over) == without_nulls(over)


@LAWS
@given(MAPS, MAPS)
def test_merging_the_same_overlay_twice_is_merging_it_once(base: dict[str, Any], over: dict[str, Any]) -> None:
    once = merge(base, over)
    assert merge(once, over) == once


@LAWS
@given(MAPS, MAPS)
def test_what_an_overlay_does_not_name_stays_and_what_it_sets_is_there(
    base: dict[str, Any], over: dict[str, Any]
) -> None:
    result = merge(base, over)
    replaced = "type" in base and over.get("type") is not None and _plain_change(base["type"], over["type"])
    for key, value in over.items():
        assert (key in result) == (value is not None)
        if isinstance(value, list) or (value is not None and not isinstance(value, dict)):
            assert result[key] == value
    if not replaced:
        assert {key: base[key] for key in base if key not in over} == {
            key: result[key] for key in result if key not in over
        }


def _plain_change(old: Any, new: Any) -> bool:
    return not isinstance(old, dict | list) and not isinstance(new, dict | list) and old != new


@LAWS
@given(MAPS, MAPS, MAPS)
def test_overlays_without_removals_and_types_are_associative(
    a: dict[str, Any], b: dict[str, Any], c: dict[str, Any]
) -> None:
    a, b, c = (_untyped(without_nulls(value)) for value in (a, b, c))
    # A scalar between two maps hides the first of them on one side only.
    assume(_shapes_agree(a, b) and _shapes_agree(b, c) and _shapes_agree(a, c))
    assert merge(merge(a, b), c) == merge(a, merge(b, c))


def _untyped(value: Any) -> Any:
    return {k: _untyped(v) for k, v in value.items() if k != "type"} if isinstance(value, dict) else value


def _shapes_agree(a: Any, b: Any) -> bool:
    if isinstance(a, dict) != isinstance(b, dict):
        return False
    return not isinstance(a, dict) or all(_shapes_agree(a[key], b[key]) for key in a.keys() & b.keys())


@LAWS
@given(MAPS)
def test_expanding_is_idempotent_and_environments_always_come_out(value: dict[str, Any]) -> None:
    tree = overlay.expand(from_plain(value, HERE))
    assert plain(overlay.expand(tree)) == plain(tree)
    for name, merged in overlay.environments(tree).items():
        found = plain(merged)
        assert isinstance(found, dict) and list(found["environments"]) == [name]


PATHS = st.from_regex(r"[a-z]{1,6}(\.[a-z@ /-]{0,5}[a-z]){1,3}", fullmatch=True)
PIECES = st.lists(
    st.text("ab ${}.'\"", min_size=1, max_size=8) | PATHS.map(lambda path: RefSpan(path=path, start=0, end=0)),
    max_size=6,
)


@LAWS
@given(PIECES)
def test_references_survive_being_written_and_read(pieces: list[str | RefSpan]) -> None:
    text, expected = "", []
    for piece in pieces:
        if isinstance(piece, str):
            # A dollar sign right before a reference or an escape cannot be written.
            piece = piece.rstrip("$")
            text += piece.replace("${", "$${")
            if expected and isinstance(expected[-1], str):
                expected[-1] += piece
            elif piece:
                expected.append(piece)
        else:
            text += f"${{{piece.path}}}"
            expected.append(piece)
    assume("$$${" not in text)
    parts, found = references.parse(text)
    assert found == []
    assert [part.path if isinstance(part, RefSpan) else part for part in parts] == [
        part.path if isinstance(part, RefSpan) else part for part in expected
    ]
    assert all(text[part.start : part.end] == f"${{{part.path}}}" for part in parts if isinstance(part, RefSpan))


@LAWS
@given(st.text("${}.ab \n", max_size=40))
def test_any_text_is_parsed_and_findings_are_inside_of_it(text: str) -> None:
    parts, found = references.parse(text)
    assert all(parts) and not any(isinstance(a, str) and isinstance(b, str) for a, b in pairwise(parts))
    for item in found:
        assert item.at.chars is not None and 0 <= item.at.chars[0] < item.at.chars[1] <= len(text)


@LAWS
@given(
    st.dictionaries(st.sampled_from(["params.a", "params.b", "metadata.name"]), LEAVES, max_size=3),
    st.text("${}.ab params", max_size=30),
)
def test_substituting_leaves_text_that_parses_and_none_of_the_known_references(
    known: dict[str, Any], text: str
) -> None:
    tree, bag = references.substitute(from_plain({"field": text + "${params.a}"}, HERE), known)
    for _, scalar in walk(tree):
        if isinstance(scalar.value, str) and not bag.failed:
            parts, found = references.parse(scalar.value)
            assert found == []
            left = [part.path for part in parts if isinstance(part, RefSpan) and part.path in known]
            assert left == [] or scalar.value == text + "${params.a}"


LITERALS = st.none() | st.booleans() | st.integers(-999, 999) | st.floats(-100, 100) | st.text("ab'\"\\ (é", max_size=5)
OPERANDS = LITERALS.map(Lit) | st.sampled_from(["params.a", "run.id", "steps.s.outputs.o"]).map(Ref)
CONDITIONS = st.recursive(
    OPERANDS,
    lambda inner: (
        st.builds(lambda op, a, b: Op(op, (a, b)), st.sampled_from(["==", "!=", "<", "<=", ">", ">=",
            "in"]), OPERANDS, OPERANDS)
        | st.builds(lambda a: Op("not", (a,)), inner)
        | st.builds(lambda op, args: Op(op, tuple(args)), st.sampled_from(["and",
            "or"]), st.lists(inner, min_size=2, max_size=3))
    ),
    max_leaves=8,
)  # fmt: skip


def written(condition: Condition) -> str:
    if isinstance(condition, Ref):
        return f"${{{condition.path}}}"
    if isinstance(condition, Lit):
        value = condition.value
        if isinstance(value, str):
            return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
        return json.dumps(value)
    if condition.op == "not":
        return f"not ({written(condition.args[0])})"
    return f" {condition.op} ".join(f"({written(arg)})" for arg in condition.args)


@LAWS
@given(CONDITIONS)
def test_conditions_survive_being_written_and_read(condition: Condition) -> None:
    found, wrong = conditions.parse(written(condition))
    assert wrong == [] and found == condition


@LAWS
@given(st.text("${}.abp()[]'\"=!<>,& \\1-", max_size=30) | st.text(max_size=30))
def test_any_condition_is_parsed_or_has_one_finding_inside_of_it(text: str) -> None:
    found, wrong = conditions.parse(text)
    assert (found is None) == (len(wrong) == 1)
    for item in wrong:
        assert item.at.chars is not None and 0 <= item.at.chars[0] <= item.at.chars[1] <= max(len(text), 1)


@LAWS
@given(
    st.text(max_size=120), st.text(max_size=300), st.text(max_size=200), st.text(max_size=120), st.text(max_size=60),
    st.integers(-2, 5), st.integers(-2, 200), st.integers(0, 5), st.integers(-2, 300), st.integers(1, 120),
)  # fmt: skip
def test_any_finding_on_any_source_is_rendered_within_its_width(
    message: str,
    source: str,
    help_: str,
    label: str,
    file: str,
    line: int,
    col: int,
    lines: int,
    end: int,
    columns: int,
) -> None:
    span = Span(file, line, col, line + lines, end)
    item = Diagnostic(
        code="X001",
        message=message,
        at=Label(span=span, text=label),
        help=help_,
        related=(Label(span=HERE, text=label),),
    )
    page = as_text.render([item], lambda file: source, colour=False, width=columns)
    assert all(width(row) <= max(columns, 40) for row in page.split("\n"))
    page.encode("utf-8")
