"""Parser errors are explained in plain words, at the right place, with the corrected text."""

from __future__ import annotations

import pytest
import yaml

from mlwright.source import load as loading
from mlwright.source.flow import bare_value, quote_references
from mlwright.source.load import load

CASES = [
    ("a: b: c", "YAML022", "1:5", 'a: "b: c"'),
    ("url: it's: here # note", "YAML022", "1:10", 'url: "it\'s: here"'),
    ("a:b\nc: d", "YAML022", "1:2", "write `a: b`"),
    ("a: 1\nb:2\nc: d", "YAML022", "2:2", "write `b: 2`"),
    ("- a\n-b\n", "YAML022", "2:1", "write `- b`"),
    ("a: 1\nb\nc: 2", "YAML022", "2:1", "write `key: value`"),
    ("a: 'x", "YAML023", "1:4", "close it with '"),
    ('a: "x\nb: 1\n', "YAML023", "1:4", 'close it with "'),
    ("a: 'x' y", "YAML023", "1:8", "a: 'x y'"),
    ("a: 'x'y'", "YAML023", "1:7", "\"'x'y'\""),
    ('a: "\\q"', "YAML030", "1:5", "single quotes"),
    ('a: "x\\ud83dy"', "YAML019", "1:6", "the character itself"),
    ("a: @x", "YAML021", "1:4", '"@x"'),
    ("a: `x`", "YAML021", "1:4", '"`x`"'),
    ("a: %x # y", "YAML021", "1:4", '"%x"'),
    ("a: *.csv", "YAML021", "1:4", '"*.csv"'),
    ("a: [*.csv, b]", "YAML021", "1:5", '"*.csv"'),
    ("a: {b: *, c: d}", "YAML021", "1:8", '"*"'),
    ("a: &", "YAML021", "1:4", '"&"'),
    ("a: >=3.1", "YAML021", "1:4", '">=3.1"'),
    ("a: |x", "YAML021", "1:4", '"|x"'),
    ("a: ]", "YAML021", "1:4", '"]"'),
    ("%x: 1", "YAML021", "1:1", '"%x: 1"'),
    ("a: !e!x 1", "YAML013", "1:4", "remove it"),
    ("a:\n\tb: 1", "YAML002", "2:1", "spaces"),
    ("a:\n  b: 1\n \t c: 1", "YAML002", "3:2", "spaces"),
    ("a:\n  b: 1\n c: 2", "YAML024", "3:2", "siblings"),
    ("a: 1\n  b: 2", "YAML024", "2:3", "indentation of the key above"),
    ("a: - b", "YAML024", "1:4", "on a line of its own"),
    ("a:\n  - b\n  c: 1", "YAML024", "3:3", "start it with `- `"),
    ("a: [1, 2", "YAML029", "1:4", "`]`"),
    ("a: {b: 1\nc: 2\n", "YAML029", "1:4", "`}`"),
    ("a: [1, 2}", "YAML029", "1:9", "commas"),
    ("a: [b,, c]", "YAML029", "1:7", "remove the comma"),
    ("a: 1\n}", "YAML029", "2:1", "open the bracket"),
    ("a: ['b' 'c']", "YAML029", "1:9", "commas"),
    ("a: {{ x }}", "YAML010", "1:5", '"{{ ... }}"'),
    ("a: {{ x }}/y", "YAML010", "1:11", '"{{ x }}/y"'),
    ("a: *x y", "YAML022", "1:7", "in quotes"),
    ("a: ? b", "YAML001", "1:4", "in quotes"),
]


@pytest.mark.parametrize(("text", "code", "place", "help_"), CASES)
def test_each_common_slip_has_its_code_its_place_and_its_remedy(text: str, code: str, place: str, help_: str) -> None:
    tree, bag = load(text.encode(), "f")
    (item,) = bag
    assert (item.code, str(item.span).removeprefix("f:")) == (code, place)
    assert help_ in item.help
    assert code == "YAML010" or tree is None


@pytest.mark.parametrize(("text", "code"), [(case[0], case[1]) for case in CASES])
def test_the_pure_python_parser_gives_the_same_codes(text: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "_LOADER", yaml.SafeLoader)
    assert [item.code for item in load(text.encode(), "f")[1]] == [code]


@pytest.mark.parametrize(
    ("line", "fixed"),
    [
        ("a: [x, ${d.e}]", 'a: [x, "${d.e}"]'),
        ("a: [--lr=${d.e}-1, ${f.g}] # ${x.y}", 'a: ["--lr=${d.e}-1", "${f.g}"] # ${x.y}'),
        ("a: {x: ${d.e}, y: '${f.g}'}", "a: {x: \"${d.e}\", y: '${f.g}'}"),
        ("- [python, ${d.e}]", '- [python, "${d.e}"]'),
        ("  --x, ${d.e}, y]", '  --x, "${d.e}", y]'),
        ("a: [a b ${d.e} c , z]", 'a: ["a b ${d.e} c" , z]'),
        ("a: [${registry.m@a}]", 'a: ["${registry.m@a}"]'),
        ("a: {b: {c: [${d.e}]}}", 'a: {b: {c: ["${d.e}"]}}'),
        ("a: [--say=\"hi\"${d.e}]", "a: ['--say=\"hi\"${d.e}']"),
        ("it's: [${d.e}]", 'it\'s: ["${d.e}"]'),
    ],
)  # fmt: skip
def test_the_corrected_line_of_an_unquoted_reference_is_exact_and_loads(line: str, fixed: str) -> None:
    assert quote_references(line, line.index("${")) == fixed
    if line[0] == "a" or line.startswith("it"):
        (item,) = load(line.encode(), "f")[1]
        assert item.code == "YAML020" and item.help.endswith(fixed)
        assert not len(load(fixed.encode(), "f")[1])


def test_the_caret_of_an_unquoted_reference_covers_all_of_it() -> None:
    (item,) = load(b"a: [x, --y=${d.e}]", "f")[1]
    assert item.span is not None and (item.span.col, item.span.end_col) == (12, 18)


def test_a_line_too_long_to_read_is_not_repeated_in_the_help() -> None:
    (item,) = load(f"a: [{'x, ' * 3000} ${{d.e}}]".encode(), "f")[1]
    assert item.code == "YAML020" and len(item.help) < 100


@pytest.mark.parametrize(
    ("line", "start", "value"),
    [("a: @x y # z", 3, "@x y"), ("a: [@x, y]", 4, "@x"), ("a: '[' @x, y", 7, "@x, y"), ("a: {b: @x}", 7, "@x")],
)
def test_bare_text_ends_at_a_comment_or_at_the_bracket_around_it(line: str, start: int, value: str) -> None:
    assert bare_value(line, start) == value
