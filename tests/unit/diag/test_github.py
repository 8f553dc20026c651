"""Findings as annotations: what GitHub's runner reads out of the log of a step."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.action.commands import Command, commands

from mlwright.diag import Diagnostic, Label
from mlwright.diag.diagnostic import Severity
from mlwright.diag.render import github
from mlwright.diag.render.places import Places
from mlwright.span import Span

PLACES = Places(root="/repo", folder="/repo/ml/churn")


def finding(message: str = "wrong", line: int = 3, severity: Severity = "error", **more: object) -> Diagnostic:
    span = Span("mlproject.yaml", line, 5, line, 9)
    return Diagnostic(code="REF001", message=message, at=Label(span=span), severity=severity, **more)


def shown(*items: Diagnostic) -> list[Command]:
    return commands(github.render(items, PLACES))


def test_a_finding_is_an_annotation_of_its_line_in_the_file_from_the_repositorys_root() -> None:
    assert github.render([finding(help="write `x`")], PLACES) == (
        "::error file=ml/churn/mlproject.yaml,line=3,endLine=3,col=5,endColumn=9,title=REF001"
        "::wrong%0Ahelp: write `x`\n1 error\n"
    )


def test_a_span_of_several_lines_has_no_columns() -> None:
    item = Diagnostic(code="X1", message="m", at=Label(span=Span("a.yaml", 2, 7, 4, 3)))
    (made,) = shown(item)
    assert made.properties == {"file": "ml/churn/a.yaml", "line": "2", "endLine": "4", "title": "X1"}


def test_warnings_and_notes_have_their_own_kind() -> None:
    assert [made.name for made in shown(finding(severity="note"), finding(severity="warning"), finding())] == [
        "error", "warning", "notice",
    ]  # fmt: skip


def test_a_finding_without_a_place_belongs_to_no_file() -> None:
    (made,) = shown(Diagnostic(code="YAML025", message="there is no file"))
    assert made == Command("error", {"title": "YAML025"}, "there is no file")


def test_related_places_and_labels_are_in_the_message() -> None:
    related = (Label(span=Span("../base.yaml", 8, 1, 8, 2), text="first here"), Label(text="and a note"))
    (made,) = shown(finding(related=related))
    assert made.data == "wrong\nml/base.yaml:8: first here\nand a note"


def test_nothing_is_shown_for_no_findings_but_that_there_are_none() -> None:
    assert github.render([], PLACES) == "no findings\n"


def test_ten_of_a_kind_are_all_annotations() -> None:
    assert len(shown(*(finding(line=n) for n in range(1, 11)))) == 10


def test_of_more_than_ten_of_a_kind_the_tenth_says_how_many_more_there_are_and_none_is_lost() -> None:
    items = [finding(f"number {n}", line=n) for n in range(1, 15)] + [finding("other", severity="warning")]
    log = github.render(items, PLACES)
    made = commands(log)
    assert [one.name for one in made] == ["error"] * 10 + ["warning"]
    assert "5 more errors" in made[9].data and "file" not in made[9].properties
    assert all(f"number {n}" in log for n in range(1, 15))
    assert "error[REF001]: ml/churn/mlproject.yaml:14:5: number 14" in log.splitlines()


@given(st.text(), st.text(), st.integers(1, 30))
def test_no_text_forges_a_command_or_loses_a_character(message: str, file: str, many: int) -> None:
    at = Label(span=Span("f" + file.replace("/", "").replace("\0", ""), 1, 1, 1, 2))
    made = shown(*[Diagnostic(code="X1", message=message, at=at)] * many)
    assert len(made) == min(many, 10)
    assert {one.name for one in made} == {"error"}
    assert made[0].data == message
    assert made[0].properties["file"] == PLACES.of(at.span.file if at.span else "")


def test_a_message_that_is_a_command_stays_a_message_in_the_part_that_is_plain() -> None:
    items = [finding("x\n::set-output name=a::b ##[add-mask]secret\r::error::c")] * 12
    assert [one.name for one in shown(*items)] == ["error"] * 10
