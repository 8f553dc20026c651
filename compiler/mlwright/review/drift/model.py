"""What `mlwright drift` finds; texts and values in it have secrets concealed."""

from __future__ import annotations

from typing import Literal

from mlwright.record import dataclass
from mlwright.review.model import FieldChange
from mlwright.span import Span

Status = Literal["missing", "changed", "replace", "extra", "unknown"]
STATUSES: tuple[Status, ...] = ("missing", "changed", "replace", "extra", "unknown")
"""`replace`: changed in what no server changes in place; `unknown`: the cluster did not say how it differs."""
WORDS = {"replace": "to replace", "unknown": "not comparable"}
"""Statuses that are called otherwise where people read them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing:
    """One value: `change.before` is the live one, `change.after` the wanted one. `by` is who has written the live one
    and `since` when, as far as the server knows; `stays`: applying leaves it, for the output does not have the field.
    `span` is the place of `change.origin` in the project file."""

    change: FieldChange
    by: str = ""
    since: str = ""
    stays: bool = False
    span: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifted:
    """One object that is not as it should be. `file` is its path below the environment's folder, "" where it is
    `extra`; `why` says what stands in the way and `help` what to do."""

    status: Status
    api: str
    kind: str
    name: str
    namespace: str = ""
    file: str = ""
    fields: tuple[Differing, ...] = ()
    why: str = ""
    help: str = ""
    span: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One environment on one cluster. `compared` counts the objects of the output, `apply` is the command that makes
    the cluster so; `notes` say what to know beside."""

    spec: str
    project: str
    environment: str
    server: str
    context: str = ""
    compared: int = 0
    objects: tuple[Drifted, ...] = ()
    apply: str = ""
    notes: tuple[str, ...] = ()

    def count(self, status: Status) -> int:
        """How many objects there are of one status."""
        return sum(1 for one in self.objects if one.status == status)
