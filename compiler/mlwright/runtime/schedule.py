#!/usr/bin/env python3
"""Starts a program of a pipeline again and again: `python3 -S schedule.py SCHEDULE.json PROGRAM.py DOCUMENT.json`.

One service opens runs by the clock; all others follow the runs that are open, each with its own program, so that only
one clock counts and a service that was started anew finds the run that is under way. What Compose's `depends_on` does
for a run that is started by hand (a program starts when all before it have succeeded) is done here by tags.
With `once` as a fourth word: one run, that of MLWRIGHT_RUN; waits its turn, then becomes the program.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone

from clock import Clock, stamp
from program import read_document
from tracking import Tracking, now
from values import BAD_INPUT, Killed, StepError, environment, raw, say, seconds
from waiting import Patience, blocked, started

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Sequence, Set

    from tracking import Run

    Doc = Dict[str, Any]

LATE = 60.0
"""Seconds after a tick in which it still counts: one that passed while nobody looked is not made up."""
POLL, CHUNK = 15.0, 30.0  # seconds between two looks for open runs, and of one sleep: a laptop may be suspended
GRACE = 35.0
GOOD = ("succeeded", "skipped", "stopped")


class Schedule:
    """One service of a scheduled pipeline, from its start to SIGTERM."""

    def __init__(self, doc: Doc, words: Sequence[str], env: Dict[str, str]) -> None:
        self.doc, self.words, self.env = doc, list(words), env
        self.pipeline = str(doc["pipeline"])
        self.tracking = Tracking(doc, dict(env, MLWRIGHT_RUN="schedule"))
        self.children: Dict[str, subprocess.Popen[bytes]] = {}
        self.handled: Set[str] = set()
        self.poll = seconds(env, "MLWRIGHT_POLL", POLL)
        self.missing: Set[str] = set()
        self.closes = words[1] == "root.py"

    def open(self) -> None:
        """Opens a run at each tick, for ever."""
        clock = Clock(str(self.doc["cron"]), str(self.doc.get("timezone") or "UTC"))
        while True:
            tick = clock.after(datetime.now(timezone.utc))
            say("%s: next at %s" % (self.pipeline, tick.isoformat()))
            if self._sleep_until(tick):
                with _reported():
                    self.tick("%s-%s" % (self.pipeline, stamp(tick)))
            else:
                say("%s: nobody looked at %s: it is not made up" % (self.pipeline, tick.isoformat()))

    def follow(self) -> None:
        """Starts the program for every run that is open, for ever."""
        while True:
            with _reported():
                self._look()
            time.sleep(self.poll)

    def stop(self) -> None:
        """Ends what runs, with the time that it needs to say so."""
        for child in self.children.values():
            _end(child)

    def _sleep_until(self, tick: datetime) -> bool:
        """False where the tick has long passed when we look."""
        while True:
            left = (tick - datetime.now(timezone.utc)) / timedelta(seconds=1)
            if left <= 0:
                return left > -LATE
            time.sleep(min(left, CHUNK))

    def tick(self, run: str) -> None:
        """Opens the run, or says why not."""
        concurrency = str(self.doc.get("concurrency") or "forbid")
        before = self.runs()
        if before and concurrency == "forbid":
            say("%s: not started, because %s has not ended" % (run, before[0].tags["mlwright.run"]))
            return
        for root in before if concurrency == "replace" else ():
            say("%s: replaced by %s" % (root.tags["mlwright.run"], run))
            said = {"mlwright.outcome": "failed", "mlwright.reason": "replaced by " + run}
            self.tracking.log(root.id, said)
            body = {"run_id": root.id, "status": "KILLED", "end_time": now()}
            self.tracking.server.call("POST", "runs/update", body)
        self._start(run).wait()

    def _look(self) -> None:
        there = {root.tags["mlwright.run"] for root in self.runs()}
        for run in sorted(there - self.handled):
            self.handled.add(run)
            self.children[run] = self._start(run)
        gone = self.missing - there
        self.missing = set(self.children) - there
        for run, child in list(self.children.items()):
            code = child.poll()
            if code is None and run in gone:  # seen twice: the program that closes a run ends by itself at once
                say("%s: ended from outside" % run)
                _end(child)
                code = child.wait()
            if code is not None:
                say("%s: exit code %d" % (run, code))
                del self.children[run]
                if self.closes and run not in gone:
                    self.handled.discard(run)  # a run that could not be closed is to be closed at the next look

    def runs(self) -> List[Run]:
        """The runs of this schedule that have been opened and not closed, the newest first."""
        kind = "tags.`mlwright.kind` = 'root' and attributes.status = 'RUNNING'"
        found = self.tracking.where("%s and tags.`mlwright.run` LIKE '%s-%%'" % (kind, self.pipeline))
        ours = re.compile(re.escape(self.pipeline) + r"-\d{8}T\d{6}Z\Z")
        return [r for r in found if ours.match(r.tags.get("mlwright.run", "")) and r.tags.get("mlwright.started")]

    def _start(self, run: str) -> subprocess.Popen[bytes]:
        say("%s: starts" % run)
        flags = ["-S"] if sys.flags.no_site else []
        command = [sys.executable, *flags, os.path.abspath(__file__), *self.words, "once"]
        env = {raw(k): raw(v) for k, v in dict(self.env, MLWRIGHT_RUN=run).items()}
        return subprocess.Popen(command, env=env, start_new_session=True)


def once(doc: Doc, words: Sequence[str], env: Dict[str, str]) -> int:
    """Waits until everything before has succeeded, then becomes the program; returns 0 where that never comes."""
    tracking = Tracking(doc, env)
    if not doc.get("needs") or _our_turn(doc, tracking, env):
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.path.basename(words[1]))
        flags = ["-S"] if sys.flags.no_site else []
        command = [sys.executable, *flags, program, words[2]]
        os.execve(sys.executable, command, {raw(k): raw(v) for k, v in env.items()})
    say("%s: not started, because a step before it did not succeed" % tracking.run)
    return 0


def _our_turn(doc: Doc, tracking: Tracking, env: Dict[str, str]) -> bool:
    """True once all before have succeeded; False once the program that closes the run has given this step up: one judge
    is enough, and a step that failed may be under way again."""
    since = started(tracking)
    needs = doc["needs"]
    patience = Patience(env, ", ".join(str(need["step"]) for need in needs))
    while True:
        states = [tracking.state(str(need["step"]), since, int(need.get("items") or 0)) for need in needs]
        if all(state in GOOD for state in states):
            return True
        if str(doc["step"]) in blocked(tracking, since):
            return False
        patience.pause()


def _end(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
    try:
        child.wait(GRACE)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)


@contextlib.contextmanager
def _reported() -> Any:
    """A server that is away, or a disk that is full, is said, and tried again at the next look."""
    try:
        yield
    except (StepError, OSError) as problem:
        say(str(problem))


def _killed(number: int, frame: object) -> None:
    raise Killed(number)


def main(argv: Sequence[str]) -> int:
    """The command line."""
    env = environment()
    try:
        if len(argv) not in (4, 5) or argv[4:] not in ([], ["once"]):
            raise StepError(BAD_INPUT, "usage: schedule.py SCHEDULE.json PROGRAM.py DOCUMENT.json [once]")
        doc = read_document(argv[1], ("schedule",))
        if argv[4:]:
            return once(doc, argv[1:4], env)
        signal.signal(signal.SIGTERM, _killed)
        signal.signal(signal.SIGINT, _killed)
        service = Schedule(doc, argv[1:4], env)
        try:
            return _for_ever(service.open if doc.get("cron") else service.follow)
        except Killed as killed:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            service.stop()
            return 128 + killed.signum
    except StepError as problem:
        say(str(problem))
        return problem.code


def _for_ever(work: Any) -> int:
    work()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
