"""Findings as SARIF 2.1.0, the format that code scanning takes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import quote

from mlwright.diag.codes import CODES
from mlwright.diag.diagnostic import Diagnostic
from mlwright.diag.render.fingerprints import fingerprints
from mlwright.diag.render.places import Places
from mlwright.diag.render.text import Read
from mlwright.regex import lazy
from mlwright.span import Span

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"
FINGERPRINT = "mlwright/v1"
_LINK = lazy(r"\](?=\()")


def render(diagnostics: Iterable[Diagnostic], places: Places, read: Read, version: str) -> str:
    """One log with one run, ending in a newline; ASCII only. `version` is the compiler's.

    A finding without a place is a notification of the run: code scanning refuses a whole log for one such result.
    """
    items = tuple(diagnostics)
    placed = [item for item in items if item.span is not None]
    rules = sorted({item.code for item in placed})
    prints = fingerprints(placed, places, read)
    invocation: dict[str, object] = {"executionSuccessful": True}
    if loose := [item for item in items if item.span is None]:
        invocation["toolExecutionNotifications"] = [_notification(item) for item in loose]
    run = {
        "tool": {"driver": {"name": "mlwright", "semanticVersion": version, "rules": [_rule(code) for code in rules]}},
        "invocations": [invocation],
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"description": {"text": "The root of the repository."}}},
        "results": [
            _result(item, rules.index(item.code), found, places) for item, found in zip(placed, prints, strict=True)
        ],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=True) + "\n"


def _rule(name: str) -> dict[str, object]:
    code = CODES[name]
    examples = (("Reported" if code.severity != "error" else "Refused", code.bad), ("Instead", code.good))
    shown = [f"{heading}:\n\n```yaml\n{text.strip(chr(10))}\n```" for heading, text in examples if text]
    return {
        "id": code.code,
        "shortDescription": {"text": code.title},
        "fullDescription": {"text": code.explanation},
        "help": {"text": code.explanation, "markdown": "\n\n".join([code.explanation, *shown])},
        "defaultConfiguration": {"level": code.severity},
    }


def _result(item: Diagnostic, rule: int, fingerprint: str, places: Places) -> dict[str, object]:
    assert item.span is not None
    made: dict[str, object] = {
        "ruleId": item.code,
        "ruleIndex": rule,
        "level": item.severity,
        "message": {"text": _text(item)},
        "locations": [_location(item.span, places, item.at.text)],
        "partialFingerprints": {FINGERPRINT: fingerprint},
    }
    related = [label for label in item.related if label.span is not None]
    if related:
        made["relatedLocations"] = [
            {"id": number, **_location(label.span, places, label.text)}
            for number, label in enumerate(related, 1)
            if label.span is not None
        ]
    return made


def _text(item: Diagnostic) -> str:
    notes = [label.text for label in item.related if label.span is None and label.text]
    parts = [item.message, *notes, *([f"help: {item.help}"] if item.help else [])]
    return _LINK.sub(r"\\]", "\n".join(parts))  # `[a](b)` would be a link


def _location(span: Span, places: Places, text: str = "") -> dict[str, object]:
    path = places.of(span.file)
    outside = path.startswith("/")
    artifact = {"uri": f"file://{quote(path)}"} if outside else {"uri": quote(path), "uriBaseId": ROOT}
    region = {
        "startLine": span.line,
        "startColumn": span.col,
        "endLine": span.end_line,
        "endColumn": span.end_col if span.end_line > span.line else max(span.end_col, span.col),
    }
    made: dict[str, object] = {"physicalLocation": {"artifactLocation": artifact, "region": region}}
    return made | ({"message": {"text": _LINK.sub(r"\\]", text)}} if text else {})


def _notification(item: Diagnostic) -> dict[str, object]:
    return {"level": item.severity, "message": {"text": f"{item.code}: {_text(item)}"}}
