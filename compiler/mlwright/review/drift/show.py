"""Drift as people and programs read it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from mlwright.review.drift.model import STATUSES, WORDS, Differing, Drift, Drifted
from mlwright.span import Path, Span, dotted

_COLOURS = {"missing": "32", "changed": "33", "replace": "31", "extra": "31", "unknown": "35"}
_LONGEST = 100
"""Characters of a value that are shown to people."""


def text(drift: Drift, *, colour: bool = False) -> str:
    """One paragraph for each object that is not as it should be, notes, and a closing count."""
    at = f" (context {drift.context})" if drift.context else ""
    lines = [f"{drift.project}/{drift.environment}, as {drift.spec} compiles now, on {drift.server}{at}", ""]
    for some in _alike(drift.objects):
        lines += [*_objects(some, colour), ""]
    lines += [f"note: {note}" for note in drift.notes]
    lines.append(summary(drift))
    if drift.apply:
        lines.append(drift.apply)
    return "\n".join(lines)


def summary(drift: Drift) -> str:
    """`1 missing, 2 changed, 37 of 40 objects as they should be`."""
    parts = [f"{count} {WORDS.get(status, status)}" for status in STATUSES if (count := drift.count(status))]
    kept = drift.compared - sum(drift.count(status) for status in STATUSES if status != "extra")
    return ", ".join([*parts, f"{kept} of {drift.compared} objects as they should be"])


def document(drift: Drift) -> str:
    """The same for programs: `version` 1, as docs/review.md describes it."""
    made: dict[str, Any] = {
        "version": 1,
        "spec": drift.spec,
        "project": drift.project,
        "environment": drift.environment,
        "server": drift.server,
        "context": drift.context,
        "compared": drift.compared,
        "summary": {status: drift.count(status) for status in STATUSES},
        "objects": [
            {
                "status": one.status,
                "apiVersion": one.api,
                "kind": one.kind,
                "namespace": one.namespace,
                "name": one.name,
                "file": one.file,
                "at": _place(one.span),
                "why": one.why,
                "help": one.help,
                "fields": [_field(each) for each in one.fields],
            }
            for one in drift.objects
        ],
        "notes": list(drift.notes),
    }
    return json.dumps(made, indent=2, ensure_ascii=False)


def _field(one: Differing) -> dict[str, Any]:
    change = one.change
    return {
        "path": list(change.path),
        "live": change.before,
        "wanted": change.after,
        "added": change.added,
        "removed": change.removed,
        "stays": one.stays,
        "by": one.by,
        "since": one.since,
        "spec": dotted(change.origin),
        "at": _place(one.span),
    }


def _alike(objects: Sequence[Drifted]) -> Iterator[list[Drifted]]:
    """Objects of which the same is to be said, together, in the order of the first of each."""
    found: dict[tuple[object, ...], list[Drifted]] = {}
    for number, one in enumerate(objects):
        same = (one.status, one.why, one.help) if not one.fields else (number,)
        found.setdefault(same, []).append(one)
    yield from found.values()


def _objects(some: Sequence[Drifted], colour: bool) -> Iterator[str]:
    first = some[0]
    word = WORDS.get(first.status, first.status)
    for one in some:
        head = f"{word}: {one.kind} {one.name}" + (f" in {one.namespace}" if one.namespace else "")
        at = [one.file, _place(one.span)]
        where = f"   {', '.join(filter(None, at))}" if any(at) else ""
        yield (f"\x1b[{_COLOURS[one.status]}m{head}\x1b[0m" if colour else head) + where
    if first.why:
        yield f"  {first.why}"
    for one in some:
        for each in one.fields:
            yield from _difference(each)
    if first.help:
        yield f"  help: {first.help}"


def _difference(one: Differing) -> Iterator[str]:
    change = one.change
    yield f"  {path(change.path)}"
    by = f"   by {one.by}" + (f" at {one.since}" if one.since else "") if one.by else ""
    live = "(not set)" if change.added else _value(change.before)
    yield f"    live:   {live}{by}"
    if one.stays:
        yield "    wanted: not set; applying leaves it, for it is of somebody else: remove it by hand"
        return
    wanted = "(not set)" if change.removed else _value(change.after)
    from_ = f"   {_place(one.span)}" if one.span else ""
    yield f"    wanted: {wanted}{from_}" + (f" {dotted(change.origin)}" if from_ else "")


def path(parts: Path) -> str:
    """`spec.containers[name=main].image`; keys that are no plain words in brackets."""
    shown = ""
    for part in parts:
        plain = isinstance(part, str) and part.rstrip("!").replace("-", "").replace("_", "").isalnum()
        shown += (f".{part}" if shown else str(part)) if plain else f"[{part}]"
    return shown


def _place(span: Span | None) -> str:
    return f"{span.file}:{span.line}" if span else ""


def _value(value: Any) -> str:
    said = json.dumps(value, ensure_ascii=False)
    return said if len(said) <= _LONGEST else f"{said[: _LONGEST - 3]}..."
