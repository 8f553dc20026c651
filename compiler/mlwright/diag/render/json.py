"""Findings as JSON, for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable

from mlwright.diag.diagnostic import Diagnostic, Label
from mlwright.span import Span, dotted


def render(diagnostics: Iterable[Diagnostic]) -> str:
    """A JSON list with one object for each finding, ending in a newline. ASCII only, so any text survives."""
    return json.dumps([entry(item) for item in diagnostics], indent=2, ensure_ascii=True) + "\n"


def entry(item: Diagnostic) -> dict[str, object]:
    """One finding. Positions are 1-based, `end_col` is exclusive; all five are null for a finding without a place."""
    return {
        "code": item.code,
        "severity": item.severity,
        "message": item.message,
        **_place(item.span),
        "path": dotted(item.at.path),
        "label": item.at.text,
        "help": item.help,
        "related": [_related(label) for label in item.related],
    }


def _related(label: Label) -> dict[str, object]:
    return {**_place(label.span), "path": dotted(label.path), "label": label.text}


def _place(span: Span | None) -> dict[str, object]:
    if span is None:
        return {"file": None, "line": None, "col": None, "end_line": None, "end_col": None}
    return {
        "file": span.file,
        "line": span.line,
        "col": span.col,
        "end_line": span.end_line,
        "end_col": span.end_col,
    }
