"""Findings as people read them: exact pages, and no line ever wider than asked for."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from mlwright.diag import Diagnostic, Label
from mlwright.diag.render import text
from mlwright.diag.render.columns import clean, shorten_left, width, wrap, wrap_code
from mlwright.span import Span

SOURCE = """metadata: {name: churn}
steps:
  features:
    image: python:3.12
    comand: [python, features.py]
  train:
    image: python:3.12
"""


def span(line: int, col: int, end: int, file: str = "mlproject.yaml") -> Span:
    return Span(file, line, col, line, end)


def page(*items: Diagnostic, source: str | None = SOURCE, columns: int = 80) -> str:
    return text.render(items, lambda file: source, colour=False, width=columns)


def finding(at: Label, message: str = "unknown field `comand`", **more: object) -> Diagnostic:
    return Diagnostic(code="SPEC001", message=message, at=at, **more)


def test_a_finding_shows_its_line_with_a_caret_a_label_and_help() -> None:
    item = finding(Label(span=span(5, 5, 11), text="not a field of a step"), help="did you mean `command`?")
    assert (
        page(item)
        == """\
error[SPEC001]: unknown field `comand`
 --> mlproject.yaml:5:5
  |
5 |     comand: [python, features.py]
  |     ^^^^^^ not a field of a step
  |
  = help: did you mean `command`?

1 error
"""
    )


def test_related_places_of_the_same_file_are_on_the_same_page() -> None:
    related = (Label(span=span(2, 1, 6), text="first here"), Label(span=span(4, 5, 10), text="and here"))
    item = finding(Label(span=span(6, 3, 8), text="again"), "a thing appears twice", related=related)
    assert (
        page(item)
        == """\
error[SPEC001]: a thing appears twice
 --> mlproject.yaml:6:3
  |
2 | steps:
  | ----- first here
...
4 |     image: python:3.12
  |     ----- and here
...
6 |   train:
  |   ^^^^^ again

1 error
"""
    )


def test_related_places_of_another_file_follow() -> None:
    item = finding(
        Label(span=span(3, 3, 11)), "not so", related=(Label(span=span(1, 1, 9, "base.yaml"), text="extended here"),)
    )
    sources = {"mlproject.yaml": SOURCE, "base.yaml": "extends: [x]"}
    assert (
        text.render([item], sources.get, colour=False)
        == """\
error[SPEC001]: not so
 --> mlproject.yaml:3:3
  |
3 |   features:
  |   ^^^^^^^^
 ::: base.yaml:1:1
  |
1 | extends: [x]
  | -------- extended here

1 error
"""
    )


def test_two_labels_on_one_line_are_underlined_one_below_the_other() -> None:
    item = finding(
        Label(span=span(5, 13, 14), text="closed here"), "m", related=(Label(span=span(5, 5, 11), text="for this"),)
    )
    assert page(item).splitlines()[3:6] == [
        "5 |     comand: [python, features.py]",
        "  |             ^ closed here",
        "  |     ------ for this",
    ]


def test_long_messages_and_help_are_wrapped_and_help_may_have_code() -> None:
    message = "this is a rather long message that goes on and on until it does not fit into one line any more"
    help_ = "write all of it like this, which is explained at great length so that it has to be wrapped too:"
    help_ += "\n    command: [a, b]"
    assert (
        page(finding(Label(span=span(5, 5, 11)), message, help=help_))
        == """\
error[SPEC001]: this is a rather long message that goes on and on until it does
  not fit into one line any more
 --> mlproject.yaml:5:5
  |
5 |     comand: [python, features.py]
  |     ^^^^^^
  |
  = help: write all of it like this, which is explained at great length so that
          it has to be wrapped too:
          command: [a, b]

