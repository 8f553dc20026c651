"""The order of a run as a pure state machine: who may start, who never will, and why. No I/O, standard library only.

`mlwright run` drives it with subprocesses, `conduct.py` with objects of a cluster. It imports nothing of ours, so that
both can import it: the one as a module of mlwright, the other as a sibling.
"""

from __future__ import annotations

from typing import Callable, Dict, FrozenSet, Iterable, Literal, Mapping, NamedTuple, Optional, Protocol, Set, Tuple

RunIf = Literal["succeeded", "failed", "always"]
Outcome = Literal["finished", "cached", "skipped", "stopped", "failed", "killed"]
"""How a started job ended. `stopped` is a gate that ends its branch without failing the run."""
State = Literal["waiting", "running", "finished", "cached", "skipped", "stopped", "failed", "killed", "blocked"]
"""`blocked`: never started, because what it needs failed or because the run was cancelled."""

GOOD: FrozenSet[State] = frozenset({"finished", "cached"})
IDLE: FrozenSet[State] = frozenset({"skipped", "stopped"})
BAD: FrozenSet[State] = frozenset({"failed", "killed", "blocked"})


class Edge(NamedTuple):
    """`job` must have ended before; where it was skipped or stopped, so is its consumer, unless `optional`."""

    job: str
    optional: bool = False


class Job(NamedTuple):
    """One node of the graph. With `run_if` failed or always and no `needs` it waits for the whole rest of the run."""

    id: str
    needs: Tuple[Edge, ...] = ()
    run_if: RunIf = "succeeded"


class Ended(NamedTuple):
    """The end of a started job, told by the executor."""

    job: str
    outcome: Outcome
    reason: str = ""


class Executor(Protocol):
    """Makes jobs happen. `start` returns at once; `wait` blocks until something ended or a moment has passed."""

    def start(self, job: str) -> None:
        """Starts a job, whose end `wait` will tell."""

    def wait(self) -> Tuple[Ended, ...]:
        """What has ended since."""
        ...


