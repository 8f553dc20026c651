"""Waiting by tags, where the engine has no edges of its own."""

from __future__ import annotations

import time

from tracking import Tracking
from values import TIMEOUT, StepError, seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Mapping, Sequence

    Doc = Dict[str, Any]


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


def wait_for(tracking: Tracking, needs: Sequence[Doc], env: Mapping[str, str]) -> int:
    """Waits until every needed step has ended since the run was started; that time in milliseconds."""
    since = started(tracking)
    patience = Patience(env, ", ".join(str(n["step"]) for n in needs))
    while True:
        states = [tracking.state(str(n["step"]), since, int(n.get("items") or 0)) for n in needs]
        if not any(s in ("missing", "running") for s in states):
            return since
        patience.pause()
