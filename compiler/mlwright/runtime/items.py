"""The items of a `for_each`: counted for an engine, one of them, or all in one container."""

from __future__ import annotations

import json
import os
import sys
import time

from attempts import Step
from program import Outcome
from values import BAD_INPUT, UNREACHABLE, StepError, compact, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Union

    Doc = Dict[str, Any]

INDEX = "MLWRIGHT_ITEM"
"""The variable that makes a container one item's: its place in `listed`."""


def listed(step: Step) -> List[Doc]:
    """All items, in the order that every engine counts them in: the product of the lists, keys sorted."""
    import itertools

    keys = sorted(step.doc["for_each"]["keys"])
    lists = [step.doc["for_each"]["keys"][k] for k in keys]
    lists = [step.value(str(x["ref"])) if isinstance(x, dict) else x for x in lists]
    for key, values in zip(keys, lists):
        if not isinstance(values, list):
            raise StepError(BAD_INPUT, "for_each.%s must be a list, not %s" % (key, compact(values)))
    return [dict(zip(keys, values)) for values in itertools.product(*lists)]


def to_run(step: Step) -> Union[List[Doc], Outcome]:
    """The items, or how the step ended where there are none to run: skipped or failed, with its run made and closed."""
    try:
        step.read_params()
        loop = step.doc.get("for_each")
        blocked = step.blocked() if not (loop and step.doc.get("when")) else ""
        if blocked:
            return step.skip(blocked)
        items = listed(step) if loop else [{}]
    except StepError as problem:
        say("%s: %s" % (step.doc["step"], problem))
        return step.ended("failed", problem.code, str(problem))
    return items or step.skip("for_each has no items")


def count_items(step: Step) -> Outcome:
    """Prints how many containers an engine has to start: one for each item, or one; none where the step is skipped."""
    items = to_run(step)
    if isinstance(items, Outcome):
        if items.code == 0:
            print(0, flush=True)
        return items
    print(len(items), flush=True)
    return Outcome("finished", items=len(items))


def one_item(step: Step) -> Outcome:
    """The item that MLWRIGHT_ITEM counts to, where an engine starts a container for each."""
    index = step.env.pop(INDEX)
    try:
        if not step.doc.get("for_each"):
            raise StepError(BAD_INPUT, "%s is set, but the step has no for_each" % INDEX)
        step.read_params()
        items = listed(step)
        if not (index.isascii() and index.isdigit()) or int(index) >= len(items):
            raise StepError(BAD_INPUT, "%s must be a whole number below %d, not %r" % (INDEX, len(items), index))
    except StepError as problem:
        if problem.code == UNREACHABLE:
            raise
        say("%s: %s" % (step.doc["step"], problem))
        return step.ended("failed", problem.code, str(problem))
    doc = dict(step.doc, for_each=None, each=items[int(index)])
    return Step(doc, step.env, step.tracking, step.signals, step.folder).run()


def each_item(step: Step) -> Outcome:
    """A `for_each` in one container: a launcher per item, `max_parallel` at a time."""
    import subprocess

    doc, items = step.doc, to_run(step)
    if isinstance(items, Outcome):
        return items
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
