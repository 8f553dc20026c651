"""Findings for people: message, source line with carets, related places, help. No line is wider than asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from mlwright.diag.diagnostic import Diagnostic, Label, Severity
from mlwright.diag.render.columns import clean, shorten_left, shown, width, wrap, wrap_code
from mlwright.record import dataclass
from mlwright.regex import lazy
from mlwright.span import Span

Read = Callable[[str], str | None]

_LINE_END = lazy(r"\r\n|\n|\r")
_COLOURS: dict[str, str] = {"error": "1;31", "warning": "1;33", "note": "1;36", "gutter": "34", "bold": "1"}
_SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
_MIN_WIDTH = 40
MOST = 300
"""Findings that are shown; whoever has more mends these first."""
_ELLIPSIS = "..."


def render(
    diagnostics: Iterable[Diagnostic], read: Read, colour: bool, width: int = 80, *, closing: bool = True
) -> str:
    """All findings in the order given and, if `closing`, a summary line; "" for none; every line ends in a newline.

    `read` gives a file's text or None; it may raise OSError or ValueError. No line takes more than `width` columns
    (at least 40), escape sequences for colour not counted.
    """
    items = tuple(diagnostics)
    if not items:
        return ""
    page = _Page(read=read, colour=colour, width=max(width, _MIN_WIDTH), files={})
    lines: list[str] = []
    for item in items[:MOST]:
        lines += [*page.finding(item), ""]
    if len(items) > MOST:
        lines += [f"{len(items) - MOST} more are not shown; `--format json` has them all", ""]
    return "\n".join([*lines, summary(items)] if closing else lines[:-1]) + "\n"


def excerpt(span: Span, read: Read, colour: bool, width: int = 80, text: str = "") -> str:
    """The line at `span` with carets, as in a finding; ends in a newline."""
    page = _Page(read=read, colour=colour, width=max(width, _MIN_WIDTH), files={})
    mark = page._mark(Label(text=text), span, True)
    return "\n".join(page._snippet(span.file, [mark], len(str(span.line)), "note")) + "\n"


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """`2 errors, 1 warning`; `no findings` for none."""
    counts = dict.fromkeys(_SEVERITIES, 0)
    for item in diagnostics:
        counts[item.severity] += 1
    words = [f"{count} {name}{'s' if count > 1 else ''}" for name, count in counts.items() if count]
    return ", ".join(words) or "no findings"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """One label on one line, in 1-based columns of the source; `end` is exclusive."""

    line: int
    col: int
    end: int
    text: str
    main: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    read: Read
    colour: bool
    width: int
    files: dict[str, list[str] | None]

    def finding(self, item: Diagnostic) -> Iterator[str]:
        yield from self._head(item)
        labels = [(item.at, True), *((label, False) for label in item.related)]
        placed = [(label, label.span, main) for label, main in labels if label.span is not None]
        gutter = len(str(max((span.line for _, span, _ in placed), default=0))) if placed else 0
        for file in dict.fromkeys(span.file for _, span, _ in placed):
            marks = [self._mark(label, span, main) for label, span, main in placed if span.file == file]
            yield from self._snippet(file, marks, gutter, item.severity)
        for label in item.related:
            if label.span is None and label.text:
                yield from self._note("note", label.text, gutter)
        if item.help:
            if placed:
                yield f"{' ' * gutter} {self._paint('|', 'gutter')}"
            yield from self._note("help", item.help, gutter)

    def _head(self, item: Diagnostic) -> Iterator[str]:
        start = f"{item.severity}[{clean(item.code)}]"
        first, *rest = wrap(" ".join(_LINE_END.split(item.message)), self.width - 2, self.width - width(start) - 2)
        yield f"{self._paint(start, item.severity)}{self._paint(': ' + first, 'bold')}".rstrip()
        for line in rest:
            yield self._paint("  " + line, "bold").rstrip()

    @staticmethod
    def _mark(label: Label, span: Span, main: bool) -> _Mark:
        end = span.end_col if span.line == span.end_line else 10**9
        return _Mark(line=span.line, col=span.col, end=max(end, span.col + 1), text=label.text, main=main)

    def _snippet(self, file: str, marks: list[_Mark], gutter: int, severity: Severity) -> Iterator[str]:
        place = next((mark for mark in marks if mark.main), marks[0])
        arrow = "-->" if place.main else ":::"
        tail = f":{place.line}:{place.col}"
        name = shorten_left(file, self.width - gutter - 5 - len(tail))
        yield f"{' ' * gutter}{self._paint(arrow, 'gutter')} {name}{tail}"
        source = self._source(file)
        if source is None:
            for mark in marks:
                if mark.text:
                    note = mark.text if mark is place else f"{mark.line}:{mark.col}: {mark.text}"
                    yield from self._note("note", note, gutter)
            return
        bar = self._paint("|", "gutter")
        yield f"{' ' * gutter} {bar}"
        before = 0
        for number in sorted({mark.line for mark in marks}):
            if before and number > before + 1:
                yield self._paint("...", "gutter")
            before = number
            here = sorted((mark for mark in marks if mark.line == number), key=lambda mark: (mark.col, mark.main))
            text = source[number - 1] if 0 < number <= len(source) else ""
            yield from self._line(number, text, here, gutter, severity)

    def _source(self, file: str) -> list[str] | None:
        if file not in self.files:
            try:
                text = self.read(file)
            except (OSError, ValueError):
                text = None
            self.files[file] = None if text is None else _LINE_END.split(text.removeprefix("\ufeff"))
        return self.files[file]

    def _line(self, number: int, text: str, marks: Sequence[_Mark], gutter: int, severity: Severity) -> Iterator[str]:
        room = self.width - gutter - 3
        focus = next((mark for mark in marks if mark.main), marks[0])
        view = _window(text, focus, room)
        left = f"{self._paint(str(number).rjust(gutter), 'gutter')} {self._paint('|', 'gutter')}"
        blank = f"{' ' * gutter} {self._paint('|', 'gutter')}"
        yield f"{left} {view.text}".rstrip()
        # The last label first: the labels of earlier marks then do not stand in its way.
        for mark in reversed(marks):
            start, end = view.columns(mark)
            sign = "^" if mark.main else "-"
            under = " " * start + sign * max(end - start, 1)
            style = severity if mark.main else "gutter"
            yield from self._labelled(blank, under, start, mark.text, room, style)

    def _labelled(self, blank: str, under: str, start: int, text: str, room: int, style: str) -> Iterator[str]:
        label = clean(" ".join(_LINE_END.split(text)))
        beside = f"{under} {label}" if label else under
        if width(beside) <= room:
            yield f"{blank} {self._paint(beside, style)}"
            return
        yield f"{blank} {self._paint(under, style)}"
        indent = min(start, room // 2)
        for line in wrap(label, room - indent):
            yield f"{blank} {self._paint(' ' * indent + line, style)}"

    def _note(self, word: str, text: str, gutter: int) -> Iterator[str]:
        start = f"{' ' * gutter} {self._paint('=', 'gutter')} {self._paint(word, 'bold')}: "
        indent = gutter + 5 + len(word)
        room = self.width - indent
        lead = start
        for line in _LINE_END.split(text):
            # An indented line is code: it keeps its spaces.
            code = line.startswith("    ")
            for piece in wrap_code(line[4:], room) if code else wrap(line, room):
                yield f"{lead}{piece}".rstrip()
                lead = " " * indent

    def _paint(self, text: str, style: str) -> str:
        return f"\x1b[{_COLOURS[style]}m{text}\x1b[0m" if self.colour and text.strip() else text


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """The visible part of a source line. `starts[i]` is the column of the line's character `first + i`."""

    text: str
    first: int
    starts: tuple[int, ...]

    def columns(self, mark: _Mark) -> tuple[int, int]:
        """First and last column (exclusive) of a mark; one that is outside the window is put at its edge."""
        return self._column(mark.col - 1), self._column(mark.end - 1)

    def _column(self, index: int) -> int:
        return self.starts[min(max(index - self.first, 0), len(self.starts) - 1)]


