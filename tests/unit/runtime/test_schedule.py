"""Pipelines that start by themselves: the clock, and the services that follow it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import clock
import pytest
import schedule
from values import StepError

from mlwright.spec.scalars.cron import Cron

RUNTIME = Path(schedule.__file__).parent
FAR = "0 0 1 1 *"
"""A schedule that does not strike while a test runs."""


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "zone", "now", "then"),
    [
        ("* * * * *", "UTC", "2026-11-26T10:59:59", "2026-11-26T11:00"),
        ("* * * * *", "UTC", "2026-11-26T11:00:00", "2026-11-26T11:01"),
        ("0 3 * * 1", "UTC", "2026-11-26T11:00", "2026-11-30T03:00"),
        ("0 3 * * MON", "Europe/Berlin", "2026-11-26T11:00", "2026-11-30T02:00"),
        ("0 3 * * 0", "UTC", "2026-11-26T11:00", "2026-11-29T03:00"),
        ("*/20 8-10 * * *", "UTC", "2026-11-26T10:41", "2026-11-27T08:00"),
        ("5/15 * * * *", "UTC", "2026-11-26T10:06", "2026-11-26T10:20"),
        ("0 0 29 2 *", "UTC", "2026-11-26T11:00", "2028-02-29T00:00"),
        ("0 0 31 JAN-MAR *", "UTC", "2026-02-01T00:00", "2026-03-31T00:00"),
        ("0 0 13 * 5", "UTC", "2026-11-26T11:00", "2026-11-27T00:00"),  # both said: either
        ("0 0 13 * *", "UTC", "2026-11-26T11:00", "2026-12-13T00:00"),
        ("0 0 */2 * 5", "UTC", "2026-11-26T11:00", "2026-11-27T00:00"),  # a star with a step: both
        ("30 0 * * *", "Asia/Kolkata", "2026-11-26T11:00", "2026-11-26T19:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", "2026-03-30T00:30"),  # 02:30 does not exist on the 29th
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", "2026-10-25T00:30"),  # it comes twice: the first
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30", "2026-10-26T01:30"),
        ("30 * * * *", "Europe/Berlin", "2026-10-25T00:30", "2026-10-25T01:30"),  # every hour: both
    ],
)
def test_the_next_time(cron: str, zone: str, now: str, then: str) -> None:
    assert clock.Clock(cron, zone).after(moment(now)) == moment(then)


@pytest.mark.parametrize("cron", ["0 3 * * 1", "*/7 1-5,22 */3 JAN,6 mon-fri", "59 23 31 12 6", "1-9/4 * * * 0"])
def test_the_fields_mean_what_the_compiler_checked(cron: str) -> None:
    compiled = Cron.parse(cron)
    assert tuple(tuple(sorted(field)) for field in clock.Clock(cron, "UTC").fields) == compiled.values


@pytest.mark.parametrize(
    ("cron", "zone", "why"),
    [
        ("* * * *", "UTC", "five fields"),
        ("60 * * * *", "UTC", "'60' is not part of a schedule"),
        ("x * * * *", "UTC", "'X' is not part of a schedule"),
        ("*/0 * * * *", "UTC", "not part of a schedule"),
        ("5-1 * * * *", "UTC", "not part of a schedule"),
        ("* * * * *", "Mars/Olympus", "does not know the time zone Mars/Olympus: install tzdata"),
        ("* * * * *", "../etc/passwd", "does not know the time zone"),
    ],
)
def test_what_is_not_understood_is_said(cron: str, zone: str, why: str) -> None:
    with pytest.raises(StepError, match=why.replace("(", r"\(")) as refused:
        clock.Clock(cron, zone)
    assert refused.value.code == 64


def test_a_time_that_never_comes_is_said() -> None:
    with pytest.raises(StepError, match="never strikes"):
        clock.Clock("0 0 30 2 *", "UTC").after(moment("2026-11-26T11:00"))


class Nightly:
    """The services of a scheduled pipeline as processes; runs are opened by hand, by the program that opens them."""

    def __init__(self, pipeline: Any) -> None:
        self.pipeline = pipeline
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.logs: dict[str, Path] = {}

    def words(self, name: str, program: str, document: dict[str, Any], **schedule: Any) -> list[str]:
        own = {
            "version": 1,
            "kind": "schedule",
            "experiment": self.pipeline.experiment,
            "pipeline": "nightly",
            "step": f"steps.{name}",
            "needs": [],
            **schedule,
        }
        return [str(self.pipeline.write(own)), program, str(self.pipeline.write(document))]

    def service(self, name: str, program: str, document: dict[str, Any], **schedule: Any) -> None:
        """Start one service, in the place of one of that name."""
        if name in self.processes:
            self.processes[name].kill()
            self.processes[name].wait()
        words = self.words(name, program, document, **schedule)
        self.logs[name] = self.pipeline.folder / f"{name}.log"
        env = self.pipeline.env(MLWRIGHT_POLL="0.2", MLWRIGHT_BEAT="20")
        del env["MLWRIGHT_RUN"]
        with self.logs[name].open("ab") as log:
            command = [sys.executable, "-S", str(RUNTIME / "schedule.py"), *words]
            self.processes[name] = subprocess.Popen(command, env=env, stdout=log, stderr=log)

    def steps(self, first: str = "pass", **more: Any) -> None:
        """`one`, then `two`, and the service that closes runs."""
        one = self.pipeline.document("one", program=first)
        two = self.pipeline.document("two", program="pass", needs=[{"step": "steps.one"}])
        self.service("one", "step.py", one, **more)
        self.service("two", "step.py", two, needs=[{"step": "steps.one", "items": 0}])
        nodes = [{"step": "steps.one", "needs": []}, {"step": "steps.two", "needs": ["steps.one"]}]
        root = {"version": 1, "project": "churn", "experiment": self.pipeline.experiment, "step": "pipelines.nightly"}
        self.service("finish", "root.py", {**root, "kind": "finish", "nodes": nodes})

    def opener(self, concurrency: str = "forbid") -> schedule.Schedule:
        """What opens runs, in this process."""
        root = {"version": 1, "project": "churn", "experiment": self.pipeline.experiment, "step": "pipelines.nightly"}
        words = self.words("start", "root.py", {**root, "kind": "start"}, cron=FAR, concurrency=concurrency)
        return schedule.Schedule(json.loads(Path(words[0]).read_text()), words, self.pipeline.env())

    def roots(self) -> dict[str, str]:
        """Status by the name of the run."""
        return {run["tags"]["mlwright.run"]: run["status"] for run in self.pipeline.runs(kind="root")}

    def opened(self) -> bool:
        """Whether there is a run, and an experiment for it."""
        try:
            return bool(self.roots())
        except OSError:
            return False

    def until(self, what: Callable[[], bool]) -> None:
        """Wait for something to become true."""
        end = time.monotonic() + 60
        while not what():
            said = {name: log.read_text() for name, log in self.logs.items()}
            assert time.monotonic() < end, (self.roots(), said)
            time.sleep(0.2)


@pytest.fixture
def nightly(pipeline: Any) -> Iterator[Nightly]:
    """Nothing of it outlives the test."""
    made = Nightly(pipeline)
    yield made
    for process in made.processes.values():
        process.kill()
        process.wait()


@pytest.mark.server
def test_every_run_that_is_opened_is_carried_out_in_order_and_closed(nightly: Nightly) -> None:
    nightly.steps()
    first, second = "nightly-20260101T030000Z", "nightly-20260102T030000Z"
    for run in (first, second):
        nightly.opener().tick(run)
        nightly.until(lambda run=run: nightly.roots().get(run) == "FINISHED")  # type: ignore[misc]
    for run in (first, second):
        (one,) = nightly.pipeline.runs(run=run, step="steps.one")
        (two,) = nightly.pipeline.runs(run=run, step="steps.two")
        assert one["status"] == two["status"] == "FINISHED"
        assert one["start"] < two["start"]
    assert all(process.poll() is None for process in nightly.processes.values())


@pytest.mark.server
def test_a_failed_step_fails_its_run_and_not_the_next(nightly: Nightly) -> None:
    mark = nightly.pipeline.folder / "mended"
    nightly.steps(f"import os, sys; sys.exit(0 if os.path.exists({str(mark)!r}) else 3)")
    nightly.opener().tick("nightly-20260101T030000Z")
    nightly.until(lambda: nightly.roots() == {"nightly-20260101T030000Z": "FAILED"})
    assert nightly.pipeline.runs(step="steps.two") == []
    mark.touch()
    nightly.opener().tick("nightly-20260102T030000Z")
    nightly.until(lambda: nightly.roots().get("nightly-20260102T030000Z") == "FINISHED")


@pytest.mark.server
def test_a_run_is_not_opened_while_the_one_before_goes_on(nightly: Nightly, capsys: pytest.CaptureFixture[str]) -> None:
    opener = nightly.opener()
    opener.tick("nightly-20260101T030000Z")
    opener.tick("nightly-20260102T030000Z")
    assert nightly.roots() == {"nightly-20260101T030000Z": "RUNNING"}
    assert "not started, because nightly-20260101T030000Z has not ended" in capsys.readouterr().err


@pytest.mark.server
def test_a_run_of_another_name_is_not_in_the_way(nightly: Nightly) -> None:
    for name in ("nightly-by-hand", "nightly-20260101T030000Z-3f2a", "other-20260101T030000Z"):
        tags = {"mlwright.kind": "root", "mlwright.run": name, "mlwright.started": "1"}
        nightly.pipeline.make_run(tags, status="RUNNING")
    nightly.opener().tick("nightly-20260102T030000Z")
    assert nightly.roots()["nightly-20260102T030000Z"] == "RUNNING"


@pytest.mark.server
def test_both_run_where_that_is_allowed(nightly: Nightly) -> None:
    opener = nightly.opener("allow")
    opener.tick("nightly-20260101T030000Z")
    opener.tick("nightly-20260102T030000Z")
    assert set(nightly.roots().values()) == {"RUNNING"}
    assert len(nightly.roots()) == 2
    nightly.steps()
    nightly.until(lambda: set(nightly.roots().values()) == {"FINISHED"})


@pytest.mark.server
def test_the_run_before_is_ended_where_it_is_to_be_replaced(nightly: Nightly) -> None:
    nightly.steps(
        "import time; time.sleep(60 if not __import__('os').environ['MLWRIGHT_RUN'].endswith('2T030000Z') else 0)"
    )
    opener = nightly.opener("replace")
    opener.tick("nightly-20260101T030000Z")
    nightly.until(lambda: len(nightly.pipeline.runs(step="steps.one")) == 1)
    opener.tick("nightly-20260102T030000Z")
    nightly.until(
        lambda: nightly.roots() == {"nightly-20260101T030000Z": "KILLED", "nightly-20260102T030000Z": "FINISHED"}
    )
    nightly.until(lambda: nightly.pipeline.runs(step="steps.one")[0]["status"] == "KILLED")
    (old,) = nightly.pipeline.runs(run="nightly-20260101T030000Z", kind="root")
    assert old["tags"]["mlwright.reason"] == "replaced by nightly-20260102T030000Z"


@pytest.mark.server
def test_a_service_that_is_started_anew_joins_the_run_that_is_under_way(nightly: Nightly) -> None:
    mark = str(nightly.pipeline.folder / "crashed")
    crash = f"import os\nif not os.path.exists({mark!r}):\n    open({mark!r}, 'w'); os.kill(os.getppid(), 9)\n"
    nightly.opener().tick("nightly-20260101T030000Z")
    nightly.service("one", "step.py", nightly.pipeline.document("one", program=crash))
    nightly.until(lambda: "exit code -9" in nightly.logs["one"].read_text())
    nightly.processes["one"].kill()
    nightly.steps(crash)
    nightly.until(lambda: nightly.roots() == {"nightly-20260101T030000Z": "FINISHED"})
    assert [run["status"] for run in nightly.pipeline.runs(step="steps.one")] == ["FAILED", "FINISHED"]


@pytest.mark.server
def test_a_service_that_is_stopped_ends_its_step(nightly: Nightly) -> None:
    nightly.opener().tick("nightly-20260101T030000Z")
    nightly.service("one", "step.py", nightly.pipeline.document("one", program="import time; time.sleep(60)"))
    nightly.until(lambda: len(nightly.pipeline.runs(step="steps.one")) == 1)
    nightly.processes["one"].send_signal(signal.SIGTERM)
    assert nightly.processes["one"].wait(60) == 143
    assert nightly.pipeline.only(step="steps.one")["status"] == "KILLED"


@pytest.mark.server
def test_a_closing_service_that_was_away_closes_the_run_afterwards(nightly: Nightly) -> None:
    nightly.opener().tick("nightly-20260101T030000Z")
    nightly.steps()
    nightly.processes.pop("finish").kill()
    nightly.until(lambda: len(nightly.pipeline.runs(step="steps.two")) == 1)
    nightly.steps()
    nightly.until(lambda: nightly.roots() == {"nightly-20260101T030000Z": "FINISHED"})
    assert len(nightly.pipeline.runs(step="steps.one")) == 1


@pytest.mark.server
@pytest.mark.slow
def test_the_clock_opens_a_run_at_the_minute(nightly: Nightly) -> None:
    root = {"version": 1, "project": "churn", "experiment": nightly.pipeline.experiment, "step": "pipelines.nightly"}
    nightly.service("start", "root.py", {**root, "kind": "start"}, cron="* * * * *", timezone="Europe/Berlin")
    began = datetime.now(UTC)
    nightly.until(nightly.opened)
    (run,) = nightly.roots()
    struck = datetime.strptime(run, "nightly-%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert -1 < (struck - began).total_seconds() <= 60
    assert struck.second == 0
