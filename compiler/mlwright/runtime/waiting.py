"""Waiting by tags, where the engine has no edges of its own."""

from __future__ import annotations

import time

from pulse import Watch
from tracking import Tracking
from values import TIMEOUT, StepError, seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, FrozenSet, Mapping, Sequence

    Doc = Dict[str, Any]


BLOCKED = "mlwright.blocked."
"""With a step's name: a tag of the root run whose value is when the run was started that the step is not part of."""


class Patience:
    """Pauses between two looks; gives up with 124 after MLWRIGHT_WAIT seconds (a day)."""

    def __init__(self, env: Mapping[str, str], what: str) -> None:
        self.what = what
        self.limit = seconds(env, "MLWRIGHT_WAIT", 86400.0)
        self.end = time.monotonic() + self.limit
        self.step = 0.5

    def pause(self) -> None:
        """Sleeps, a little longer each time up to 5 s."""
        if time.monotonic() > self.end:
            raise StepError(TIMEOUT, "waited %g s for %s" % (self.limit, self.what))
        time.sleep(self.step)
        self.step = min(self.step * 1.3, 5.0)


def started(tracking: Tracking) -> int:
    """When this pipeline run was last started or resumed, in milliseconds; 0 when no start program runs here."""
    roots = tracking.roots()
    said = roots[0].tags.get("mlwright.started", "") if roots else ""
    return int(said) if said.isdigit() else 0


def blocked(tracking: Tracking, since: int) -> FrozenSet[str]:
    """Steps that never start in this run because one before them failed: the finish program says so at the root."""
    roots = tracking.roots()
    tags = roots[0].tags if roots else {}
    return frozenset(
        name[len(BLOCKED) :] for name, said in tags.items() if name.startswith(BLOCKED) and said == str(since)
    )


def wait_for(tracking: Tracking, needs: Sequence[Doc], env: Mapping[str, str]) -> int:
    """Waits until every needed step has ended since the run was started, or never starts; that time in milliseconds."""
    since = started(tracking)
    patience = Patience(env, ", ".join(str(n["step"]) for n in needs))
    watch = Watch(tracking, env)
    while True:
        watch.look()
        states = {str(n["step"]): watch.state(str(n["step"]), since, int(n.get("items") or 0)) for n in needs}
        open_ones = {step for step, state in states.items() if state in ("missing", "running")}
        if open_ones and all(states[step] == "missing" for step in open_ones):
            open_ones -= blocked(tracking, since)
        if not open_ones:
            return since
        patience.pause()
