"""A review for a terminal of 80 columns: what the change means first, then what would be applied."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence

from mlwright.diag import Diagnostic
from mlwright.diag.render.columns import clean, cut, width, wrap
from mlwright.diag.render.text import render as render_findings
from mlwright.ir import Json
from mlwright.review.cost import deltas
from mlwright.review.model import (
    RISKS,
    WHY,
    Action,
    Beyond,
    EnvironmentReview,
    FieldChange,
    Load,
    ObjectChange,
    ProjectReview,
    Remark,
    Review,
    counted,
    hazards,
    headline,
)
from mlwright.source.secrets_text import conceal

SIGNS: dict[Action, str] = {"add": "+", "change": "~", "replace": "!", "remove": "-"}
_COLOURS = {"+": "32", "~": "33", "!": "35", "-": "31", "bold": "1", "dim": "2"}
_NOTHING = {"added": "without objects", "removed": "without objects"}
_FOLDED = "OWN009"
"""How a target does something: nothing that a change is judged by."""
_VALUE = 200
"""Columns of a value in the full view; the JSON format has all of it."""


def render(
    review: Review, read: Callable[[str], str | None], *, full: bool = False, colour: bool = False, width: int = 80
) -> str:
    """The whole review. `read` gives the text of a file that findings point into; `full` shows every field."""
    return "\n".join(_Text(read, full, colour, max(width, 40)).review(review))


class _Text:
    def __init__(self, read: Callable[[str], str | None], full: bool, colour: bool, width: int) -> None:
        self._read = read
        self._full = full
        self._colour = colour
        self._width = width

    def review(self, review: Review) -> Iterator[str]:
        """Every project, then the notes, the plan and the gravest risk."""
        for project in review.projects:
            yield from self._project(project)
            yield ""
        for note in review.notes:
            yield from self._block(note, "", "note: ")
        if not review.projects:
            yield f"no difference between {review.base} and {review.head or 'the working tree'}"
            return
        risk = review.risk
        closing = headline(review)
        yield self._bold(closing if risk == "safe" else f"{closing}. Risk: {risk}")

    def _project(self, project: ProjectReview) -> Iterator[str]:
        word = "" if project.status == "changed" else f", {project.status}"
        yield self._bold(f"{project.name} ({clean(project.spec)}){word}")
        yield from self._remarks(project)
        yield from self._hazards(project)
        found = [*project.findings, *(item for one in project.environments for item in one.findings)]
        yield from self._findings(found)
        for environment in project.environments:
            yield from self._environment(environment)
        same = [one.name for one in project.environments if _is_quiet(one)]
        if same and len(same) < len(project.environments):
            yield from self._block(f"nothing differs in {', '.join(same)}", "", "  ")

    def _remarks(self, project: ProjectReview) -> Iterator[str]:
        section = ""
        for remark in sorted(project.remarks, key=lambda one: one.section):
            if remark.section != section:
                section = remark.section
                yield f"  {section}"
            where = "" if remark.everywhere else f" ({', '.join(remark.environments)})"
            yield from self._block(f"{remark.text}{where}{_classes(remark)}", "    ", "    ")

    def _hazards(self, project: ProjectReview) -> Iterator[str]:
        found = dict.fromkeys((item.risk, item.reason) for item in hazards(project) if item.risk != "safe")
        if found:
            yield "  risks"
        for risk, reason in sorted(found, key=lambda item: -RISKS.index(item[0])):
            yield from self._block(f"{risk}: {reason}", "      ", "    ")

    def _findings(self, found: Sequence[Diagnostic]) -> Iterator[str]:
        seen = [item for item in found if item.code != _FOLDED and item.severity != "note"]
        if seen:
            shown = render_findings(dict.fromkeys(seen), self._read, self._colour, self._width).rstrip()
            yield ""
            yield shown
            yield ""

    def _environment(self, environment: EnvironmentReview) -> Iterator[str]:
        if _is_quiet(environment):
            return
        counts: list[tuple[Action, int]] = [(action, environment.count(action)) for action in SIGNS]
        told = counted((action, count) for action, count in counts if count)
        state = "" if environment.status in ("changed", "same") else f"{environment.status}: "
        if not environment.compiled:
            told = "not compiled, because of its errors"
        yield self._bold(
            f"  {environment.name}: {state}{told or _NOTHING.get(environment.status, 'no object of its own differs')}"
        )
        if environment.status in ("added", "removed") and not self._full:
            if environment.objects:
                yield from self._block(_by_kind(environment.objects), "      ", "    ")
        else:
            for change in environment.objects:
                yield from self._object(change)
        yield from self._followers(environment.followers)
        yield from self._loads(environment.before, environment.after)
        yield from self._beyond(environment.beyond)

    def _object(self, change: ObjectChange) -> Iterator[str]:
        sign = SIGNS[change.action]
        kept = change.action in ("change", "replace")
        count = len(change.fields)
        told = f"  {count} field{'s' if count > 1 else ''}" if kept and count else ""
        if change.action == "replace" and not count:
            told = "  runs again"
        name = f"{change.kind} {change.name}" if change.kind else change.name
        yield from self._block(f"{name}{told}{_classes(change)}", "      ", f"    {self._paint(sign, sign)} ")
        if self._full:
            for field in change.fields if kept else ():
                yield from self._field(field)

    def _field(self, field: FieldChange) -> Iterator[str]:
        name = _path(field)
        if field.added:
            yield from self._block(f"{name}: {_value(field.after)}", "          ", f"        {self._paint('+', '+')} ")
        elif field.removed:
            yield from self._block(f"{name}: {_value(field.before)}", "          ", f"        {self._paint('-', '-')} ")
        else:
            said = f"{name}: {_value(field.before)} -> {_value(field.after)}"
            yield from self._block(said, "          ", f"        {self._paint('~', '~')} ")

    def _followers(self, followers: Sequence[ObjectChange]) -> Iterator[str]:
        if not followers:
            return
        if self._full:
            for one in followers:
                name = f"{one.kind} {one.name}" if one.kind else one.name
                yield from self._block(f"{name}  follows another change", "      ", "    = ")
            return
        yield from self._block(
            f"{len(followers)} more follow in names and digests alone: {_by_kind(followers)}", "      ", "    = "
        )

    def _loads(self, before: Load | None, after: Load | None) -> Iterator[str]:
        for line in deltas(before, after):
            yield from self._block(line, "      ", "    ")

    def _beyond(self, found: Sequence[Beyond]) -> Iterator[str]:
        for why, said in WHY.items():
            files = [item for item in found if item.why == why]
            if why == "stale" and len(files) > 1 and not self._full:
                yield from self._block(f"{len(files)} committed files are {said}", "      ", "    ? ")
                continue
            for item in files:
                count = len(item.fields)
                told = f", {count} field{'s' if count > 1 else ''}" if count else ""
                yield from self._block(f"{item.file}: {said}{told}", "      ", "    ? ")
                for field in item.fields if self._full else ():
                    yield from self._field(field)

    def _block(self, text: str, indent: str, first: str) -> Iterator[str]:
        """Lines of at most the width: `first` begins the first one, `indent` the others."""
        plain = width(first) if "\x1b" not in first else width(first) - 9
        lines = wrap(conceal(text), self._width - len(indent), self._width - plain)
        for number, line in enumerate(lines):
            yield f"{indent if number else first}{line}"

    def _bold(self, text: str) -> str:
        return self._paint("bold", text)

    def _paint(self, what: str, text: str) -> str:
        return f"\x1b[{_COLOURS[what]}m{text}\x1b[0m" if self._colour else text


def _is_quiet(environment: EnvironmentReview) -> bool:
    """Nothing to say of it beside its findings."""
    told = environment.objects or environment.followers or environment.beyond or not environment.compiled
    return not told and environment.status in ("same", "changed") and environment.before == environment.after


def _by_kind(objects: Iterable[ObjectChange]) -> str:
    """`17 ConfigMap, 10 file`: the most frequent first."""
    kinds: dict[str, int] = {}
    for one in objects:
        kinds[one.kind or "file"] = kinds.get(one.kind or "file", 0) + 1
    return ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items(), key=lambda item: -item[1]))


def _classes(item: Remark | ObjectChange) -> str:
    found: dict[str, None] = dict.fromkeys(one.risk for one in item.hazards if one.risk != "safe")
    return f"  [{', '.join(found)}]" if found else ""


def _path(field: FieldChange) -> str:
    return ".".join(str(part) for part in field.path) or "content"


def _value(value: Json) -> str:
    said = json.dumps(value, ensure_ascii=False)
    return said if width(said) <= _VALUE else f"{cut(said, _VALUE)[0]}..."
