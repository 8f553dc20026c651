"""From a position in a scalar's value to the line and column where that character is written."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from mlwright.span import Span

if TYPE_CHECKING:
    from mlwright.source.tree import Scalar

_ESCAPE_DIGITS = {"x": 2, "u": 4, "U": 8}


def position(text: str, offset: int) -> tuple[int, int]:
    """1-based line and column of `offset` in `text`; lines end at LF, CR LF or CR, as YAML has it."""
    before = text[:offset]
    lines = before.count("\n") + before.count("\r") - before.count("\r\n")
    if before.endswith("\r") and text[offset : offset + 1] == "\n":
        lines -= 1
        before = before[:-1]
    start = max(before.rfind("\n"), before.rfind("\r")) + 1
    return lines + 1, len(before) - start + 1


def narrow(scalar: Scalar, start: int, end: int) -> Span:
    """The span of `scalar.text[start:end]` in the source.

    Counts escapes and quotes, and follows folded and block text over lines. What cannot be found (a value that was
    made, not read) gives the whole scalar's span.
    """
    span, size = scalar.span, len(scalar.text)
    start = min(max(start, 0), size)
    end = min(max(end, start), size)
    if not scalar.raw:
        return _bare(scalar, start, end)
    places = _align(scalar.raw, scalar.text, scalar.style)
    if len(places) != size or not size:
        return span
    first = places[start][0] if start < size else places[-1][1]
    last = places[end - 1][1] if end > start else first
    (line, col), (end_line, end_col) = _shift(scalar, first), _shift(scalar, max(first, last))
    return Span(span.file, line, col, end_line, end_col)


def _bare(scalar: Scalar, start: int, end: int) -> Span:
    span = scalar.span
    if span.line != span.end_line or span.end_col - span.col != len(scalar.text):
        return span
    return Span(span.file, span.line, span.col + start, span.line, span.col + max(end, start))


def _shift(scalar: Scalar, offset: int) -> tuple[int, int]:
    line, col = position(scalar.raw, offset)
    return scalar.span.line + line - 1, col + (scalar.span.col - 1 if line == 1 else 0)


@lru_cache(maxsize=16)
def _align(raw: str, text: str, style: str) -> list[tuple[int, int]]:
    """For each character of `text`, where it begins and ends in `raw`; a shorter list when they do not fit."""
    places: list[tuple[int, int]] = []
    cursor = _first(raw, style)
    for wanted in text:
        if wanted in " \n\t":
            cursor, place = _space(raw, cursor, wanted, style)
        else:
            cursor = _skip_space(raw, cursor, style)
            place = (cursor, _token_end(raw, cursor, style))
            if place[1] > len(raw) or (raw[cursor] not in (wanted, "\\")):
                return places
            cursor = place[1]
        places.append(place)
    return places


def _first(raw: str, style: str) -> int:
    if style in ("|", ">"):
        newline = raw.find("\n")
        return newline + 1 if newline >= 0 else len(raw)
    return 1 if style else 0


def _space(raw: str, cursor: int, wanted: str, style: str) -> tuple[int, tuple[int, int]]:
    cursor = _skip_continuation(raw, cursor, style)
    here = raw[cursor : cursor + 1]
    if here == wanted:
        return cursor + 1, (cursor, cursor + 1)
    if here == "\\" and style == '"':
        end = _token_end(raw, cursor, style)
        return end, (cursor, end)
    # Folded: one line break stands for this space. The break is left there, a following character skips it.
    return cursor, (cursor, cursor)


def _skip_space(raw: str, cursor: int, style: str) -> int:
    while True:
        while cursor < len(raw) and raw[cursor] in " \t\r\n":
            cursor += 1
        moved = _skip_continuation(raw, cursor, style)
        if moved == cursor:
            return cursor
        cursor = moved


def _skip_continuation(raw: str, cursor: int, style: str) -> int:
    """Past an escaped line break of double-quoted text, which stands for nothing."""
    if style == '"' and raw[cursor : cursor + 1] == "\\" and raw[cursor + 1 : cursor + 2] in ("\n", "\r"):
        cursor += 2
        while cursor < len(raw) and raw[cursor] in " \t\r\n":
            cursor += 1
    return cursor


def _token_end(raw: str, cursor: int, style: str) -> int:
    if style == "'" and raw[cursor : cursor + 2] == "''":
        return cursor + 2
    if style == '"' and raw[cursor : cursor + 1] == "\\":
        return cursor + 2 + _ESCAPE_DIGITS.get(raw[cursor + 1 : cursor + 2], 0)
    return cursor + 1