def _window(text: str, focus: _Mark, room: int) -> _View:
    """All of a line that fits, else a part around `focus` with `...` where something is left out."""
    # Far outside the window nothing is measured, so that a line of a megabyte costs no more than a short one.
    low = max(focus.col - 1 - room * 2, 0)
    part = text[low : focus.col - 1 + room * 3]
    cells = [shown(char) for char in part]
    widths = [width(cell) for cell in cells]
    complete = low == 0 and low + len(part) == len(text)
    if complete and sum(widths) <= room - 1:
        return _view(cells, 0, 0, len(cells), "", "")
    first, last = _fitted(widths, focus.col - 1 - low, max(focus.end - focus.col, 1), room - 1 - 2 * len(_ELLIPSIS))
    head = _ELLIPSIS if low + first > 0 else ""
    tail = _ELLIPSIS if low + last < len(text) else ""
    return _view(cells, low, first, last, head, tail)


def _fitted(widths: list[int], at: int, length: int, room: int) -> tuple[int, int]:
    """A range of cells within `room` columns that shows `at`, and most of what is around it."""
    at = min(at, len(widths))
    wanted = min(length, room)
    before = max((room - wanted) // 2, 0)
    first, used = at, 0
    while first > 0 and used + widths[first - 1] <= before:
        first -= 1
        used += widths[first]
    last = at
    while last < len(widths) and used + widths[last] <= room:
        used += widths[last]
        last += 1
    while first > 0 and used + widths[first - 1] <= room:
        first -= 1
        used += widths[first]
    return first, last


def _view(cells: list[str], low: int, first: int, last: int, head: str, tail: str) -> _View:
    starts, column = [], len(head)
    for cell in cells[first:last]:
        starts.append(column)
        column += width(cell)
    starts.append(column)
    return _View(text=head + "".join(cells[first:last]) + tail, first=low + first, starts=tuple(starts))
