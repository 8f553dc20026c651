"""A `for_each` that one container works off by itself."""

from __future__ import annotations

import json
import os
import sys
import time

from attempts import Step
from program import Outcome
from values import BAD_INPUT, StepError, compact, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict


def each_item(step: Step) -> Outcome:
    """A `for_each` in one container: a launcher per item, `max_parallel` at a time."""
    import itertools
    import subprocess

    doc = step.doc
    try:
        step.read_params()
        blocked = step.blocked() if not doc.get("when") else ""
        if blocked:
            return step.skip(blocked)
        keys = sorted(doc["for_each"]["keys"])
        lists = [doc["for_each"]["keys"][k] for k in keys]
        lists = [step.value(str(x["ref"])) if isinstance(x, dict) else x for x in lists]
        for key, values in zip(keys, lists):
            if not isinstance(values, list):
                raise StepError(BAD_INPUT, "for_each.%s must be a list, not %s" % (key, compact(values)))
    except StepError as problem:
        say("%s: %s" % (doc["step"], problem))
        return step.ended("failed", problem.code, str(problem))
    items = [dict(zip(keys, values)) for values in itertools.product(*lists)]
    if not items:
        return step.skip("for_each has no items")
    env = {k: v for k, v in step.env.items() if k not in ("MLFLOW_RUN_ID", "MLWRIGHT_STATUS_FILE")}
    waiting = list(enumerate(items))
    running: Dict[int, subprocess.Popen[bytes]] = {}
    ended: Dict[int, int] = {}
    step.signals.held = True
    step.tracking.root()
    while waiting or running:
        while waiting and len(running) < (int(doc["for_each"].get("max_parallel") or 1)) and not step.signals.received:
            number, item = waiting.pop(0)
            path = os.path.join(step.folder, "item-%d.json" % number)
            with open(path, "w", encoding="ascii") as stream:
                json.dump(dict(doc, for_each=None, each=item, wait=False), stream)
            words = [
                sys.executable or "python3",
                "-S",
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "step.py"),
                path,
            ]
            status = {"MLWRIGHT_STATUS_FILE": path + ".status", "MLWRIGHT_WORK": step.folder}
            running[number] = subprocess.Popen(words, env=dict(env, **status))
        if step.signals.received:
            waiting = []
            for process in running.values():
                process.terminate()
        for number in [n for n, p in running.items() if p.poll() is not None]:
            ended[number] = running.pop(number).returncode
        time.sleep(0.1)
    if step.signals.received:
        return Outcome("killed", 128 + step.signals.received, "killed")
    failed = [n for n in sorted(ended) if ended[n]]
    if failed:
        reason = "%d of %d items failed, first %s" % (len(failed), len(items), compact(items[failed[0]]))
        return Outcome("failed", ended[failed[0]], reason)
    return Outcome("finished", items=len(items))
