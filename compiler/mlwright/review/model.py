"""What a review is made of. Every format shows this and nothing else; texts and values in it have secrets concealed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from typing import Literal

from mlwright.diag import Diagnostic
from mlwright.ir import Json
from mlwright.record import dataclass
from mlwright.span import Path, Span

Action = Literal["add", "change", "replace", "remove"]
"""`replace`: the object cannot be changed in place, so a new one takes the place of the old one."""

Risk = Literal["safe", "behaviour", "cost", "security", "recreated", "downtime", "data-loss"]
RISKS: tuple[Risk, ...] = ("safe", "behaviour", "cost", "security", "recreated", "downtime", "data-loss")
"""From the least to the gravest. `behaviour` is a change that nothing announces: results differ silently."""

RISK_WORDS: dict[Risk, str] = {
    "safe": "safe",
    "behaviour": "behaviour changes silently",
    "cost": "cost",
    "security": "security",
    "recreated": "an object is made anew",
    "downtime": "downtime",
    "data-loss": "data loss",
}
WHY = {
    "hand": "edited by hand",
    "compiler": "compiled by another version of mlwright",
    "stale": "not compiled after the project changed",
}
"""What `Beyond.why` says, in words."""


def counted(actions: Iterable[tuple[Action, int]]) -> str:
    """`2 to add, 3 to change, 1 to replace, 0 to remove`."""
    return ", ".join(f"{count:,} to {action}" for action, count in actions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """Why a change is worth a second look: the class, one sentence for the reviewer, and the rule that says so."""

    risk: Risk
    reason: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One change in the words of the project: `section` is the top-level key (`training`), `text` what changed
    (`GPUs 1 -> 4`), `path` the place in the project file, `span` its position at head (at base where it is gone). Two
    sections are other files: `lock` and `platform`, whose paths begin with these words. `before` and `after` are the
    values, with defaults of the language filled in.
    `environments` are those it is true of; `everywhere` is true where these are all that both revisions have."""

    section: str
    text: str
    path: Path
    environments: tuple[str, ...]
    everywhere: bool = False
    span: Span | None = None
    before: Json = None
    after: Json = None
    hazards: tuple[Hazard, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """A value of an object: `before` is None where `added`, `after` None where `removed`. `path` is into the object,
    with lists by the field that identifies an entry (`name=main`) where they have one. `origin` is the spec path that
    the value comes from."""

    path: Path
    before: Json = None
    after: Json = None
    added: bool = False
    removed: bool = False
    origin: Path = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectChange:
    """One object or file of the output. `kind`, `namespace` and `name` identify it (a Compose service is one, too; for
    a file without a kind, `kind` is "" and `name` its path); `file` is its path below the environment's folder, at
    base where it is removed. `was` is the object's name before, where a content hash gave it another one. An object
    that is added or removed has its sections as `fields`. `follows`: nothing differs but digests and names that follow
    the content of something else, so that there are no fields."""

    action: Action
    target: str
    file: str
    kind: str
    name: str
    namespace: str = ""
    was: str = ""
    fields: tuple[FieldChange, ...] = ()
    hazards: tuple[Hazard, ...] = ()
    follows: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What an environment asks for in a month of 730 hours. `cpu_hours`, `memory_hours` (GiB times hours), `gpu_hours`
    (by GPU model or resource name) and `storage` in GiB; `price` in `currency` where there is a price file, without
    the GPUs of `unpriced`. These are the least; `most` is the same with all replicas and nodes that there may be, None
    where that is no more. `bound` is true where a duration had to be taken from `timeout`, an upper bound; `unknown`
    are nodes without either, and `unscheduled` those that only people and events start: neither is counted."""

    cpu_hours: float = 0.0
    memory_hours: float = 0.0
    gpu_hours: tuple[tuple[str, float], ...] = ()
    storage: float = 0.0
    price: float | None = None
    currency: str = ""
    bound: bool = False
    unpriced: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    unscheduled: tuple[str, ...] = ()
    most: Load | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Beyond:
    """A committed file whose difference between the revisions is not what this compiler says that the project's change
    means. `why`: `hand` edited, `compiler` of another version, or `stale` (not compiled after the project changed)."""

    file: str
    why: Literal["hand", "compiler", "stale"]
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentReview:
    """One environment between two revisions. `findings` are head's errors, and what else base does not have; with an
    error among them there are no objects, and `compiled` is False. `followers` are objects in which nothing differs
    but digests and names that follow the others': they are applied anew, and count for nothing in the plan."""

    name: str
    status: Literal["added", "changed", "removed", "same"]
    objects: tuple[ObjectChange, ...] = ()
    followers: tuple[ObjectChange, ...] = ()
    before: Load | None = None
    after: Load | None = None
    beyond: tuple[Beyond, ...] = ()
    findings: tuple[Diagnostic, ...] = ()
    compiled: bool = True

    def count(self, action: Action) -> int:
        """How many objects there are of one action."""
        return sum(1 for item in self.objects if item.action == action)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectReview:
    """One project between two revisions. `spec` is the path of its file from the repository's root. `graphs` are
    Mermaid texts of the step graph with what changed marked, by environment (equal ones once)."""

    spec: str
    name: str
    status: Literal["added", "changed", "removed"]
    remarks: tuple[Remark, ...] = ()
    environments: tuple[EnvironmentReview, ...] = ()
    graphs: tuple[tuple[str, str], ...] = ()
    findings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """All projects that differ between `base` and `head` (names of revisions as people gave them; `head` is "" for the
    working tree). `notes` say what could not be compared, and why."""

    base: str
    head: str
    projects: tuple[ProjectReview, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def plan(self) -> dict[Action, int]:
        """How many objects of all projects and environments are added, changed, replaced and removed."""
        actions: tuple[Action, ...] = ("add", "change", "replace", "remove")
        everything = [one for project in self.projects for one in project.environments]
        return {action: sum(one.count(action) for one in everything) for action in actions}

    @property
    def risk(self) -> Risk:
        """The gravest class of risk of anything in the review."""
        gravest: Risk = "safe"
        for project in self.projects:
            for hazard in hazards(project):
                if RISKS.index(hazard.risk) > RISKS.index(gravest):
                    gravest = hazard.risk
        return gravest


def hazards(project: ProjectReview) -> tuple[Hazard, ...]:
    """All hazards of a project: of its remarks, then of its objects."""
    of_objects = (item for one in project.environments for change in one.objects for item in change.hazards)
    return (*(item for remark in project.remarks for item in remark.hazards), *of_objects)


def headline(review: Review) -> str:
    """`Plan: 2 to add, 3 to change, 1 to replace, 0 to remove`."""
    return f"Plan: {counted(review.plan.items())}"
