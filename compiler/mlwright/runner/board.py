"""The state of a run as a person sees it: one row per node. Threads write, the screen reads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from mlwright.runtime.order import Schedule, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One node or endpoint. Times are of `time.monotonic`, 0 for not yet; `detail` is what it last had to say."""

    id: str
    state: State = "waiting"
    began: float = 0.0
    ended: float = 0.0
    detail: str = ""

    @property
    def seconds(self) -> float:
        return (self.ended or time.monotonic()) - self.began if self.began else 0.0


class Board:
    """All rows in order. `changed(before, after)` is called for every change, never by two threads at once."""

    def __init__(self, ids: Iterable[str], changed: Callable[[Row, Row], None]) -> None:
        self._rows = {node: Row(id=node) for node in ids}
        self._changed = changed
        self._lock = threading.RLock()

    @property
    def rows(self) -> tuple[Row, ...]:
        with self._lock:
            return tuple(self._rows.values())

    def row(self, node: str) -> Row:
        with self._lock:
            return self._rows[node]

    def follow(self, schedule: Schedule) -> None:
        """Take over the states and reasons of `schedule`."""
        for node, state in schedule.states.items():
            self.move(node, state, schedule.reason(node))

    def move(self, node: str, state: State, detail: str = "") -> None:
        """Put `node` into `state`, which stops or starts its clock; without `detail` the last one stays."""
        with self._lock:
            row = self._rows[node]
            if row.state == state:
                return
            now = time.monotonic()
            began = row.began or (now if state == "running" else 0.0)
            ended = now if state not in ("waiting", "running") and began else 0.0
            self._set(replace(row, state=state, began=began, ended=ended, detail=detail or row.detail))

    def say(self, node: str, detail: str) -> None:
        """What `node` has to say while it runs."""
        with self._lock:
            if self._rows[node].detail != detail:
                self._set(replace(self._rows[node], detail=detail))

    def _set(self, row: Row) -> None:
        before, self._rows[row.id] = self._rows[row.id], row
        self._changed(before, row)
