"""Where a program keeps what it needs to go on after an interruption."""

from __future__ import annotations

import os

from scope import entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from attempts import Step


def place(step: Step) -> str:
    """The same folder, or address, for every node and every attempt of a step in a run; with `resume` in later runs,
    too, but for trials, whose parameters are others each time. `whole`: the path as it is, which somebody else keeps
    apart for each trial."""
    wanted = step.doc["checkpoints"]
    keep = wanted.get("resume") and step.trial is None
    parts = [] if keep else [step.tracking.run]
    parts.append(str(step.doc["step"]))
    parts += [entry(step.item)] if step.item else []
    parts += ["trial-" + step.trial.number] if step.trial is not None else []
    found = "/".join([step.fill(wanted["path"]).rstrip("/"), *([] if wanted.get("whole") else parts)])
    if "://" not in found:
        found = os.path.abspath(found)
        os.makedirs(found, exist_ok=True)
    return found
