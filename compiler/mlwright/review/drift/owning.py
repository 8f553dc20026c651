"""Who has written a value of a live object: what the server keeps of it in `managedFields`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mlwright.remote.observe import owners
from mlwright.span import Path

_HANDS = frozenset(f"kubectl-{verb}" for verb in ("edit", "patch", "set", "label", "annotate", "replace"))
"""Who writes by hand; not what makes whole objects (`kubectl create`), which is given all defaults as its own."""


def writer(live: dict[str, Any], place: Path) -> tuple[str, str]:
    """Who has written the value at `place`, or something below it, and when; "" where nobody says so."""
    for manager, when, fields in owners(live):
        if _owns(live, place, fields):
            return manager, when
    return "", ""


def by_hand(live: dict[str, Any]) -> Iterator[tuple[Path, str, str]]:
    """(place, manager, when) of every value that somebody has written with kubectl other than by applying, outer ones
    first."""
    for entry in live.get("metadata", {}).get("managedFields") or ():
        name = str(entry.get("manager", ""))
        if name in _HANDS and entry.get("operation") == "Update" and not entry.get("subresource"):
            for place in _places(live, entry.get("fieldsV1") or {}, ()):
                yield place, name, str(entry.get("time", ""))


def _owns(value: Any, place: Path, fields: Mapping[str, Any]) -> bool:
    for part in place:
        found = next((key for key, at in _within(value, fields) if at == part), None)
        if found is None:
            return False
        value, fields = value[part], fields[found]
    return True


def _within(value: Any, fields: Mapping[str, Any]) -> Iterator[tuple[str, str | int]]:
    """Each entry of a set of fields that leads to something in `value`: its key there, and what leads to it here."""
    for key in fields:
        sort, _, text = key.partition(":")
        if sort == "f" and isinstance(value, dict) and text in value:
            yield key, text
        elif sort in ("k", "v") and isinstance(value, list):
            wanted = json.loads(text)
            for number, entry in enumerate(value):
                if entry == wanted or (sort == "k" and isinstance(entry, dict) and wanted.items() <= entry.items()):
                    yield key, number
                    break
        elif sort == "i" and isinstance(value, list) and text.isdigit() and int(text) < len(value):
            yield key, int(text)


def _places(value: Any, fields: Mapping[str, Any], path: Path) -> Iterator[Path]:
    for key, part in _within(value, fields):
        inner = fields[key]
        if not [each for each in inner if each != "."]:
            yield (*path, part)
            continue
        if "." in inner and isinstance(part, int):
            yield (*path, part)  # a whole entry of a list is theirs
        below: Any = value[part] if isinstance(value, dict) else value[int(part)]
        yield from _places(below, inner, (*path, part))
