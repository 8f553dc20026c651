"""Patterns of metrics: portable, one group, and right about their own sample."""

from __future__ import annotations

from collections.abc import Iterable

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.passes.occurrences import tasks
from mlwright.passes.patterns import NotPortable, read
from mlwright.span import Path

_SAMPLE = 1024
_REFUSED = {
    "syntax": ("SPEC016", "use the RE2 subset: no look-around, no back-references, no possessive repeats"),
    "groups": ("SPEC017", "put `( )` around the number and `(?: )` around anything else: `val_auc=(\\S+)`"),
    "repeats": ("SPEC018", "leave one of the repeats out"),
}


def check_metrics(project: ir.Project) -> Iterable[Diagnostic]:
    """SPEC016-018 where a pattern is not portable, SPEC005 a long sample, STEP004 no match, STEP005 not a number."""
    for task in tasks(project):
        for metric in task.metrics:
            if metric.pattern and (finding := _finding(metric, (*task.origin.path, "metrics", metric.name))):
                yield finding


def _finding(metric: ir.Metric, path: Path) -> Diagnostic | None:
    try:
        pattern = read(metric.pattern)
    except NotPortable as error:
        code, help_ = _REFUSED[error.kind]
        return Diagnostic(code=code, message=error.message, at=_label((*path, "pattern"), error.chars), help=help_)
    if not metric.sample:
        return None
    if len(metric.sample.encode("utf-8", "surrogatepass")) > _SAMPLE:
        return Diagnostic(
            code="SPEC005",
            message=f"a sample has at most {_SAMPLE} bytes",
            at=Label(path=(*path, "sample")),
            help="keep the one line that has the value",
        )
    found = pattern.find(metric.sample)
    if found is None:
        return _no_match(metric, path)
    return None if _is_number(metric.sample[slice(*found)]) else _no_number(metric, path, found)


def _label(path: Path, chars: tuple[int, int]) -> Label:
    return Label(path=path, chars=chars if chars[1] > chars[0] else None)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _no_match(metric: ir.Metric, path: Path) -> Diagnostic:
    return Diagnostic(
        code="STEP004",
        message=f"the pattern of `{metric.name}` does not match its own sample",
        at=Label(path=(*path, "pattern"), text="finds nothing"),
        related=(Label(path=(*path, "sample"), text="in this line"),),
        help="copy a line that the program prints into `sample`, then change `pattern` until they agree",
    )


def _no_number(metric: ir.Metric, path: Path, found: tuple[int, int]) -> Diagnostic:
    text = metric.sample[slice(*found)] if found[0] >= 0 else ""
    return Diagnostic(
        code="STEP005",
        message=f"the pattern of `{metric.name}` finds `{text}` in its sample, which is not a number",
        at=Label(path=(*path, "pattern"), text="the group takes more, or less, than the number"),
        related=(Label(path=(*path, "sample"), chars=found if found[1] > found[0] else None, text="found here"),),
        help="end the group where the number ends: `([0-9.eE+-]+)`",
    )
