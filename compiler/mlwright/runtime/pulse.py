"""Signs of life: a launcher that is killed outright leaves its run RUNNING, and others must not wait for it."""

from __future__ import annotations

import contextlib
import time

from tracking import Tracking, now
from values import StepError, seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from typing import Dict, Mapping, Optional, Tuple

TAG = "mlwright.heartbeat"
BEAT, MISSED = 30.0, 6  # seconds between two beats; how many may fail to appear


def beat(env: Mapping[str, str]) -> float:
    """Seconds between two beats: MLWRIGHT_BEAT, 30 unless set."""
    return seconds(env, "MLWRIGHT_BEAT", BEAT)


class Heart:
    """Writes the time to a tag of a RUNNING run, from a thread, so that long silent work is no silence."""

    def __init__(self, tracking: Tracking, env: Mapping[str, str]) -> None:
        self.tracking, self.every = tracking, beat(env)
        self.ended: Optional[threading.Event] = None

    def on(self, run_id: str) -> None:
        """Beats for this run from now on, the one before is left alone."""
        self.stop()
        import threading

        self.ended = threading.Event()
        threading.Thread(target=self._beat, args=(run_id, self.ended), daemon=True).start()

    def stop(self) -> None:
        """Beats no more."""
        if self.ended is not None:
            self.ended.set()
        self.ended = None

    def _beat(self, run_id: str, ended: threading.Event) -> None:
        while not ended.is_set():
            with contextlib.suppress(StepError):  # the next beat may get through, and who listens waits for several
                self.tracking.log(run_id, {TAG: str(now())})
            ended.wait(self.every)


class Watch:
    """Looks at states again and again; what should move and does not for a while counts as failed.

    Only time between two looks that worked counts, and little of each pause: neither a machine that slept nor a server
    that was away makes anyone look dead.
    """

    def __init__(self, tracking: Tracking, env: Mapping[str, str]) -> None:
        self.tracking = tracking
        self.every, self.looked = beat(env), time.monotonic()
        self.step = 0.0
        self.seen: Dict[str, Tuple[str, float]] = {}

    def look(self) -> None:
        """Begins another look at everything."""
        self.step, self.looked = min(time.monotonic() - self.looked, self.every), time.monotonic()

    def state(self, step: str, since: int, items: int) -> str:
        """`Tracking.state`, where a run whose launcher went away is closed and has failed.

        Items that wait for earlier ones never start once one of those has failed: nothing moves then either.
        """
        state = self.tracking.state(step, since, items)
        if state != "running":
            return state
        runs = [r for r in self.tracking.newest(step) if r.touched >= since or r.state == "running"]
        alive = [r for r in runs if r.state == "running"]
        for run in alive:
            if TAG in run.tags and self._still(run.id, run.tags[TAG]):
                lost = {"mlwright.reason": "its launcher went away", "mlwright.retrying": "false"}
                self.tracking.close(run.id, "FAILED", lost)
                return self.tracking.state(step, since, items)
        if not alive and any(r.state == "failed" for r in runs) and self._still(step, str(len(runs))):
            return "failed"
        return state

    def _still(self, key: str, mark: str) -> bool:
        last, watched = self.seen.get(key, ("", 0.0))
        watched = watched + self.step if mark == last else 0.0
        self.seen[key] = (mark, watched)
        return watched > self.every * MISSED
