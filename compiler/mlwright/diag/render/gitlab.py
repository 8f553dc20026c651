"""Findings as a code quality report, which GitLab shows beside the lines of a merge request."""

from __future__ import annotations

import json
from collections.abc import Iterable

from mlwright.diag.diagnostic import Diagnostic, Severity
from mlwright.diag.render.fingerprints import fingerprints
from mlwright.diag.render.places import Places
from mlwright.diag.render.text import Read

_SEVERITIES: dict[Severity, str] = {"error": "major", "warning": "minor", "note": "info"}


def render(diagnostics: Iterable[Diagnostic], places: Places, read: Read) -> str:
    """A JSON list, ending in a newline; ASCII only. What has no place is left out: the format has no room for it."""
    placed = [item for item in diagnostics if item.span is not None]
    made = [
        {
            "description": f"{item.message} ({item.help})" if item.help else item.message,
            "check_name": item.code,
            "fingerprint": found,
            "severity": _SEVERITIES[item.severity],
            "location": {
                "path": places.of(item.span.file),
                "lines": {"begin": item.span.line, "end": item.span.end_line},
            },
        }
        for item, found in zip(placed, fingerprints(placed, places, read), strict=True)
        if item.span is not None
    ]
    return json.dumps(made, indent=2, ensure_ascii=True) + "\n"
