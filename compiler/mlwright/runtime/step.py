#!/usr/bin/env python3
"""Starts one step of a pipeline, the same way in every environment: `python3 -S step.py step.json`.

Standard library only, Python 3.8 or newer: this file and its siblings are copied into images that hold nothing else of
ours. It owns the step's MLflow run: it makes the run, resolves parameters and inputs, starts the user's command, logs
the metrics it prints, uploads what it wrote, and closes the run by the exit code.
With MLWRIGHT_ITEM=<index> it runs that item of the `for_each` alone. `step.py items STEP.json` only decides: it prints
the number of containers that an engine has to start, 0 for a step that is skipped.
Where Kubeflow Pipelines starts it, the document is the argument itself, and `--executor-input` has what else there is.
`step.py fetch models:/m-... FOLDER [DIGEST]` only downloads; `step.py rank ...` is one rank of a distributed command.
What is not needed by every start is imported where it is used: the interpreter is ready in well under 50 ms.
"""

from __future__ import annotations

import os
import sys

from values import BAD_INPUT as BAD_INPUT
from values import StepError as StepError
from values import environment as environment
from values import say as say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Sequence

    from artifacts import Artifacts as Artifacts
    from artifacts import Models as Models
    from program import Outcome as Outcome
    from program import launch as launch
    from tracking import Run as Run
    from tracking import Tracking as Tracking
    from tracking import now as now
    from values import NOT_FOUND as NOT_FOUND
    from values import Killed as Killed
    from values import ServerError as ServerError
    from values import compact as compact
    from values import digest as digest
    from values import seconds as seconds

    Doc = Dict[str, Any]


def __getattr__(name: str) -> Any:
    """`from step import X`: what the siblings offer, for the programs beside this one; imported when asked for."""
    import importlib

    for module in ("values", "tracking", "artifacts", "program"):
        found = importlib.import_module(module)
        if hasattr(found, name):
            return getattr(found, name)
    raise AttributeError("step has no " + name)


def run_step(doc: Doc, env: Dict[str, str], tracking: Tracking, only_count: bool = False) -> Outcome:
    """A step, its items or their number, or trials, in a scratch folder that is removed at the end."""
    import shutil
    import tempfile

    from attempts import Step
    from child import Signals
    from items import INDEX, count_items, each_item, one_item
    from worker import Worker, lone_trial

    work = env.get("MLWRIGHT_WORK") or None
    if work:
        os.makedirs(work, exist_ok=True)
    signals = Signals()
    folder = os.path.abspath(tempfile.mkdtemp(prefix="mlwright-", dir=work))
    signals.install()
    try:
        if doc["kind"] == "trial" and env.get("MLWRIGHT_SEARCH_URL"):
            return Worker(doc, env, tracking, signals, folder).work()
        step = Step(doc, env, tracking, signals, folder)
        if doc["kind"] == "trial":
            return lone_trial(step)
        if only_count:
            return count_items(step)
        if INDEX in env:
            return one_item(step)
        return each_item(step) if doc.get("for_each") else step.run()
    finally:
        signals.held = True
        shutil.rmtree(folder, ignore_errors=True)


def fetch_command(argv: Sequence[str]) -> int:
    """`fetch URI FOLDER [DIGEST]`: downloads a model and holds it to its digest."""
    from artifacts import Models
    from server import Server

    try:
        if len(argv) not in (2, 3):
            raise StepError(BAD_INPUT, "usage: step.py fetch models:/m-... FOLDER [DIGEST]")
        Models(Server(environment())).fetch(argv[0], argv[1], argv[2] if len(argv) == 3 else "")
    except StepError as problem:
        say(str(problem))
        return problem.code
    return 0


def items_command(argv: Sequence[str]) -> int:
    """`items STEP.json`: prints how many containers an engine has to start for the step."""
    from program import launch

    def count(doc: Doc, env: Dict[str, str], tracking: Tracking) -> Outcome:
        return run_step(doc, env, tracking, only_count=True)

    return launch(["step.py items", *argv], ("step",), count)


def main(argv: Sequence[str]) -> int:
    """The command line."""
    if argv[1:2] == ["rank"]:
        from ranks import be_rank

        return be_rank(list(argv[2:]))
    if argv[1:2] == ["fetch"]:
        return fetch_command(argv[2:])
    if argv[1:2] == ["items"]:
        return items_command(argv[2:])
    from program import launch

    return launch(argv, ("step", "trial"), run_step)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
