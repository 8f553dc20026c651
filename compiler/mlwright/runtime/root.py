#!/usr/bin/env python3
"""Opens and closes a pipeline run: `python3 -S root.py DOCUMENT.json`, kind `start` or `finish`."""

from __future__ import annotations

import sys

from program import Outcome, launch
from pulse import Watch
from tracking import ENGINE_FAILED, Tracking, now
from values import say
from waiting import BLOCKED, Patience, started

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Sequence

    Doc = Dict[str, Any]


def start(tracking: Tracking) -> Outcome:
    """Makes the root run or, for a resumed pipeline run, opens it again."""
    root = tracking.root()
    winner = tracking.settle_root() or root
    tracking.log(winner.id, {"mlwright.started": str(now()), "mlwright.outcome": ""})
    tracking.server.call("POST", "runs/update", {"run_id": winner.id, "status": "RUNNING"})
    return Outcome("finished", run_id=winner.id)


def finish(doc: Doc, env: Dict[str, str], tracking: Tracking) -> Outcome:
    """Waits for all nodes, then sets the root run's outcome and status; exit 1 when a node failed.

    Steps that wait for the pipeline run itself (`run_if: failed | always`) see the outcome once all others have ended,
    but for those that come after such a step (`closing`). Steps that wait for one that never starts are told.
    """
    root = tracking.root()
    since = started(tracking)
    nodes = [(n, 0) if isinstance(n, str) else (n["step"], int(n.get("items") or 0)) for n in doc.get("nodes") or []]
    closing = {n["step"] for n in doc.get("nodes") or [] if isinstance(n, dict) and n.get("closing")}
    patience, watch = Patience(env, "the end of the steps"), Watch(tracking, env)
    told, lost = False, set()
    while True:
        watch.look()
        states = {step: _state(watch, step, since, items) for step, items in nodes}
        never = [step for step in _never(states, doc) if step not in lost]
        lost.update(never)
        tracking.log(root.id, {BLOCKED + step: str(since) for step in never})
        open_ones = [s for s, state in states.items() if state in ("missing", "running")]
        if not told and closing.issuperset(open_ones):
            told = True
            early = "failed" if "failed" in states.values() else "succeeded"
            tracking.log(root.id, {"mlwright.outcome": early})
        if told and "waiting" not in states.values() and not open_ones:
            break
        patience.pause()
    failed = [s for s, state in states.items() if state == "failed"]
    return _closed(tracking, root.id, "failed: " + ", ".join(failed) if failed else "")


def end(doc: Doc, env: Dict[str, str], tracking: Tracking) -> Outcome:
    """The same where the engine starts this when all has ended: what still runs is lost, what is missing never started.

    MLWRIGHT_STATUS is the engine's own word: it knows of containers that ended before our programs could say so.
    """
    root, since, failed = tracking.root(), started(tracking), []
    for step in [str(node if isinstance(node, str) else node["step"]) for node in doc.get("nodes") or []]:
        for run in tracking.newest(step):
            if run.state == "running":
                lost = {"mlwright.reason": "its launcher went away", "mlwright.retrying": "false"}
                tracking.close(run.id, "FAILED", lost)
        if tracking.state(step, since) == "failed":
            failed.append(step)
    reason = "failed: " + ", ".join(failed) if failed else ""
    if not failed and env.get("MLWRIGHT_STATUS") in ENGINE_FAILED:
        reason = "failed before a step could say so: the engine has the container's state"
    return _closed(tracking, root.id, reason)


def _closed(tracking: Tracking, root: str, reason: str) -> Outcome:
    if reason:
        say(reason)
        tracking.log(root, {"mlwright.outcome": "failed", "mlwright.reason": reason})
    body = {"run_id": root, "status": "FAILED" if reason else "FINISHED", "end_time": now()}
    tracking.server.call("POST", "runs/update", body)
    return Outcome("failed" if reason else "finished", 1 if reason else 0, reason, root)


def _state(watch: Watch, step: str, since: int, items: int) -> str:
    state = watch.state(step, since, items)
    if state == "running" and any(r.tags.get("mlwright.waiting") == "run" for r in watch.tracking.newest(step)):
        return "waiting"
    return state


def _never(states: Dict[str, str], doc: Doc) -> List[str]:
    """Where the engine starts a step only after what it needs has succeeded, a failure leaves the steps after it
    missing for good: they count as skipped and are returned. The document says so by giving each node its `needs`."""
    found: List[str] = []
    edges = {n["step"]: n.get("needs") or () for n in doc.get("nodes") or [] if isinstance(n, dict)}
    lost = {step for step, state in states.items() if state == "failed"}
    while True:
        more = {s for s, needs in edges.items() if states.get(s) == "missing" and not lost.isdisjoint(needs)}
        if not more:
            return found
        found += sorted(more)
        states.update(dict.fromkeys(more, "skipped"))
        lost |= more


def run(doc: Doc, env: Dict[str, str], tracking: Tracking) -> Outcome:
    """Either program."""
    if doc["kind"] == "start":
        return start(tracking)
    return end(doc, env, tracking) if doc.get("ended") else finish(doc, env, tracking)


def main(argv: Sequence[str]) -> int:
    """The command line."""
    return launch(argv, ("start", "finish"), run)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
