"""The scheduler's laws, on hand-made graphs and on random ones, with an executor that only pretends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlwright.runtime.order import Edge, Ended, Job, Outcome, RunIf, Schedule, drive

OUTCOMES: tuple[Outcome, ...] = ("finished", "cached", "skipped", "stopped", "failed", "killed")


class Pretend:
    """Ends jobs in the order they started, `batch` at a time, with the outcome asked for (default: finished)."""

    def __init__(self, outcomes: dict[str, Outcome] | None = None, batch: int = 1) -> None:
        self.outcomes = outcomes or {}
        self.batch = batch
        self.running: list[str] = []
        self.started: list[str] = []
        self.most = 0

    def start(self, job: str) -> None:
        self.started.append(job)
        self.running.append(job)
        self.most = max(self.most, len(self.running))

    def wait(self) -> tuple[Ended, ...]:
        ending, self.running = self.running[: self.batch], self.running[self.batch :]
        return tuple(Ended(job=job, outcome=self.outcomes.get(job, "finished")) for job in ending)


def job(name: str, *needs: str, run_if: RunIf = "succeeded") -> Job:
    """`a?` is an optional need."""
    edges = tuple(Edge(job=need.rstrip("?"), optional=need.endswith("?")) for need in needs)
    return Job(id=name, needs=edges, run_if=run_if)


def run(*jobs: Job, limit: int = 0, **outcomes: Outcome) -> tuple[Schedule, Pretend]:
    schedule, executor = Schedule(jobs, limit), Pretend(outcomes)
    drive(schedule, executor, lambda _: None)
    return schedule, executor


def test_a_job_starts_only_after_all_it_needs() -> None:
    _, executor = run(job("c", "b", "a"), job("b", "a"), job("a"))
    assert executor.started == ["a", "b", "c"]


def test_independent_jobs_run_at_the_same_time() -> None:
    _, executor = run(job("a"), job("b"), job("c", "a", "b"))
    assert executor.most == 2


def test_the_limit_holds() -> None:
    _, executor = run(*(job(f"j{n}") for n in range(9)), limit=2)
    assert executor.most == 2
    assert len(executor.started) == 9


def test_after_a_failure_dependents_are_blocked_and_say_why_but_other_branches_go_on() -> None:
    schedule, executor = run(job("a"), job("b", "a"), job("c", "b"), job("other"), job("more", "other"), a="failed")
    assert schedule.states == {"a": "failed", "b": "blocked", "c": "blocked", "other": "finished", "more": "finished"}
    assert schedule.reason("b") == "a failed"
    assert schedule.reason("c") == "b did not run"
    assert schedule.failed
    assert "b" not in executor.started


def test_consumers_of_a_skipped_job_are_skipped_and_the_run_succeeds() -> None:
    schedule, _ = run(job("a"), job("b", "a"), job("c", "b"), a="skipped")
    assert schedule.states == {"a": "skipped", "b": "skipped", "c": "skipped"}
    assert schedule.reason("b") == "a was skipped"
    assert not schedule.failed


def test_an_optional_need_may_be_skipped() -> None:
    schedule, _ = run(job("a"), job("b", "a?"), a="skipped")
    assert schedule.states["b"] == "finished"


def test_an_optional_need_that_failed_still_blocks() -> None:
    schedule, _ = run(job("a"), job("b", "a?"), a="failed")
    assert schedule.states["b"] == "blocked"


def test_a_gate_that_stops_skips_what_follows_without_failing() -> None:
    schedule, _ = run(job("gate"), job("registry", "gate"), gate="stopped")
    assert schedule.states["registry"] == "skipped"
    assert schedule.reason("registry") == "gate stopped the run here"
    assert not schedule.failed


@pytest.mark.parametrize(
    ("outcome", "state"), [("finished", "skipped"), ("failed", "finished"), ("skipped", "skipped")]
)
def test_run_if_failed_without_needs_waits_for_the_whole_run(outcome: Outcome, state: str) -> None:
    schedule, executor = run(job("notify", run_if="failed"), job("a"), job("b", "a"), b=outcome)
    assert schedule.states["notify"] == state
    assert executor.started[:2] == ["a", "b"]


def test_run_if_failed_sees_a_failure_further_up() -> None:
    schedule, _ = run(job("a"), job("b", "a"), job("mend", "b", run_if="failed"), a="failed")
    assert schedule.states["mend"] == "finished"
    assert schedule.failed


def test_run_if_failed_with_needs_does_not_look_at_other_branches() -> None:
    schedule, _ = run(job("a"), job("b"), job("mend", "b", run_if="failed"), a="failed")
    assert schedule.states["mend"] == "skipped"


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_run_if_always_runs_whatever_happened(outcome: Outcome) -> None:
    schedule, executor = run(job("a"), job("tidy", "a", run_if="always"), job("last", run_if="always"), a=outcome)
    assert schedule.states["tidy"] == "finished"
    assert executor.started == ["a", "tidy", "last"]


def test_what_follows_a_closing_job_does_not_wait_for_itself() -> None:
    _, executor = run(job("report", run_if="always"), job("mail", "report"), job("a"))
    assert executor.started == ["a", "report", "mail"]


def test_cancel_starts_nothing_more_and_leaves_running_jobs_to_the_executor() -> None:
    schedule = Schedule([job("a"), job("b", "a"), job("notify", run_if="failed")])
    assert schedule.settle() == ("a",)
    schedule.cancel("interrupted")
    assert schedule.settle() == ()
    assert not schedule.done
    schedule.end("a", "killed")
    assert schedule.settle() == ()
    assert schedule.states == {"a": "killed", "b": "blocked", "notify": "blocked"}
    assert schedule.reason("b") == "interrupted"
    assert schedule.done


@pytest.mark.parametrize(
    ("jobs", "message"),
    [
        ([job("a", "ghost")], "a needs ghost, which is not there"),
        ([job("a", "a")], "a needs itself"),
        ([job("a", "b"), job("b", "c"), job("c", "a")], "needs itself"),
        ([job("a"), job("a")], "same id"),
    ],
)
def test_a_broken_graph_is_refused(jobs: list[Job], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Schedule(jobs)


@pytest.mark.parametrize("when", ["before it started", "twice"])
def test_only_a_running_job_can_end(when: str) -> None:
    schedule = Schedule([job("a")])
    if when == "twice":
        schedule.settle()
        schedule.end("a", "finished")
    with pytest.raises(ValueError, match="a is not running"):
        schedule.end("a", "finished")


def test_a_chain_of_ten_thousand_is_no_deeper_than_the_stack() -> None:
    jobs = [job("j0"), *(job(f"j{n}", f"j{n - 1}") for n in range(1, 10_000))]
    Schedule(reversed(jobs))


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Job], dict[str, Outcome]]:
    size = draw(st.integers(1, 9))
    jobs = []
    for n in range(size):
        needs = draw(st.lists(st.integers(0, n - 1), unique=True, max_size=3)) if n else []
        edges = tuple(Edge(job=f"j{m}", optional=draw(st.booleans())) for m in needs)
        jobs.append(Job(id=f"j{n}", needs=edges, run_if=draw(st.sampled_from(["succeeded", "failed", "always"]))))
    outcomes: dict[str, Outcome] = {f"j{n}": draw(st.sampled_from(OUTCOMES)) for n in range(size)}
    return draw(st.permutations(jobs)), outcomes


@given(graphs(), st.integers(0, 3), st.integers(1, 3))
def test_every_graph_ends_with_needs_before_consumers(
    graph: tuple[list[Job], dict[str, Outcome]], limit: int, batch: int
) -> None:
    jobs, outcomes = graph
    schedule, executor = Schedule(jobs, limit), Pretend(outcomes, batch)
    drive(schedule, executor, lambda _: None)
    assert schedule.done
    assert limit == 0 or executor.most <= limit
    assert len(set(executor.started)) == len(executor.started)
    place = {name: n for n, name in enumerate(executor.started)}
    for item in jobs:
        state = schedule.states[item.id]
        started = item.id in place
        assert state == (outcomes[item.id] if started else state)
        assert started or state in ("skipped", "blocked")
        assert all(place[edge.job] < place[item.id] for edge in item.needs if started and edge.job in place)
        if item.run_if == "succeeded" and started:
            assert all(schedule.states[edge.job] not in ("failed", "killed", "blocked") for edge in item.needs)
        if item.run_if == "always":
            assert started


@given(graphs())
def test_nothing_is_blocked_unless_something_failed(graph: tuple[list[Job], dict[str, Outcome]]) -> None:
    jobs, _ = graph
    schedule, executor = Schedule(jobs), Pretend()
    drive(schedule, executor, lambda _: None)
    assert not schedule.failed
    assert all(schedule.states[item.id] == "finished" for item in jobs if item.id in executor.started)
