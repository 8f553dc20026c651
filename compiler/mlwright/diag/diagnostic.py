"""What a finding is: a code, a message, a place, related places and what to type instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from typing import Literal

from mlwright.record import dataclass, replace
from mlwright.span import Path, Span

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A place, given as a path into the tree at hand or, where no tree exists yet, as a span.

    `on` chooses the key or the value at `path`; `chars` narrows a scalar to a range of its value's code points.
    """

    path: Path = ()
    text: str = ""
    on: Literal["value", "key"] = "value"
    chars: tuple[int, int] | None = None
    span: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding. `code` is a key of `mlwright.diag.codes.CODES`; `help` says what to type instead."""

    code: str
    message: str
    at: Label = field(default_factory=Label)
    related: tuple[Label, ...] = ()
    help: str = ""
    severity: Severity = "error"

    @property
    def span(self) -> Span | None:
        return self.at.span


Locate = Callable[[Label], Span | None]
"""Finds the span of a label's path in one tree."""


class Bag:
    """The findings of one stage, in any order; `located` gives them their spans, `ordered` sorts and drops repeats."""

    __slots__ = ("_items",)

    def __init__(self, items: Iterable[Diagnostic] = ()) -> None:
        self._items = list(items)

    def add(self, diagnostic: Diagnostic) -> None:
        self._items.append(diagnostic)

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        self._items.extend(diagnostics)

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    @property
    def failed(self) -> bool:
        """True when at least one finding is an error: the stage boundary stops here."""
        return any(item.severity == "error" for item in self._items)

    def located(self, locate: Locate) -> Bag:
        """The same findings with every label's span filled in from `locate`."""

        def place(label: Label) -> Label:
            return label if label.span is not None else replace(label, span=locate(label))

        return Bag(
            replace(item, at=place(item.at), related=tuple(place(label) for label in item.related))
            for item in self._items
        )

    def ordered(self) -> tuple[Diagnostic, ...]:
        """By file, position, code and message; findings that say the same about the same place appear once."""
        unique = {(item.code, item.span, item.message): item for item in reversed(self._items)}
        return tuple(sorted(unique.values(), key=_position))


def _position(item: Diagnostic) -> tuple[str, int, int, str, str]:
    span = item.span
    return (span.file, span.line, span.col, item.code, item.message) if span else ("", 0, 0, item.code, item.message)
