"""How `mlwright explain` shows where a value came from and what it became."""

from __future__ import annotations

import json as standard
from collections.abc import Iterator, Sequence
from typing import Any

from mlwright.diag.render.text import Read, excerpt
from mlwright.inquiry.fields import Answer
from mlwright.inquiry.lines import LineAnswer
from mlwright.review.layers import Layer
from mlwright.review.provenance import Place
from mlwright.source.secrets_text import conceal, names_secret
from mlwright.span import dotted

Found = LineAnswer | Sequence[Answer]
_MOST = 12
"""Lines of one target that are shown; JSON has them all."""
_LONG, _CELL = 120, 60
"""Characters of a value, on a line of its own and in a table."""


def text(found: Found, read: Read, colour: bool, width: int) -> str:
    """For people. `read` gives the text of a file that a span is in."""
    if isinstance(found, LineAnswer):
        return "\n".join(_line(found, read, colour, width))
    if len(found) == 1:
        return "\n".join(_field(found[0], read, colour, width))
    return "\n".join(_environments(found))


def json(found: Found) -> str:
    """The same as JSON: an object for a line, a list with one object an environment for a place."""
    value: Any = _line_data(found) if isinstance(found, LineAnswer) else [_data(item) for item in found]
    return standard.dumps(value, indent=2, ensure_ascii=False)


def value_of(place: Place) -> str:
    """A scalar as text, with what looks like a secret as stars; empty for what holds others."""
    if place.value is None or not place.path:
        return ""
    if not isinstance(place.value, str):
        return standard.dumps(place.value)
    name = next((str(part) for part in reversed(place.path) if isinstance(part, str) and part != "value"), "")
    if names_secret(name, place.value):
        return "********"
    first, *rest = conceal(place.value).split("\n")
    return f"{first} ..." if rest else first


def _line(found: LineAnswer, read: Read, colour: bool, width: int) -> Iterator[str]:
    yield f"{found.file}:{found.line} ({found.environment})"
    for note in found.notes:
        yield f"note: {note}"
    place = found.place
    if place is None:
        if not found.notes:
            yield "a comment: it says where the file is from"
        return
    yield ""
    if place.kind:
        yield f"object   {place.kind} {place.name}{f' in {place.namespace}' if place.namespace else ''}"
    if place.node:
        yield f"made for {place.node}"
    if place.pointer:
        shown = value_of(place)
        yield f"value    {place.pointer}{f' = {shown}' if shown else ''}"
    yield from _how(found, place)
    answer = found.answer
    if answer is None:
        yield "from     no field of the project: every project has it, or it follows from another file"
        return
    yield f"from     {dotted(answer.path)}{_certainty(place, answer)}"
    yield from _spelled(answer, read, colour, width)


def _certainty(place: Place, answer: Answer) -> str:
    if answer.sure:
        return " (with another value there this one changes, too)"
    if place.near:
        return " (most likely: it has the same value and words)"
    return "" if place.patch or place.origin is None or place.origin.path != place.spec else " (no field of it alone)"


def _how(found: LineAnswer, place: Place) -> Iterator[str]:
    if place.patch:
        yield f"patched  by patches.{place.patch}{f': {found.why}' if found.why else ''}"
    elif place.origin is not None and place.origin.kind == "derived":
        yield f"made by  {place.origin.by or 'the compiler'}"
    elif place.origin is not None and place.origin.kind == "default":
        yield "default  the project says nothing of it"
    for pin in found.pins:
        yield f"pinned   in mlproject.lock: {pin}"


def _spelled(answer: Answer, read: Read, colour: bool, width: int) -> Iterator[str]:
    if answer.span is not None:
        yield excerpt(answer.span, read, colour, width).rstrip("\n")
    yield from _described(answer)
    if len(answer.layers) > 1 or any(not layer.wins for layer in answer.layers):
        yield ""
        yield f"layers in {answer.environment}, the weakest first:"
        yield from _table([_row(layer) for layer in answer.layers])


