"""A review as one comment of a pull request, written so that the next one can take its place.

Whatever the review holds, the comment stays below GitHub's limit. Where all of it is too long, these go, in this order,
each with a count of what is gone: the fields of objects, the objects, environments, then remarks and all other lists.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from mlwright.diag import Diagnostic
from mlwright.ir import Json
from mlwright.record import dataclass
from mlwright.regex import lazy
from mlwright.review.inert import clipped, code, concealed, fence, place, units, value_of, words
from mlwright.review.model import (
    RISK_WORDS,
    RISKS,
    WHY,
    EnvironmentReview,
    FieldChange,
    Hazard,
    Load,
    ObjectChange,
    ProjectReview,
    Remark,
    Review,
    Risk,
    headline,
)

T = TypeVar("T")

LIMIT = 65_000
"""Below the 65,536 characters that GitHub takes, with room for what a caller puts around the comment."""
_ALL = 10**9
_GRAPH = 12_000
_LINES = 200
"""Lines of a text from which on its change is not shown line by line."""
_KEY = lazy(r"[A-Za-z0-9._/-]{0,100}")
_ACTIVE = lazy(r"%%\{|(?:^|;)\s*(?:click|call|href|links?)\b|<(?!br/>)|javascript:|@\{|img:")
_NUMBERED = lazy(r"#\d{1,7};")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fold:
    """How much of each is shown; `width` is that of one text, `graph` the length of all graphs of a project."""

    fields: int = _ALL
    objects: int = _ALL
    environments: int = _ALL
    remarks: int = _ALL
    others: int = _ALL
    projects: int = _ALL
    graph: int = _GRAPH
    width: int = 300


_FOLDS = (
    _Fold(),
    _Fold(fields=8),
    _Fold(fields=0),
    _Fold(fields=0, objects=100),
    _Fold(fields=0, objects=20),
    _Fold(fields=0, objects=0),
    _Fold(fields=0, objects=0, environments=10, others=100),
    _Fold(fields=0, objects=0, environments=3, remarks=200, others=50, graph=0),
    _Fold(fields=0, objects=0, environments=1, remarks=40, others=20, projects=50, graph=0, width=200),
    _Fold(fields=0, objects=0, environments=0, remarks=8, others=5, projects=20, graph=0, width=120),
    _Fold(fields=0, objects=0, environments=0, remarks=2, others=1, projects=5, graph=0, width=60),
)


def marker(key: str = "") -> str:
    """The first line of the comment, by which the next run finds it; `key` tells those of several workflows apart."""
    if not _KEY.fullmatch(key) or "--" in key:
        raise ValueError(f"a comment's key is letters, digits and ._/-, not {key!r}")
    return f"<!-- mlwright:review {key} -->".replace("  ", " ")


def render(review: Review, limit: int = LIMIT, *, key: str = "") -> str:
    """The comment, at most `limit` (never under 1,000) characters long, however long they count. The same review
    gives the same text. Raises ValueError for a `key` that could end the marker."""
    limit = max(limit, 1_000)
    head = marker(key)
    for fold in _FOLDS:
        try:
            return f"{head}\n{_Comment(fold=fold, room=limit - len(head) - 2).text(review)}"
        except _TooLongError:
            continue
    return f"{head}\n### {headline(review)}\n\nToo long for a comment: `mlwright diff` shows all of it.\n"


def changed_lines(before: str, after: str) -> list[str]:
    """How a text of several lines changed, each line with `-`, `+` or a blank before it; [] where that is too long."""
    old, new = before.splitlines(), after.splitlines()
    if len(old) > _LINES or len(new) > _LINES:
        return []
    return list(difflib.unified_diff(old, new, lineterm="", n=2))[2:]


class _TooLongError(Exception):
    """What was asked for does not fit."""


@dataclasses.dataclass(slots=True, kw_only=True)
class _Comment:
    """Gathers blocks, as long as there is `room` for them."""

    fold: _Fold
    room: int
    blocks: list[str] = dataclasses.field(default_factory=list)

    def text(self, review: Review) -> str:
        plan = headline(review)
        risk = f"**Gravest risk: {RISK_WORDS[review.risk]}.** " if review.projects else ""
        head = self.code(review.head) if review.head else "the working tree"
        self.add(f"### {plan}")
        self.add(f"{risk}From {self.code(review.base)} to {head}.")
        if not review.projects:
            self.add("No project changes.")
        self.listed(review.notes, lambda note: f"- Note: {self.words(note)}", self.fold.others, "note")
        for project in review.projects[: self.fold.projects]:
            self.project(project)
        self.more(len(review.projects) - self.fold.projects, "project")
        return "\n\n".join(self.blocks) + "\n"

    def add(self, block: str) -> None:
        self.blocks.append(block)
        self.room -= self.spent(block)

    def spent(self, part: str) -> int:
        """The length of one part with its distance from the next. Raises _TooLongError."""
        if (cost := units(part) + 2) > self.room:
            raise _TooLongError
        return cost

    def words(self, text: str) -> str:
        return words(text, self.fold.width)

    def code(self, text: str) -> str:
        return code(text, self.fold.width)

    def fitting(self, lines: Iterable[str]) -> Iterator[str]:
        """`lines`, one by one, as long as there is room for them. Raises _TooLongError."""
        room = self.room
        for line in lines:
            room -= len(line) + 1
            if room < 0:
                raise _TooLongError
            yield line

    def more(self, count: int, what: str) -> None:
        """Say how many are not shown."""
        if count > 0:
            self.add(f"*{count:,} more {what}{'s' if count > 1 else ''} not shown here.*")

    def listed(self, items: Sequence[T], line: Callable[[T], str], limit: int, what: str) -> None:
        """A list of at most `limit` items, and how many more there are."""
        if items[:limit]:
            self.add("\n".join(self.fitting(map(line, items[:limit]))))
        self.more(len(items) - limit, what)

    def names(self, environments: Iterable[str]) -> str:
        found = list(dict.fromkeys(environments))
        shown = ", ".join(self.words(name) for name in found[:8])
        return f"{shown} and {len(found) - 8} more" if len(found) > 8 else shown

    def project(self, project: ProjectReview) -> None:
        state = "" if project.status == "changed" else f", {project.status}"
        self.add(f"#### Project {self.words(project.name)} ({self.code(project.spec)}{state})")
        self.remarks(project)
        self.risks(project)
        self.cost(project)
        self.findings(project)
        self.beyond(project)
        self.graphs(project)
        for environment in project.environments[: self.fold.environments]:
            self.environment(environment)
        self.more(len(project.environments) - self.fold.environments, "environment")

    def remarks(self, project: ProjectReview) -> None:
        shown = project.remarks[: self.fold.remarks]
        sections: dict[str, list[str]] = {}
        for item, line in zip(shown, self.fitting(map(self.remark, shown)), strict=True):
            sections.setdefault(item.section, []).append(line)
        for section, lines in sections.items():
            self.add(f"**{self.words(section)}**\n\n" + "\n".join(lines))
        self.more(len(project.remarks) - len(shown), "remark")

    def remark(self, item: Remark) -> str:
        where = f" ({self.names(item.environments)})" if item.environments and not item.everywhere else ""
        return f"- {self.words(item.text)}{where}{_gravest(item.hazards)}"

    def risks(self, project: ProjectReview) -> None:
        found: dict[tuple[Risk, str], tuple[list[str], list[str]]] = {}
        safe = 0
        for hazard, subject, environments in _hazards(project):
            if hazard.risk == "safe":
                safe += 1
                continue
            subjects, where = found.setdefault((hazard.risk, hazard.reason), ([], []))
            subjects += [subject] if subject else []
            where += environments
        rows = sorted(found.items(), key=lambda item: -RISKS.index(item[0][0]))

        def line(row: tuple[tuple[Risk, str], tuple[list[str], list[str]]]) -> str:
            (risk, reason), (subjects, environments) = row
            where = f" ({self.names(environments)})" if environments else ""
            several = list(dict.fromkeys(subjects))
            shown = ", ".join(self.code(subject) for subject in several[:3])
            more = f" and {len(several) - 3:,} more" if len(several) > 3 else ""
            return f"- **{RISK_WORDS[risk]}**{where}: {self.words(reason)}{f' {shown}{more}' if shown else ''}"

        if rows:
            self.add("**Risks**")
            self.listed(rows, line, self.fold.others, "risk")
        if rows and safe:
            self.add(f"{safe:,} other change{'s are' if safe > 1 else ' is'} safe.")

    def cost(self, project: ProjectReview) -> None:
        rows = [one for one in project.environments if one.before != one.after]
        if not rows:
            return
        lines = ["| a month in | CPU hours | GPU hours | storage, GiB | price |", "|---|---|---|---|---|"]
        for one in rows[: self.fold.others]:
            old, new = one.before or Load(), one.after or Load()
            kinds = list(dict.fromkeys([*dict(old.gpu_hours), *dict(new.gpu_hours)]))
            gpus = [
                f"{self.words(kind)}: {_step(dict(old.gpu_hours).get(kind, 0.0), dict(new.gpu_hours).get(kind, 0.0))}"
                for kind in kinds[:5]
            ]
            gpus += [f"and {len(kinds) - 5} more"] if len(kinds) > 5 else []
            price = _price(one.before, one.after)
            currency = f" {self.words(new.currency or old.currency)}" if new.currency or old.currency else ""
            most = " (at most)" if old.bound or new.bound else ""
            cells = (
                f"{self.words(one.name)}{most}",
                _step(old.cpu_hours, new.cpu_hours),
                ", ".join(gpus) or "0",
                _step(old.storage, new.storage),
                f"{price}{currency}" if price else "no price file",
            )
            lines.append(f"| {' | '.join(cells)} |")
        self.add("**What it asks for**")
        self.add("\n".join(lines))
        self.more(len(rows) - self.fold.others, "environment")
        unknown = sorted({name for one in rows if one.after for name in one.after.unknown})
        if unknown:
            named = ", ".join(self.code(name) for name in unknown[:5])
            more = f" and {len(unknown) - 5:,} more" if len(unknown) > 5 else ""
            self.add(f"Not counted, for want of `expected_duration` or `timeout`: {named}{more}.")

    def findings(self, project: ProjectReview) -> None:
        found: dict[Diagnostic, list[str]] = {item: [] for item in project.findings}
        for one in project.environments:
            for item in one.findings:
                found.setdefault(item, []).append(one.name)
        told = [row for row in found.items() if row[0].severity != "note"]
        told.sort(key=lambda row: row[0].severity != "error")

        def line(row: tuple[Diagnostic, list[str]]) -> str:
            item, environments = row
            where = f" at {self.code(f'{item.span.file}:{item.span.line}')}" if item.span else ""
            some = 0 < len(set(environments)) < len(project.environments)
            only = f" ({self.names(environments)})" if some else ""
            help_ = f" *Help:* {self.words(item.help)}" if item.help else ""
            return f"- **{item.severity}** {self.code(item.code)}{where}{only}: {self.words(item.message)}{help_}"

        if told:
            self.add("**Findings**")
            self.listed(told, line, self.fold.others, "finding")

    def beyond(self, project: ProjectReview) -> None:
        lines: list[str] = []
        for one in project.environments:
            stale = sum(1 for item in one.beyond if item.why == "stale")
            if stale:
                lines.append(f"- {self.words(one.name)}: {_count(stale, 'file')} {WHY['stale']}")
            for item in one.beyond:
                if item.why != "stale":
                    count = f", {_count(len(item.fields), 'field')}" if item.fields else ""
                    lines.append(f"- {self.code(item.file)} ({self.words(one.name)}): {WHY[item.why]}{count}")
        if lines:
            self.add("**Beyond the change of the project**")
            self.listed(lines, str, self.fold.others, "file")

    def graphs(self, project: ProjectReview) -> None:
        room = self.fold.graph
        for name, graph in project.graphs:
            if len(graph) > room:
                self.add(f"*The step graph of {self.words(name)} is too large to show here.*") if room else None
                continue
            room -= len(graph)
            # A graph that could do more than be looked at is shown as text.
            lines = graph.splitlines()
            active = any(_ACTIVE.search(_NUMBERED.sub("", line)) for line in lines)
            body = fence(lines, "text" if active else "mermaid", _GRAPH, keep="\u200b")
            self.fold_away(f"Step graph of {self.words(name)}", body)

    def environment(self, one: EnvironmentReview) -> None:
        counts = ", ".join(f"{one.count(action):,} to {action}" for action in ("add", "change", "replace", "remove"))
        if one.followers:
            counts += f"; {_count(len(one.followers), 'more object')} in digests and names alone"
        title = f"<b>{self.words(one.name)}</b> {one.status}: {counts}"
        edited = [item for item in one.beyond if item.why != "stale"]  # what is stale is what the objects say
        if not one.compiled:
            self.add(f"**{self.words(one.name)}**: not compiled, see the findings.")
        elif one.status == "same" and not one.objects and not one.beyond:
            self.add(f"**{self.words(one.name)}**: nothing changes.")
        elif not one.objects and not any(item.fields for item in edited):
            self.add(f"**{self.words(one.name)}** {one.status}: {counts}.")
        elif not self.fold.objects:
            self.add(f"**{self.words(one.name)}** {one.status}: {counts}. The objects are too many to show here.")
        else:
            parts: list[str] = []
            before = self.room
            for item in one.objects[: self.fold.objects]:
                for part in self.object(item):
                    self.room -= self.spent(part)
                    parts.append(part)
            self.room = before
            left = len(one.objects) - self.fold.objects
            parts += [f"*{left:,} more objects not shown here.*"] if left > 0 else []
            for other in edited[: self.fold.objects]:
                if other.fields:
                    parts += [f"**beyond the change** {self.code(other.file)}", *self.fields(other.fields)]
            self.fold_away(title, "\n\n".join(parts))

    def object(self, item: ObjectChange) -> Iterator[str]:
        was = f", was {self.code(item.was)}" if item.was else ""
        risk = _gravest(item.hazards)
        file = f" in {self.code(item.file)}" if item.kind else ""
        yield f"**{item.action}** {self.code(subject_of(item))}{was}{file}{risk}"
        yield from self.fields(item.fields)

    def fields(self, fields: Sequence[FieldChange]) -> Iterator[str]:
        shown = fields[: self.fold.fields]
        if shown:
            yield fence((line for one in shown for line in _field(one)), "diff", self.fold.width)
        if len(fields) > len(shown):
            yield f"*{_count(len(fields) - len(shown), 'field')} not shown here.*"

    def fold_away(self, title: str, body: str) -> None:
        self.add(f"<details><summary>{title}</summary>\n\n{body}\n\n</details>")


def subject_of(item: ObjectChange) -> str:
    """What people call an object: `Deployment ml/api`; a file without a kind by its path."""
    name = f"{item.namespace}/{item.name}" if item.namespace else item.name
    return f"{item.kind} {name}" if item.kind else name


def _gravest(hazards: Sequence[Hazard]) -> str:
    found: list[Risk] = ["safe", *(hazard.risk for hazard in hazards)]
    risk = max(found, key=RISKS.index)
    return f": **{RISK_WORDS[risk]}**" if risk != "safe" else ""


def _hazards(project: ProjectReview) -> Iterator[tuple[Hazard, str, tuple[str, ...]]]:
    """Each hazard, what it is of, and the environments; none for all of them."""
    for remark in project.remarks:
        for hazard in remark.hazards:
            yield hazard, "", () if remark.everywhere else remark.environments
    for one in project.environments:
        for item in one.objects:
            for hazard in item.hazards:
                yield hazard, subject_of(item), (one.name,)


def _field(one: FieldChange) -> Iterator[str]:
    where = place(one.path)
    before, after = (concealed(value, one.path) for value in (one.before, one.after))
    if _text(before) and _text(after) and (lines := changed_lines(str(before), str(after))):
        yield f"  {where}:"
        yield from lines
        return
    if not one.added:
        yield f"- {where}: {value_of(one.before, one.path)}"
    if not one.removed:
        yield f"+ {where}: {value_of(one.after, one.path)}"


def _text(value: Json) -> bool:
    return isinstance(value, str) and "\n" in value


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _number(value: float) -> str:
    text = f"{value:,.1f}".removesuffix(".0")
    return clipped("0" if text == "-0" else text, 40)


def _step(before: float, after: float) -> str:
    if before == after:
        return _number(after)
    return f"{_number(before)} → {_number(after)} ({'+' if after > before else ''}{_number(after - before)})"


def _price(before: Load | None, after: Load | None) -> str:
    old, new = (before.price if before else 0.0), (after.price if after else 0.0)
    if old is None and new is None:
        return ""
    if old is None or new is None:
        return f"{'?' if old is None else _number(old)} → {'?' if new is None else _number(new)}"
    return _step(old, new) if before is None or after is None or old != new else _number(new)
