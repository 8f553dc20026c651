"""The local executor: one thread for each node that runs, which starts its programs and waits for them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

from mlwright import ir
from mlwright.emit import stepdoc
from mlwright.runner import tuning, verdict
from mlwright.runner.board import Board
from mlwright.runner.context import Context
from mlwright.runner.plan import Plan, missing_secrets
from mlwright.runner.processes import StoppingError
from mlwright.runner.result import Result
from mlwright.runtime.order import Ended

TICK = 0.2


class ServerDiedError(Exception):
    """Our tracking server ended while steps needed it."""


class LocalExecutor:
    """Runs the nodes of `plan` as subprocesses. `results` holds what ended nodes left behind."""

    def __init__(self, plan: Plan, context: Context, board: Board) -> None:
        self.results: dict[str, Result] = {}
        self._plan = plan
        self._context = context
        self._board = board
        self._ended: queue.SimpleQueue[tuple[str, Result]] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def start(self, job: str) -> None:
        thread = threading.Thread(target=self._work, args=(self._plan.node(job),), name=job, daemon=True)
        self._threads.append(thread)
        thread.start()

    def wait(self) -> tuple[Ended, ...]:
        """What has ended, at the latest after a moment. Raises ServerDiedError."""
        found = []
        try:
            found.append(self._ended.get(timeout=TICK))
            while True:
                found.append(self._ended.get_nowait())
        except queue.Empty:
            pass
        if self._context.server.died:
            raise ServerDiedError
        self.results.update(found)
        return tuple(Ended(job=job, outcome=item.outcome, reason=item.reason) for job, item in found)

    def drain(self, seconds: float) -> tuple[Ended, ...]:
        """After everything was stopped: what the threads still have to say."""
        for thread in self._threads:
            thread.join(seconds)
        found = []
        while not self._ended.empty():
            found.append(self._ended.get_nowait())
        self.results.update(found)
        return tuple(Ended(job=job, outcome=item.outcome, reason=item.reason) for job, item in found)

    def _work(self, node: ir.Node) -> None:
        try:
            answer = self._run(node)
        except StoppingError:
            answer = Result(outcome="killed", reason="the run was stopped")
        except OSError as error:
            answer = Result(outcome="failed", reason=f"could not be started: {error}")
        except Exception as bug:  # a bug of ours must not leave the scheduler waiting for ever
            answer = Result(outcome="failed", reason=f"mlwright failed: {type(bug).__name__}: {bug}")
        self._ended.put((node.id, answer))

    def _run(self, node: ir.Node) -> Result:
        match node:
            case ir.Task():
                return self._task(node)
            case ir.Search():
                return tuning.run(node, self._context, self._board)
            case ir.Gates():
                answer = self._program(node.id, "gate", stepdoc.gate_document(self._context.project, node))
                return replace(answer, reason=verdict.reason(node, answer))
            case ir.Registration():
                return self._program(node.id, "register", stepdoc.register_document(self._context.project, node))
            case _:
                assert_never(node)

    def _task(self, node: ir.Task) -> Result:
        document = self._context.task_document(node)
        missing = missing_secrets(self._context.project, document, self._context.values)
        if missing:
            return Result(outcome="failed", reason=f"secrets that are not here: {', '.join(missing)}")
        if node.run_if != "succeeded" and not node.needs:  # a closing step: all the others have ended
            failed = any(item.outcome in ("failed", "killed") for item in self.results.values())
            self._context.tell_outcome("failed" if failed else "succeeded")
        return self._program(node.id, "step", document, self._context.code(node))

    def _program(
        self, node: str, program: str, document: stepdoc.Document, env: Mapping[str, str] | None = None
    ) -> Result:
        process = self._context.launch(node, program, document, env=env)
        return self._context.ended(process, node)
