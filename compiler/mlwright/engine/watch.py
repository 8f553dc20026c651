"""A pipeline run on the engine, from `up` to the end of its last step: started, watched, pushed on where stuck."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mlwright.engine import states
from mlwright.engine.compose import Compose, Container, EngineError
from mlwright.engine.facts import NOTHING, Facts
from mlwright.engine.stack import Service
from mlwright.engine.states import Seen
from mlwright.runner.board import Board
from mlwright.runner.folder import tail
from mlwright.runtime.order import State

IMAGES = "images"
"""The row of what is pulled and built before any container is there."""
LOOK, QUIET, ASK, PATIENCE = 1.0, 3.0, 3.0, 10
"""Seconds between two looks at the containers (while nothing happens, `QUIET`) and two at the tracking server; looks
that may fail one after another."""
SILENCE = 240.0
"""Seconds after which a closing service that is alone waits in vain: a container failed before it told the server,
and any launcher that is gone has been noticed by then."""
Verdict = Literal["succeeded", "failed", "timed out", "was not started"]
_BUILDING = re.compile(r"^(?:#\d+ \[|Step \d+/|\s*Image \S+ (?:Pull|Build))")


@dataclass(kw_only=True)
class Watch:
    """What is seen of the run. `ask` asks the tracking server; `log` has what Compose itself says. `endpoints` are
    started once the pipeline has succeeded, so that those of an earlier run serve until then."""

    compose: Compose
    services: Sequence[Service]
    endpoints: Sequence[Service] = ()
    board: Board
    ask: Callable[[Sequence[Container]], Facts]
    log: Path
    seen: dict[str, Seen] = field(default_factory=dict)
    facts: Facts = NOTHING
    containers: Sequence[Container] = ()
    process: subprocess.Popen[bytes] | None = None
    began: float = field(default_factory=time.time)
    serving: bool = False
    _driven: bool = False
    _asked: float = 0.0
    _moved: float = field(default_factory=time.monotonic)
    _pushed: set[str] = field(default_factory=set)
    _failures: int = 0

    def follow(self, timeout: float) -> Verdict:
        """Look on until the run has ended, and its endpoints answer or never will. Raises EngineError."""
        deadline = time.monotonic() + timeout if timeout else float("inf")
        while True:
            self.look()
            verdict = self._verdict()
            if verdict is not None:
                self.refresh(now=True)
                return verdict
            if time.monotonic() > deadline:
                return "timed out"
            self._push()
            time.sleep(LOOK if time.monotonic() < self._moved + 10 else QUIET)

    def look(self) -> None:
        """Take over what the containers do now. Raises EngineError when the engine has been away for several looks."""
        # Asked before the containers: whatever Compose started itself is seen below.
        self._driven = self.process is None or self.process.poll() is not None
        try:
            self.containers = self.compose.containers()
            self._failures = 0
        except EngineError:
            self._failures += 1
            if self._failures >= PATIENCE:
                raise
            return
        self._images()
        before = dict(self.seen)
        known = (*self.services, *(self.endpoints if self.serving else ()))
        for node, services in states.nodes(known).items():
            self.seen[node] = states.seen(services, self.containers)
        if before != self.seen:
            self._moved = time.monotonic()
        ended = (node for node, one in self.seen.items() if one.state in ("finished", "failed"))
        self.refresh(now=any(self.board.row(node).state in ("waiting", "running") for node in ended))
        for node, one in self.seen.items():
            state, detail = self._refined(node, one)
            self.board.move(node, state, detail)
            if state == "running" and detail:
                self.board.say(node, detail)

    def refresh(self, *, now: bool = False) -> None:
        """Ask the tracking server again, where the last answer is old."""
        if now or time.monotonic() > self._asked + ASK:
            self._asked = time.monotonic()
            found = self.ask(self.containers)
            self.facts = found if found is not NOTHING else self.facts

    def exit_code(self, service: str) -> int | None:
        """The exit code of a service that has ended; of several containers the greatest."""
        mine = [item for item in self.containers if item.service == service]
        if not mine or any(item.state != "exited" for item in mine):
            return None
        return max(item.exit_code for item in mine)

    @property
    def refused(self) -> str:
        """What Compose said where it could not start everything."""
        if self.process is None or not self.process.poll():
            return ""
        return "\n".join(tail(self.log, 40))

    @property
    def _mine(self) -> bool:
        """Some container of the pipeline's own is there: those of servers may be from before."""
        names = {item.name for item in self.services if not item.lasting}
        return any(item.service in names for item in self.containers)

    @property
    def _gave_up(self) -> bool:
        """Compose has ended without starting everything."""
        return self._driven and self.process is not None and self.process.returncode != 0

    def _verdict(self) -> Verdict | None:
        closing = self.compose.stack.closing(self.services)
        code = self.exit_code(closing.name) if closing else self._together()
        if code is None and self._gave_up and self._stuck():
            return "was not started"
        if code is None:
            return "failed" if closing is not None and self._alone(closing) else None
        if code:
            return "failed"
        if self.endpoints and not self.serving:
            self.serving = True
            names = [item.name for item in self.endpoints]
            self.process, self._driven = self.compose.start(names, self.log, "--no-deps"), False
            return None
        lasting = [self.seen.get(item.node, Seen(state="waiting")) for item in self.endpoints]
        if any(one.state in ("waiting", "running") for one in lasting):
            return "failed" if self._driven and self._stuck() else None
        return "failed" if any(one.state == "failed" for one in lasting) else "succeeded"

    def _together(self) -> int | None:
        """The exit code of a pipeline that has no closing service."""
        codes = [self.exit_code(item.name) for item in self.services if not item.lasting]
        known = [code for code in codes if code is not None]
        return max(known, default=0) if len(known) == len(codes) else None

    def _stuck(self) -> bool:
        """Nothing runs that ends by itself, nothing comes up, and nothing can be started."""
        names = {item.name: item for item in (*self.services, *self.endpoints)}
        moving = [
            item
            for item in self.containers
            if item.service in names
            and item.state in ("running", "restarting")
            and (not names[item.service].lasting or item.health == "starting")
        ]
        return not moving and not self._ready()

    def _alone(self, closing: Service) -> bool:
        """A step has failed, and nothing but the closing service has moved for long."""
        others = {item.name for item in self.services if not item.lasting} - {closing.name}
        running = any(item.service in others and item.state == "running" for item in self.containers)
        failed = any(one.state == "failed" for one in self.seen.values())
        return failed and not running and time.monotonic() > self._moved + SILENCE

    def _ready(self) -> list[str]:
        """Steps whose turn it is and that nobody has started."""
        return [n for n in states.ready(self.compose.stack, self.services, self.containers) if n not in self._pushed]

    def _push(self) -> None:
        """Start what could be started and has not been: some versions of Compose give up on everything once a step
        has failed, and independent steps, or those that wait for failures, are still to come."""
        if self._gave_up and self.containers and (names := self._ready()):
            self._pushed.update(names)
            self.compose.start(names, self.log, "--no-deps", "--no-recreate").wait()

    def _images(self) -> None:
        """What is pulled and built, as long as there is no container yet."""
        row = self.board.row(IMAGES)
        if row.state == "running" and (self._mine or self._gave_up):
            self.board.move(IMAGES, "finished" if self._mine else "failed", "ready" if self._mine else "")
        elif row.state in ("waiting", "running") and not self._mine:
            steps = [line.strip() for line in tail(self.log, 50) if _BUILDING.match(line)]
            if steps:
                self.board.move(IMAGES, "running", steps[-1])
                self.board.say(IMAGES, steps[-1])

    def _refined(self, node: str, one: Seen) -> tuple[State, str]:
        result, trials = self.facts.results.get(node), self.facts.trials.get(node, "")
        if one.state == "finished" and result is not None and result.outcome in ("skipped", "stopped", "cached"):
            return result.outcome, trials or result.reason or one.detail
        if one.state == "failed" and result is not None and result.outcome == "failed" and result.reason:
            return "failed", result.reason
        return one.state, trials or one.detail

    def blame(self, node: str) -> str:
        """Why a node never started: the nearest one before it that failed; empty where none did."""
        stack, waiting, known = self.compose.stack.services, [node], {node}
        while waiting:
            here = waiting.pop(0)
            before = {stack[name].node for s in stack.values() if s.node == here for name in s.needs if name in stack}
            for other in sorted(before - known):
                if other in self.seen and self.seen[other].state == "failed":
                    return other
                known.add(other)
                waiting.append(other)
        return ""
