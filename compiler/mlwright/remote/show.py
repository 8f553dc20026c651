"""Plans as people and programs read them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from mlwright.remote.changes import Action, Change, Plan, counts

_SIGNS: dict[Action, str] = {
    "add": "+", "change": "~", "destroy": "-", "unchanged": " ", "kept": " ", "skipped": " ", "failed": "!",
}  # fmt: skip
_COLOURS: dict[Action, str] = {"add": "32", "change": "33", "destroy": "31", "failed": "31"}
LONGEST = 60
"""Characters of a value that are shown to people."""


def text(plans: Sequence[Plan], *, done: bool = False, colour: bool = False) -> str:
    """One line for each object that differs, with the fields that do, and a closing count. `done`: it happened, and
    the fields have been shown before."""
    lines: list[str] = []
    for plan in plans:
        lines.append(f"{plan.project}/{plan.environment} on {plan.server}")
        shown = [line for change in plan.changes for line in _lines(change, colour, done)]
        lines += [*shown, ""]
    return "\n".join([*lines, summary(plans, done=done)])


def summary(plans: Sequence[Plan], *, done: bool = False) -> str:
    """`2 to add, 1 to change, 0 to destroy, 5 unchanged`, and how many failed where any did."""
    found = counts(change for plan in plans for change in plan.changes)
    add, change, destroy = ("added", "changed", "destroyed") if done else ("to add", "to change", "to destroy")
    parts = [f"{found['add']} {add}", f"{found['change']} {change}", f"{found['destroy']} {destroy}"]
    parts.append(f"{found['unchanged']} unchanged")
    return ", ".join([*parts, *([f"{found['failed']} failed"] if found["failed"] else [])])


def document(plans: Sequence[Plan], *, done: bool = False) -> str:
    """The same for programs: `version` 1, `applied`, `plans` and `summary`, as docs/tracking.md describes it."""
    made = {
        "version": 1,
        "applied": done,
        "plans": [
            {
                "project": plan.project,
                "environment": plan.environment,
                "spec": plan.spec,
                "server": plan.server,
                "objects": [_object(change) for change in plan.changes],
            }
            for plan in plans
        ],
        "summary": counts(change for plan in plans for change in plan.changes),
    }
    return json.dumps(made, indent=2, ensure_ascii=False)


def _lines(change: Change, colour: bool, done: bool) -> Iterator[str]:
    if change.action == "unchanged" and not change.notes:
        return
    new = "" if change.action in ("add", "change", "destroy", "unchanged") else f": {change.action}"
    line = f"  {_SIGNS[change.action]} {change.kind} {change.name}{new}"
    code = _COLOURS.get(change.action) if colour else None
    yield f"\x1b[{code}m{line}\x1b[0m" if code else line
    for field in () if done else change.fields:
        if field.old is None:
            yield f"      {field.name}: {_value(field.new)}"
        else:
            yield f"      {field.name}: {_value(field.old)} -> {_value(field.new)}"
    for note in change.notes:
        yield f"      ({note})"


def _value(text: str | None) -> str:
    if text is None:
        return "(none)"
    shown = text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
    return json.dumps(shown, ensure_ascii=False)


def _object(change: Change) -> dict[str, object]:
    return {
        "kind": change.kind,
        "name": change.name,
        "action": change.action,
        "fields": [{"name": field.name, "old": field.old, "new": field.new} for field in change.fields],
        "notes": list(change.notes),
    }
