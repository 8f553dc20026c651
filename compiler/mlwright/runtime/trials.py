"""The trials of one search and the rules that start, stop and count them. No network, no files, no threads.

Every answer is idempotent by trial number: a worker that repeats a request gets the same answer and changes nothing.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Iterable, Mapping, Protocol

from medianstop import MedianStop
from samplers import Asked, Told

RUNNING, SUCCEEDED, FAILED, STOPPED = "running", "succeeded", "failed", "stopped"


class Rejected(Exception):
    """A request that does not fit the state: `code` is the HTTP status, the message says why."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Draws(Protocol):
    """What the ledger needs of a sampler. `end`: the word for having drawn all that there is."""

    end: str

    @property
    def limit(self) -> int | None:
        """How many different trials exist; None for no end, or none that is known yet."""
        ...

    def ask(self) -> dict[str, float] | None:
        """The raw draws of the next trial; None where trials that run have to end first."""
        ...

    def tell(self, number: int, value: float | None) -> None:
        """How trial `number` ended; None for a failure."""
        ...

    def values(self, raw: Mapping[str, float]) -> dict[str, str]:
        """The canonical texts that raw draws stand for."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the document says about the search. `max_failed` trials may fail, one more ends it; None: any number."""

    maximize: bool
    reduce: str = "best"
    stop_at: float | None = None
    max_trials: int = 1
    parallel: int = 1
    max_failed: int | None = None
    stopper: MedianStop | None = None

    def better(self, value: float, than: float | None) -> bool:
        """Whether `value` beats `than`."""
        return than is None or (value > than if self.maximize else value < than)

    def reached(self, value: float) -> bool:
        """Whether `value` is good enough to end the search."""
        if self.stop_at is None:
            return False
        return value >= self.stop_at if self.maximize else value <= self.stop_at


@dataclass(slots=True, kw_only=True)
class Trial:
    """One trial. `series` is the start of what it reported, `top` and `last` (at `step`) sum up the rest of it."""

    number: int
    worker: str
    raw: dict[str, float]
    params: dict[str, str]
    threshold: float | None = None
    status: str = RUNNING
    value: float | None = None
    run_id: str = ""
    reason: str = ""
    series: dict[int, float] = field(default_factory=dict)
    reported: int = 0
    top: float | None = None
    step: int = -1
    last: float | None = None

    def public(self) -> dict[str, Any]:
        """What /status shows."""
        return {key: getattr(self, key) for key in ("number", "status", "params", "value", "run_id")}

    def firsts(self) -> list[float]:
        """The first reported values, by step; the told value where none was reported."""
        if self.series:
            return [self.series[step] for step in sorted(self.series)]
        return [] if self.value is None else [self.value]


