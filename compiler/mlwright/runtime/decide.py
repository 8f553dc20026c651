"""What becomes of a step before anything of it is started."""

from __future__ import annotations

import shutil
import tempfile

from attempts import Step
from child import Signals
from items import to_run
from program import Outcome
from tracking import Tracking
from values import UNREACHABLE, StepError, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Union

    Doc = Dict[str, Any]


def decide(doc: Doc, env: Dict[str, str], signals: Signals) -> Union[int, Outcome]:
    """How many items to start (0 for a step without), or how the step ended: skipped or failed, its run is made."""
    doc = dict(doc, wait=False)
    folder = tempfile.mkdtemp(prefix="mlwright-")
    step = Step(doc, dict(env), Tracking(doc, env), signals, folder)
    try:
        if doc.get("for_each"):
            items = to_run(step)
            return items if isinstance(items, Outcome) else len(items)
        step.read_params()
        reason = step.blocked()
        return step.skip(reason) if reason else 0
    except StepError as problem:
        if problem.code == UNREACHABLE:
            raise
        say("%s: %s" % (doc["step"], problem))
        return step.ended("failed", problem.code, str(problem))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
