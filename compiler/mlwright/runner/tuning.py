"""Tuning on this machine: the search service and its trial workers, the same programs as everywhere else."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlwright import ir
from mlwright.emit import stepdoc
from mlwright.runner import ports, tracking
from mlwright.runner.board import Board
from mlwright.runner.context import Context
from mlwright.runner.processes import Process, StoppingError
from mlwright.runner.progress import BEST
from mlwright.runner.result import Result

PATIENCE = 60.0
"""Seconds until a search service that does not answer counts as not starting."""
LAST_WORDS = 20.0
"""Seconds that the search or its workers get to end by themselves once the other side is gone."""
POLL = 0.5
_FRACTION = re.compile(r"-?\d+\.\d+(e[+-]?\d+)?", re.ASCII)


def run(search: ir.Search, context: Context, board: Board) -> Result:
    """All trials of `search`, then its result with the best parameters. Raises StoppingError, OSError."""
    log = context.log(search.id, "search")
    started = _start(search, context)
    if isinstance(started, Result):
        return started
    service, url = started
    document = context.here(search.trial, stepdoc.trial_document(context.project, search, context.places))
    workers = [
        context.launch(
            search.id,
            "step",
            document,
            name=f"worker-{number}",
            log=context.log(search.id, f"worker-{number}"),
            env={**context.code(search.trial), "MLWRIGHT_SEARCH_URL": url},
        )
        for number in range(search.parallel)
    ]
    _watch(search, context, board, service, workers, url)
    answer = context.ended(service, search.id, log=log)
    _finish(workers, context)
    if answer.outcome != "failed":
        if answer.outcome in ("finished", "cached"):
            board.say(search.id, in_the_end(search, answer, context))
        return answer
    codes = [process.returncode for process in workers]
    if not answer.status.get("reason") and all(codes):
        reason = f"every trial worker ended with an error (exit codes {', '.join(map(str, codes))})"
        answer = replace(answer, reason=reason)
    return replace(answer, log=_telling_log(search, context, answer))


def _start(search: ir.Search, context: Context) -> tuple[Process, str] | Result:
    """The search service when it answers, or its failure."""
    log = context.log(search.id, "search")
    for _ in range(ports.TRIES):
        port = ports.free()
        url = f"http://{ports.HOST}:{port}"
        document = stepdoc.search_document(context.project, search, host=ports.HOST, port=port)
        process = context.launch(search.id, "search", document, log=log)
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            if context.processes.stopping:
                raise StoppingError
            if _get(f"{url}/healthz") is not None:
                return process, url
            time.sleep(0.1)
        answer = _dead(process, search, context)
        if not ports.taken(log):
            return answer
    return Result(outcome="failed", reason="no free port on 127.0.0.1", log=log)


def _dead(process: Process, search: ir.Search, context: Context) -> Result:
    if process.poll() is None:
        context.processes.stop([process], 5)
        reason = f"the search did not answer within {PATIENCE:.0f} s"
        return Result(outcome="failed", reason=reason, log=context.log(search.id, "search"))
    answer = context.ended(process, search.id, log=context.log(search.id, "search"))
    if answer.outcome == "finished":  # every trial of a resumed search was there already
        return answer
    return replace(answer, outcome="failed")


def _watch(
    search: ir.Search, context: Context, board: Board, service: Process, workers: list[Process], url: str
) -> None:
    """Show progress until the search has ended; end it when no worker is left to ask."""
    abandoned = 0.0
    while service.poll() is None:
        status = _get(f"{url}/status")
        if status is not None:
            board.say(search.id, progress(search, status))
        if any(worker.poll() is None for worker in workers):
            abandoned = 0.0
        else:
            abandoned = abandoned or time.monotonic() + LAST_WORDS
            if time.monotonic() > abandoned:
                context.processes.stop([service], 5)
        time.sleep(POLL)


def _finish(workers: list[Process], context: Context) -> None:
    deadline = time.monotonic() + LAST_WORDS
    while any(worker.poll() is None for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    context.processes.stop(workers, 5)


def progress(search: ir.Search, status: Mapping[str, Any]) -> str:
    """`5/8 trials, 1 failed, best val_auc=0.97 (lr=0.05)` of a /status answer."""
    trials = status.get("trials") or []
    ended = sum(trial.get("status") != "running" for trial in trials)
    failed = sum(trial.get("status") == "failed" for trial in trials)
    parts = [f"{ended}/{status.get('max', search.max_trials)} trials"]
    if failed:
        parts.append(f"{failed} failed")
    text, best = ", ".join(parts), status.get("best")
    if best:
        params = ", ".join(f"{name}={brief(value)}" for name, value in in_order(search, best.get("params", {})))
        text += f"{BEST}{search.objective}={best['value']:.6g} ({params})"
    return text


def in_order(search: ir.Search, params: Mapping[str, str]) -> list[tuple[str, str]]:
    """`params` in the order of the search space."""
    order = [dimension.param for dimension in search.space]
    return sorted(params.items(), key=lambda item: order.index(item[0]) if item[0] in order else -1)


def brief(value: str) -> str:
    """A parameter's canonical text as progress shows it: a long fraction with four significant digits."""
    text = str(value)
    if not _FRACTION.fullmatch(text):
        return text
    return min(f"{float(text):.4g}", text, key=len)


def in_the_end(search: ir.Search, answer: Result, context: Context) -> str:
    """The same, from what the search left on the tracking server."""
    try:
        runs = [run for run in context.runs if run.tags.get("mlflow.parentRunId") == answer.run_id]
    except tracking.RemoteError:
        runs = []
    trials = [
        {"status": "failed" if run.status == "FAILED" else "succeeded"}
        for run in runs
        if run.tags.get("mlwright.kind") == "trial"
    ]
    best = {
        "params": {name.removeprefix("best."): value for name, value in answer.status.get("params", {}).items()},
        "value": answer.status.get("metrics", {}).get(f"best.{search.objective}", float("nan")),
    }
    return progress(search, {"trials": trials, "max": search.max_trials, "best": best})


def _telling_log(search: ir.Search, context: Context, answer: Result) -> Path:
    """The log that says why: the worker's where trials failed, the search's own where it crashed."""
    own = context.log(search.id, "search")
    if not answer.status:
        return own
    for number in range(search.parallel):
        log = context.log(search.id, f"worker-{number}")
        if log.exists() and log.stat().st_size:
            return log
    return own


def _get(url: str) -> dict[str, Any] | None:
    try:
        value = json.loads(tracking.fetch(url, timeout=2))
    except (tracking.RemoteError, ValueError):
        return None
    return value if isinstance(value, dict) else None
