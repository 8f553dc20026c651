"""What a comparison of the project file with a tracking server finds: one `Change` for each object."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from mlwright.remote.client import Client

Kind = Literal["experiment", "model", "alias", "webhook", "user", "permission"]
Action = Literal["add", "change", "destroy", "unchanged", "kept", "skipped", "failed"]
Work = Callable[[Client], None]
COUNTED: tuple[Action, ...] = ("add", "change", "destroy", "unchanged")
ORDER: tuple[Kind, ...] = ("experiment", "model", "alias", "user", "permission", "webhook")
"""In which order kinds are made: what others refer to first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field that differs; None where it is not set. A value that nobody may see is given as `HIDDEN`."""

    name: str
    old: str | None = None
    new: str | None = None


HIDDEN = "(hidden)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One object. `kept`: no longer in the spec, and left alone; `skipped`: cannot be, and need not be; `failed`:
    cannot be, and has to. `notes` say why. `work` does it, where something is to be done."""

    kind: Kind
    name: str
    action: Action
    fields: tuple[Field, ...] = ()
    notes: tuple[str, ...] = ()
    work: Work | None = field(default=None, compare=False, repr=False)

    @property
    def key(self) -> tuple[str, str]:
        """What tells two objects of one server apart."""
        return self.kind, self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All objects of one environment, in the order in which they are made."""

    project: str
    environment: str
    spec: str
    server: str
    changes: tuple[Change, ...]

    @property
    def drift(self) -> bool:
        """Whether the server is not as the spec says."""
        return any(change.action in ("add", "change", "destroy", "failed") for change in self.changes)


def counts(changes: Iterable[Change]) -> dict[Action, int]:
    """How many there are of each action."""
    found: dict[Action, int] = dict.fromkeys((*COUNTED, "kept", "skipped", "failed"), 0)
    for change in changes:
        found[change.action] += 1
    return found


def differing(wanted: Iterable[tuple[str, str]], live: dict[str, str], prefix: str = "") -> tuple[Field, ...]:
    """The fields of `wanted` that are not so in `live`."""
    return tuple(
        Field(name=prefix + key, old=live.get(key), new=value) for key, value in wanted if live.get(key) != value
    )
