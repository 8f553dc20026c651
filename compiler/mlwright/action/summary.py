"""The summary of the job and the comment, as markdown: what the steps found, on one page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlwright.action.state import Gathered, loud, severities
from mlwright.cli.findings import repository
from mlwright.diag import Diagnostic
from mlwright.review.inert import words

MOST = 50
"""Findings that are listed; annotations and the SARIF file have more."""
_NOT_COMPILED = "CHECK011"
_SIGNS = {"error": "❌", "warning": "⚠️"}


def render(made: Gathered) -> str:
    """The summary, ending in a newline."""
    parts = ["## mlwright\n", *_states(made)]
    parts += _findings([item for item in loud(made.findings) if item.severity != "note"])
    change = made.folder / "change.md"
    if change.is_file():
        parts += ["", change.read_text(encoding="utf-8").partition("\n")[2]]
    return "\n".join(parts).rstrip() + "\n"


def comment(made: Gathered, marker: str) -> str:
    """The comment: the review, or why there is none, and what the other steps found."""
    review = made.folder / "comment.md"
    head = review.read_text(encoding="utf-8").rstrip() if review.is_file() else f"{marker}\n## mlwright"
    return "\n".join([head, "", *_states(made)])


def _states(made: Gathered) -> Iterator[str]:
    yield "| | |"
    yield "|---|---|"
    if made.unusable:
        yield f"| nothing to look at | {_SIGNS['error']} {words(made.unusable, 500)} |"
        return
    checked = made.checked.items if made.checked else ()
    own = made.findings[: len(made.findings) - len(checked)]
    yield f"| findings | {_sign(own)} {severities(loud(own))} |"
    if made.checked is not None:
        stale = f"not current ({severities(loud(checked))}): `mlwright check --fix` makes it so"
        none = bool(checked) and all(item.code == _NOT_COMPILED for item in checked)
        fresh = "not compiled here: not checked" if none else f"{_sign(checked)} current"
        yield f"| committed output | {f'{_sign(checked)} {stale}' if made.stale else fresh} |"
    change = made.change
    if change.why:
        yield f"| change | not shown: {words(change.why, 500)} |"
    elif not change.changed:
        yield "| change | none in what is compiled |"
    else:
        yield f"| change | {words(change.headline)}; gravest risk: **{change.risk}** |"


def _sign(items: Sequence[Diagnostic]) -> str:
    found = {item.severity for item in items}
    return next((_SIGNS[name] for name in ("error", "warning") if name in found), "✅")


def _findings(items: Sequence[Diagnostic]) -> Iterator[str]:
    if not items:
        return
    places = repository()
    order = ("error", "warning")
    yield "\n### Findings\n"
    yield "| | code | where | what |\n|---|---|---|---|"
    for item in sorted(items, key=lambda one: order.index(one.severity))[:MOST]:
        where = f"{words(places.of(item.span.file))}:{item.span.line}" if item.span else ""
        help_ = f"<br>{words(item.help, 500)}" if item.help else ""
        yield f"| {_SIGNS[item.severity]} | {item.code} | {where} | {words(item.message, 500)}{help_} |"
    if len(items) > MOST:
        yield f"\n{len(items) - MOST:,} more are in the log of the step, and in the SARIF file."