class Ledger:
    """Trials by number, the order of events, and the verdict. Not thread-safe.

    `over` says why the search has ended: "" while it goes on, "goal", "trials", "grid", "brackets", or a sentence
    that starts with "failed".
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.trials: list[Trial] = []
        self.events: list[tuple[str, int]] = []
        self.over = ""

    def ask(self, worker: str, draws: Draws) -> Trial | None:
        """The trial that `worker` is to run (again, if it has one); None: it has to wait, or `over` says the end."""
        running = self.running()
        for trial in running:
            if trial.worker == worker:
                return trial
        if self.over or len(running) >= self.rules.parallel or len(self.trials) >= self._most(draws):
            return None
        raw = draws.ask()
        if raw is None:
            return None
        trial = Trial(
            number=len(self.trials), worker=worker, raw=raw, params=draws.values(raw), threshold=self._threshold()
        )
        self.trials.append(trial)
        self.events.append(("ask", trial.number))
        return trial

    def report(self, worker: str, number: int, step: int, value: float) -> bool:
        """Value number `step` (from 0) of the objective of a trial; whether the trial is to stop."""
        trial = self._of(worker, number)
        if trial.status != RUNNING or self.over:
            return True
        if step > trial.step:
            trial.step, trial.last = step, value
        trial.reported = max(trial.reported, step + 1)
        stopper = self.rules.stopper
        if stopper and step < stopper.start_step:
            trial.series[step] = value
        if math.isfinite(value) and self.rules.better(value, trial.top):
            trial.top = value
        return bool(stopper and stopper.stops(trial.threshold, trial.reported, trial.top))

    def tell(
        self, worker: str, number: int, status: str, value: float | None, run_id: str, reason: str, draws: Draws
    ) -> bool:
        """The end of a trial; whether it is news. Success without a finite value of the objective is a failure."""
        trial = self._of(worker, number)
        if trial.status != RUNNING:
            return False
        trial.run_id = run_id
        if value is None:
            value = trial.top if self.rules.reduce == "best" else trial.last
        if status == SUCCEEDED and (value is None or not math.isfinite(value)):
            status, reason = FAILED, f"the objective is {'missing' if value is None else value}"
        if value is not None and math.isfinite(value):
            trial.value = value
        self._end(trial, status, reason, draws)
        return True

    def lose(self, number: int, reason: str, draws: Draws) -> bool:
        """The worker of a trial is gone: the trial failed. Whether it was still running."""
        trial = self.trials[number]
        if trial.status != RUNNING:
            return False
        self._end(trial, FAILED, reason, draws)
        return True

    def heartbeat(self, worker: str, number: int) -> bool:
        """Whether the trial may go on."""
        return self._of(worker, number).status == RUNNING and not self.over

    def running(self) -> list[Trial]:
        """Trials that have been started and not ended."""
        return [trial for trial in self.trials if trial.status == RUNNING]

    @property
    def best(self) -> Trial | None:
        """The succeeded trial with the best value, the earliest of equals."""
        best: Trial | None = None
        for trial in self.trials:
            if trial.status != SUCCEEDED or trial.value is None:
                continue
            if best is None or self.rules.better(trial.value, best.value):
                best = trial
        return best

    @property
    def failures(self) -> int:
        """How many trials have failed."""
        return sum(trial.status == FAILED for trial in self.trials)

    @property
    def failed(self) -> bool:
        """Whether the search has ended without success."""
        return self.over.startswith("failed")

    def snapshot(self) -> dict[str, Any]:
        """The whole state as JSON."""
        return {"trials": [asdict(trial) for trial in self.trials], "events": self.events, "over": self.over}

    def restore(self, state: Mapping[str, Any]) -> list[Asked | Told]:
        """Take over the state of a snapshot; gives the history that brings a sampler to the same point."""
        for stored in state["trials"]:
            trial = Trial(**stored)
            trial.series = {int(step): value for step, value in trial.series.items()}
            self.trials.append(trial)
        self.events = [(kind, number) for kind, number in state["events"]]
        self.over = state["over"]
        return list(self._history())

    def _history(self) -> Iterable[Asked | Told]:
        for kind, number in self.events:
            trial = self.trials[number]
            yield Asked(trial.raw) if kind == "ask" else Told(number, self._lesson(trial))

    def _lesson(self, trial: Trial) -> float | None:
        # What a sampler learns: a stopped trial has shown what it is worth.
        return None if trial.status == FAILED else trial.value

    def _threshold(self) -> float | None:
        stopper = self.rules.stopper
        if stopper is None:
            return None
        return stopper.threshold(trial.firsts() for trial in self.trials if trial.status == SUCCEEDED)

    def _most(self, draws: Draws) -> int:
        return self.rules.max_trials if draws.limit is None else min(self.rules.max_trials, draws.limit)

    def _of(self, worker: str, number: int) -> Trial:
        if not 0 <= number < len(self.trials):
            raise Rejected(404, f"there is no trial {number}")
        trial = self.trials[number]
        if trial.worker != worker:
            raise Rejected(409, f"trial {number} belongs to another worker")
        return trial

    def _end(self, trial: Trial, status: str, reason: str, draws: Draws) -> None:
        trial.status, trial.reason = status, reason
        self.events.append(("tell", trial.number))
        try:
            draws.tell(trial.number, self._lesson(trial))
        finally:
            self.over = self.over or self._verdict(draws)

    def _verdict(self, draws: Draws) -> str:
        best, limit = self.best, self.rules.max_failed
        if best and best.value is not None and self.rules.reached(best.value):
            return "goal"
        if limit is not None and self.failures > limit:
            return f"failed: {self.failures} trials failed, {limit} may fail"
        if len(self.trials) < self._most(draws) or self.running():
            return ""
        if best is None:
            return "failed: no trial succeeded"
        return draws.end if draws.limit is not None and len(self.trials) >= draws.limit else "trials"