class Schedule:
    """States of all jobs. `limit` is the greatest number that run at the same time, 0 for no limit.

    Raises ValueError for an unknown need, a repeated id or a cycle.
    """

    __slots__ = ("_jobs", "_limit", "_reasons", "_rest", "_states", "cancelled")

    def __init__(self, jobs: Iterable[Job], limit: int = 0) -> None:
        listed = tuple(jobs)
        self._jobs = {job.id: job for job in listed}
        if len(self._jobs) != len(listed):
            raise ValueError("two jobs have the same id")
        _ordered(self._jobs)
        self._limit = limit
        self._states: Dict[str, State] = dict.fromkeys(self._jobs, "waiting")
        self._reasons: Dict[str, str] = {}
        self._rest = _rest(self._jobs)
        self.cancelled = False

    @property
    def states(self) -> Mapping[str, State]:
        return dict(self._states)

    @property
    def running(self) -> Tuple[str, ...]:
        return tuple(job for job, state in self._states.items() if state == "running")

    @property
    def done(self) -> bool:
        """True when nothing runs and nothing will."""
        return all(state not in ("waiting", "running") for state in self._states.values())

    @property
    def failed(self) -> bool:
        return any(state in BAD for state in self._states.values())

    def reason(self, job: str) -> str:
        """Why `job` is where it is; empty where there is nothing to say."""
        return self._reasons.get(job, "")

    def settle(self) -> Tuple[str, ...]:
        """Decide all that can be decided, and return the jobs to start now, in order: they count as running."""
        while self._decide():
            pass
        if self.cancelled:
            return ()
        room = self._limit - len(self.running) if self._limit else len(self._jobs)
        starting = tuple(job for job, state in self._states.items() if state == "waiting" and self._ready(job))
        starting = starting[: max(room, 0)]
        for job in starting:
            self._states[job] = "running"
        return starting

    def end(self, job: str, outcome: Outcome, reason: str = "") -> None:
        """Record the end of a running job. Raises ValueError when it does not run."""
        if self._states.get(job) != "running":
            raise ValueError(f"{job} is not running")
        self._set(job, outcome, reason)

    def cancel(self, reason: str) -> None:
        """Start nothing any more: what waits is blocked; what runs is still to be ended by the executor."""
        self.cancelled = True
        for job, state in self._states.items():
            if state == "waiting":
                self._set(job, "blocked", reason)

    def _set(self, job: str, state: State, reason: str) -> None:
        self._states[job] = state
        if reason:
            self._reasons[job] = reason

    def _before(self, job: Job) -> Tuple[Edge, ...]:
        if job.needs or job.run_if == "succeeded":
            return job.needs
        return tuple(Edge(job=other, optional=True) for other in self._rest)

    def _ended(self, job: Job) -> bool:
        return all(self._states[edge.job] not in ("waiting", "running") for edge in self._before(job))

    def _ready(self, job: str) -> bool:
        return self._ended(self._jobs[job]) and self._verdict(self._jobs[job]) is None

    def _decide(self) -> bool:
        """One sweep over the waiting jobs; True when a job was skipped or blocked, so others may be decidable now."""
        changed = False
        for job in self._jobs.values():
            if self._states[job.id] != "waiting" or not self._ended(job):
                continue
            verdict = self._verdict(job)
            if verdict is not None:
                self._set(job.id, *verdict)
                changed = True
        return changed

    def _verdict(self, job: Job) -> Optional[Tuple[State, str]]:
        """What becomes of a job all of whose needs have ended: None to run it."""
        edges = self._before(job)
        bad = [edge.job for edge in edges if self._states[edge.job] in BAD]
        if job.run_if == "always":
            return None
        if job.run_if == "failed":
            return None if bad else ("skipped", "nothing failed")
        if bad:
            return "blocked", f"{bad[0]} {self._states[bad[0]]}" if self._states[bad[0]] != "blocked" else (
                f"{bad[0]} did not run"
            )
        idle = [edge.job for edge in edges if self._states[edge.job] in IDLE and not edge.optional]
        if not idle:
            return None
        how = "was skipped" if self._states[idle[0]] == "skipped" else "stopped the run here"
        return "skipped", f"{idle[0]} {how}"


def drive(schedule: Schedule, executor: Executor, observe: Callable[[Schedule], None]) -> None:
    """Run `schedule` to its end on `executor`; `observe` sees it after every change. Errors of either pass through."""
    while True:
        starting = schedule.settle()
        for job in starting:
            executor.start(job)
        observe(schedule)
        if schedule.done:
            return
        for ended in executor.wait():
            schedule.end(ended.job, ended.outcome, ended.reason)
            observe(schedule)


def _ordered(jobs: Mapping[str, Job]) -> Tuple[str, ...]:
    """Ids, needs first. Raises ValueError for an unknown need or a cycle."""
    order: Dict[str, None] = {}
    open_: Set[str] = set()
    for root in jobs:
        stack = [(root, False)]
        while stack:
            job, leaving = stack.pop()
            if leaving:
                open_.discard(job)
                order[job] = None
                continue
            if job in order:
                continue
            if job in open_:
                raise ValueError(f"{job} needs itself")
            open_.add(job)
            stack.append((job, True))
            for edge in jobs[job].needs:
                if edge.job not in jobs:
                    raise ValueError(f"{job} needs {edge.job}, which is not there")
                if edge.job in open_:
                    raise ValueError(f"{edge.job} needs itself")
                stack.append((edge.job, False))
    return tuple(order)


def _rest(jobs: Mapping[str, Job]) -> Tuple[str, ...]:
    """What closing jobs (`run_if` failed or always, no needs) wait for: all that does not come after one of them."""
    after = {job.id for job in jobs.values() if job.run_if != "succeeded" and not job.needs}
    for job in _ordered(jobs):
        if any(edge.job in after for edge in jobs[job].needs):
            after.add(job)
    return tuple(job for job in jobs if job not in after)