1 error
"""
    )


def test_a_long_line_is_shown_around_the_caret() -> None:
    line = "command: [" + ", ".join(f"word{n}" for n in range(60)) + "]"
    at = line.index("word30")
    lines = page(finding(Label(span=span(1, at + 1, at + 7), text="here"), "m"), source=line).splitlines()
    assert lines[3].startswith("1 | ...") and lines[3].endswith("...") and len(lines[3]) <= 80
    caret = lines[4].index("^")
    assert lines[3][caret : caret + 6] == "word30" and lines[4].endswith("^^^^^^ here")


def test_both_ends_of_a_long_line_can_be_shown() -> None:
    line = "a" + "b" * 200 + "c"
    first = page(finding(Label(span=span(1, 1, 2)), "m"), source=line).splitlines()
    last = page(finding(Label(span=span(1, 202, 203)), "m"), source=line).splitlines()
    assert first[3].startswith("1 | abbb") and first[3].endswith("b...") and first[4] == "  | ^"
    assert last[3].startswith("1 | ...b") and last[3].endswith("bc") and last[4].index("^") == last[3].index("c")


def test_a_label_too_long_to_stand_beside_its_caret_goes_below() -> None:
    label = "a label that needs a good deal of room, much more than is left beside the caret itself"
    lines = page(finding(Label(span=span(5, 30, 33), text=label), "m")).splitlines()
    assert lines[4].endswith("^^^") and " ".join(line[3:].strip() for line in lines[5:-2]).strip() == label


def test_tabs_wide_and_harmful_characters_keep_the_caret_in_its_place() -> None:
    line = "\tk: 日本 \x1b[31m\u202e\ud800 x"
    at = line.index("x")
    lines = page(finding(Label(span=span(1, at + 1, at + 2)), "m"), source=line).splitlines()
    assert lines[3] == "1 |     k: 日本 ␛[31m\ufffd\ufffd x"
    assert width(lines[3][: lines[3].index("x")]) == lines[4].index("^")


def test_messages_and_file_names_are_made_harmless_too() -> None:
    item = Diagnostic(
        code="X", message="a\x1b[2J\nb\u202e", at=Label(span=span(1, 1, 2, "f\x07\n.yaml"), text="t\x00"), help="h\x1b"
    )
    out = page(item)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", out) and out.count("\n") == 9


@pytest.mark.parametrize("source", [None, "", "a: 1"])
def test_a_line_that_is_not_there_is_no_reason_to_fail(source: str | None) -> None:
    out = page(finding(Label(span=span(7, 3, 5), text="label"), "m"), source=source)
    assert out.startswith("error[SPEC001]: m\n --> mlproject.yaml:7:3\n") and "label" in out


@pytest.mark.parametrize("error", [OSError("gone"), UnicodeDecodeError("utf-8", b"x", 0, 1, "bad"), ValueError("nul")])
def test_a_file_that_cannot_be_read_is_no_reason_to_fail(error: Exception) -> None:
    def read(file: str) -> str | None:
        raise error

    assert "m" in text.render([finding(Label(span=span(1, 1, 2)), "m")], read, colour=False)


def test_a_finding_without_a_place_has_no_page() -> None:
    related = (Label(text="only words"),)
    item = Diagnostic(code="LOCK001", message="no lock", help="run it", severity="warning", related=related)
    assert page(item) == "warning[LOCK001]: no lock\n = note: only words\n = help: run it\n\n1 warning\n"


def test_a_span_over_several_lines_marks_the_first() -> None:
    item = finding(Label(span=Span("mlproject.yaml", 3, 3, 5, 9)), "m")
    assert "3 |   features:\n  |   ^^^^^^^^^\n" in page(item)


def test_a_caret_after_the_end_of_a_line_is_still_shown() -> None:
    assert "2 | steps:\n  |       ^\n" in page(finding(Label(span=span(2, 7, 8)), "m"))


def test_line_numbers_of_different_width_are_aligned() -> None:
    source = "\n".join(f"k{n}: 1" for n in range(1, 13))
    item = finding(Label(span=span(12, 1, 4)), "m", related=(Label(span=span(9, 1, 3), text="first"),))
    lines = page(item, source=source).splitlines()
    assert lines[1:4] == ["  --> mlproject.yaml:12:1", "   |", " 9 | k9: 1"] and lines[6] == "12 | k12: 1"


@pytest.mark.parametrize(
    ("severities", "line"),
    [
        (["error"], "1 error"), (["error", "error", "warning"], "2 errors, 1 warning"), (["note"], "1 note"),
        (["warning", "note", "warning"], "2 warnings, 1 note"), ([], "no findings"),
    ],
)  # fmt: skip
def test_the_summary_counts_by_severity(severities: list[str], line: str) -> None:
    assert text.summary(Diagnostic(code="X", message="m", severity=item) for item in severities) == line


def test_nothing_is_printed_for_no_findings() -> None:
    assert page() == ""


def test_colour_is_only_there_when_asked_for_and_changes_no_text() -> None:
    item = finding(
        Label(span=span(5, 5, 11), text="here"), help="so", related=(Label(span=span(2, 1, 6), text="there"),)
    )
    coloured = text.render([item], lambda file: SOURCE, colour=True)
    assert "\x1b[1;31merror[SPEC001]\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == page(item)


LONG: list[Callable[[], Diagnostic]] = [
    lambda: finding(Label(span=span(1, 500, 900), text="x" * 300), "y" * 300, help="z" * 300 + "\n    " + "w, " * 100),
    lambda: finding(Label(span=span(1, 3, 4, "d/" * 100 + "f.yaml")), "日" * 100, help="本 " * 100),
    lambda: finding(Label(span=span(99999999, 1, 10**9)), "m"),
    lambda: finding(Label(span=span(1, 10**7, 10**7 + 5), text="t"), "m"),
]


@pytest.mark.parametrize("make", LONG)
@pytest.mark.parametrize("columns", [40, 80, 120])
@pytest.mark.parametrize("source", ["日本語" * 400, "x" * 5_000_000, "\t" * 2000, "a\u0301" * 900, "[" * 2000])
def test_no_line_is_wider_than_asked_for(make: Callable[[], Diagnostic], columns: int, source: str) -> None:
    assert max(width(line) for line in page(make(), source=source, columns=columns).splitlines()) <= columns


def test_wrapping_loses_nothing() -> None:
    words = "one two threeeeeeeeeeeeeeee four"
    assert "".join(wrap(words, 6)).replace(" ", "") == words.replace(" ", "")
    assert wrap("", 10) == [""]
    assert wrap_code("a: [one, two, three, four]", 14) == ["a: [one, two,", "  three, four]"]


def test_a_long_path_loses_its_beginning() -> None:
    assert shorten_left("some/where/deep/mlproject.yaml", 20) == "...ep/mlproject.yaml"
    assert shorten_left("mlproject.yaml", 20) == "mlproject.yaml"


def test_harmless_text_is_left_as_it_is() -> None:
    assert clean("plain ü 日本 😀") == "plain ü 日本 😀"


def test_after_three_hundred_findings_the_rest_is_counted() -> None:
    many = [Diagnostic(code="SPEC001", message=f"number {index}") for index in range(305)]
    shown = text.render(many, lambda file: None, False)
    assert "number 299" in shown and "number 300" not in shown
    assert "5 more are not shown; `--format json` has them all" in shown
    assert shown.endswith("305 errors\n")
