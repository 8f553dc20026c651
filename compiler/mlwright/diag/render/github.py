"""Findings as workflow commands: GitHub shows them beside the lines of a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mlwright.diag.diagnostic import Diagnostic, Severity
from mlwright.diag.render.places import Places
from mlwright.diag.render.text import summary
from mlwright.regex import lazy
from mlwright.span import Span

MOST = 10
"""Annotations of one kind that GitHub shows for a step; it drops the others without a word."""
_COMMANDS: dict[Severity, str] = {"error": "error", "warning": "warning", "note": "notice"}
_LINE_END = lazy(r"\s*[\r\n]\s*")


def render(diagnostics: Iterable[Diagnostic], places: Places, *, closing: bool = True) -> str:
    """A command a line for each finding and, if `closing`, a count; every line ends in a newline.

    Of more than ten of a kind nine are annotations, the tenth says how many there are, and the rest are plain lines of
    the step's log.
    """
    items = tuple(diagnostics)
    lines: list[str] = []
    for severity in _COMMANDS:
        lines += _kind([item for item in items if item.severity == severity], severity, places)
    return "\n".join([*lines, *([summary(items)] if closing else [])]) + "\n"


def _kind(items: Sequence[Diagnostic], severity: Severity, places: Places) -> Iterator[str]:
    shown = items if len(items) <= MOST else items[: MOST - 1]
    for item in shown:
        yield command(_COMMANDS[severity], _message(item, places), _properties(item, places))
    if rest := items[len(shown) :]:
        message = f"{len(rest)} more {severity}s are in the log of this step, or ask `mlwright validate` where you work"
        yield command(_COMMANDS[severity], message, {"title": "mlwright"})
        yield from (_plain(item, places) for item in rest)


def command(name: str, message: str, properties: dict[str, str]) -> str:
    """One workflow command, escaped: whatever the texts hold, it stays one line and one command."""
    given = ",".join(f"{key}={_escaped(value, inside=True)}" for key, value in properties.items())
    return f"::{name}{' ' if given else ''}{given}::{_escaped(message)}"


def _escaped(text: str, *, inside: bool = False) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if inside else text


def _properties(item: Diagnostic, places: Places) -> dict[str, str]:
    found = {} if item.span is None else _region(item.span, places)
    return {**found, "title": item.code}


def _region(span: Span, places: Places) -> dict[str, str]:
    where = {"file": places.of(span.file), "line": str(span.line), "endLine": str(span.end_line)}
    if span.line != span.end_line:  # GitHub takes columns within one line only
        return where
    return where | {"col": str(span.col), "endColumn": str(max(span.end_col, span.col))}


def _message(item: Diagnostic, places: Places) -> str:
    lines = [item.message]
    if item.at.text:
        lines.append(f"here: {item.at.text}")
    for label in item.related:
        where = f"{places.of(label.span.file)}:{label.span.line}: " if label.span else ""
        lines.append(f"{where}{label.text}")
    if item.help:
        lines.append(f"help: {item.help}")
    return "\n".join(lines)


def _plain(item: Diagnostic, places: Places) -> str:
    """A line that cannot be read as a command, whatever it quotes."""
    where = f" {places.of(item.span.file)}:{item.span.line}:{item.span.col}:" if item.span else ""
    return f"{item.severity}[{item.code}]:{where} {_LINE_END.sub(' ', item.message)}".replace("##[", "## [")