def _row(layer: Layer) -> tuple[str, ...]:
    said = {"sets": layer.text, "removes": "removed", "replaces": f"replaced with {layer.text}"}[layer.says]
    return ("*" if layer.wins else " ", layer.name, said, str(layer.span))


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Aligned columns; a long text is cut in the middle one, never the place."""
    cut = [
        tuple(cell if len(cell) <= _CELL else f"{cell[: _CELL - 3]}..." for cell in row[:-1]) + row[-1:] for row in rows
    ]
    widths = [max(len(row[column]) for row in cut) for column in range(len(cut[0]))]
    for row in cut:
        yield "  ".join(cell.ljust(size) for cell, size in zip(row, widths, strict=True)).rstrip()


def _cut(cell: str) -> str:
    return cell if len(cell) <= _CELL else f"{cell[: _CELL - 3]}..."


def _described(answer: Answer) -> Iterator[str]:
    known = answer.described
    if known is None:
        return
    about = [known.kind + (f" {', '.join(known.choices)}" if known.choices else "")]
    if known.default is not None:
        about.append(f"default {standard.dumps(known.default, ensure_ascii=False)}")
    if known.example is not None:
        about.append(f"such as {standard.dumps(known.example, ensure_ascii=False, default=str)}")
    facts = "; ".join(filter(None, about))
    if known.description:
        yield f"field    {known.description}{f' ({facts})' if facts else ''}"


def _field(answer: Answer, read: Read, colour: bool, width: int) -> Iterator[str]:
    said = answer.text if len(answer.text) <= _LONG else f"{answer.text[: _LONG - 3]}..."
    yield f"{dotted(answer.path)} = {said or 'empty'}" if answer.given else f"{dotted(answer.path)} is not set"
    yield f"in {answer.environment} of {answer.spec}"
    yield from _spelled(answer, read, colour, width)
    yield ""
    if answer.note:
        yield answer.note
        return
    if not answer.places:
        yield "no line that is emitted differs with it" if answer.sure else "no emitted line is known to be from it"
        return
    how = "found by compiling with another value" if answer.sure else "what was made for it, and what is most like it"
    yield f"became, in {answer.output} ({how}):"
    shown: list[tuple[str, str]] = []
    for target in dict.fromkeys(place.target for place in answer.places):
        mine = [place for place in answer.places if place.target == target]
        shown += [(f"{place.file}:{place.line}", _pointed(place)) for place in mine[:_MOST]]
        if len(mine) > _MOST:
            shown.append((f"and {len(mine) - _MOST} more", f"of {target}: --format json has them all"))
    widest = max(len(where) for where, _ in shown)
    yield from (f"  {where:<{widest}}  {what}" for where, what in shown)


def _pointed(place: Place) -> str:
    shown = value_of(place)
    lines = f"lines {place.line} to {place.end}" if place.end > place.line and not shown else ""
    return " = ".join(filter(None, (place.pointer, shown))) or lines or "all of it"


def _environments(answers: Sequence[Answer]) -> Iterator[str]:
    first = answers[0]
    yield dotted(first.path)
    described = next((answer for answer in answers if answer.described), None)
    if described is not None:
        yield from _described(described)
    yield ""
    rows = [("environment", "value", "from")]
    for answer in answers:
        winner = next((layer for layer in answer.layers if layer.wins), None)
        where = f"{winner.name} {winner.span}" if winner else ""
        rows.append((answer.environment, (answer.text or "empty") if answer.given else "not set", where))
    yield from _table(rows)
    yield ""
    yield f"--env {first.environment} shows every layer, and every line that it became"


def _data(answer: Answer) -> dict[str, Any]:
    known = answer.described
    return {
        "spec": answer.spec,
        "environment": answer.environment,
        "path": dotted(answer.path),
        "value": answer.text if answer.given else None,
        "field": None
        if known is None
        else {
            "description": known.description,
            "type": known.kind,
            "choices": list(known.choices),
            "default": known.default,
            "example": standard.loads(standard.dumps(known.example, default=str)),
            "required": known.required,
        },
        "layers": [
            {
                "layer": layer.name,
                "path": dotted(layer.path),
                "says": layer.says,
                "value": layer.text,
                "at": str(layer.span),
                "wins": layer.wins,
            }
            for layer in answer.layers
        ],
        "output": answer.output,
        "sure": answer.sure,
        "became": [_place(place) for place in answer.places],
        "note": answer.note,
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "target": place.target,
        "file": place.file,
        "line": place.line,
        "end_line": place.end,
        "path": place.pointer,
        "kind": place.kind,
        "namespace": place.namespace,
        "name": place.name,
        "node": place.node,
        "value": value_of(place),
        "spec": dotted(place.spec),
        "likely": place.near,
        "origin": place.origin.kind if place.origin else "",
        "by": place.origin.by if place.origin else "",
        "patch": place.patch,
    }


def _line_data(found: LineAnswer) -> dict[str, Any]:
    return {
        "file": found.file,
        "line": found.line,
        "environment": found.environment,
        "place": None if found.place is None else _place(found.place),
        "patch_why": found.why,
        "pins": list(found.pins),
        "notes": list(found.notes),
        "from": None if found.answer is None else _data(found.answer),
    }
