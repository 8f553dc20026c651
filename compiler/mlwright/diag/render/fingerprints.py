"""What makes a finding the same finding in another revision: its code, its file, its path in the document and its
message, not its line, for lines above it come and go."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

from mlwright.diag.diagnostic import Diagnostic, Label
from mlwright.diag.render.places import Places
from mlwright.diag.render.text import Read
from mlwright.regex import lazy
from mlwright.span import dotted

_LINE_END = lazy(r"\r\n|\n|\r")


def fingerprints(items: Sequence[Diagnostic], places: Places, read: Read) -> list[str]:
    """A digest for each, all of which have a place; those that are the same but for their lines are counted from the
    top."""
    seen: Counter[str] = Counter()
    lines: dict[str, list[str]] = {}
    found = []
    for item in items:
        assert item.span is not None
        anchor = dotted(item.at.path) or _line(item.at, lines, read)
        same = "\0".join((item.code, places.of(item.span.file), anchor, item.message))
        seen[same] += 1
        found.append(hashlib.sha256(f"{same}\0{seen[same]}".encode("utf-8", "backslashreplace")).hexdigest()[:32])
    return found


def _line(label: Label, lines: dict[str, list[str]], read: Read) -> str:
    """The text of the line where there is no document to have a path into."""
    assert label.span is not None
    if label.span.file not in lines:
        try:
            lines[label.span.file] = _LINE_END.split(read(label.span.file) or "")
        except (OSError, ValueError):
            lines[label.span.file] = []
    there = lines[label.span.file]
    return there[label.span.line - 1].strip() if label.span.line <= len(there) else ""
