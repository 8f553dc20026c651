"""Findings as GitLab's code quality report."""

from __future__ import annotations

import json

from mlwright.diag import Diagnostic, Label
from mlwright.diag.render import gitlab
from mlwright.diag.render.places import Places
from mlwright.span import Span

PLACES = Places(root="/repo", folder="/repo/ml")


def finding(line: int, **more: str) -> Diagnostic:
    at = Label(path=("steps", "a"), span=Span("mlproject.yaml", line, 2, line + 1, 6))
    return Diagnostic(code="REF010", message="wrong", at=at, **more)  # type: ignore[arg-type]


def shown(*items: Diagnostic) -> list[dict[str, object]]:
    made: list[dict[str, object]] = json.loads(gitlab.render(items, PLACES, lambda _: None))
    return made


def test_a_finding_has_what_gitlab_asks_for() -> None:
    (made,) = shown(finding(3, help="write `x`"))
    assert len(str(made.pop("fingerprint"))) == 32
    assert made == {
        "description": "wrong (write `x`)",
        "check_name": "REF010",
        "severity": "major",
        "location": {"path": "ml/mlproject.yaml", "lines": {"begin": 3, "end": 4}},
    }


def test_each_has_a_fingerprint_of_its_own_that_outlives_moves() -> None:
    first, second = (str(made["fingerprint"]) for made in shown(finding(3), finding(9)))
    moved, _ = (str(made["fingerprint"]) for made in shown(finding(4), finding(10)))
    assert first == moved != second


def test_what_has_no_place_is_left_out() -> None:
    assert shown(Diagnostic(code="YAML025", message="there is no file")) == []


def test_severities_are_told_apart() -> None:
    items = [finding(1), finding(2, severity="warning"), finding(3, severity="note")]
    assert [made["severity"] for made in shown(*items)] == ["major", "minor", "info"]
