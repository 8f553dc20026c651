"""Findings as programs read them."""

from __future__ import annotations

import json

from mlwright.diag import Diagnostic, Label
from mlwright.diag.render import json as rendered
from mlwright.span import Span


def test_each_finding_is_one_object_with_its_places() -> None:
    item = Diagnostic(
        code="YAML003",
        message="twice",
        at=Label(path=("steps", "a", 0), text="again", span=Span("f.yaml", 3, 1, 3, 4)),
        related=(Label(span=Span("f.yaml", 1, 1, 1, 4), text="first"),),
        help="keep one",
        severity="warning",
    )
    assert json.loads(rendered.render([item])) == [
        {
            "code": "YAML003", "severity": "warning", "message": "twice", "help": "keep one", "label": "again",
            "file": "f.yaml", "line": 3, "col": 1, "end_line": 3, "end_col": 4, "path": "steps.a[0]",
            "related": [
                {"file": "f.yaml", "line": 1, "col": 1, "end_line": 1, "end_col": 4, "path": "", "label": "first"}
            ],
        }
    ]  # fmt: skip


def test_a_finding_without_a_place_has_nulls() -> None:
    (found,) = json.loads(rendered.render([Diagnostic(code="X", message="m")]))
    assert (found["file"], found["line"], found["end_col"]) == (None, None, None)


def test_no_findings_are_an_empty_list() -> None:
    assert json.loads(rendered.render([])) == []


def test_any_text_survives_even_half_a_surrogate_pair() -> None:
    out = rendered.render([Diagnostic(code="X", message="\ud800 日 \x00")])
    assert out.isascii() and json.loads(out)[0]["message"] == "\ud800 日 \x00"
