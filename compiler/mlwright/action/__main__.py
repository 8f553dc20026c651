"""The front of the Action's steps."""

from __future__ import annotations

import os
import sys

from mlwright.action import steps
from mlwright.action.inputs import InputError, Inputs
from mlwright.cli import exits, terminal
from mlwright.diag.render.github import command

STEPS = {
    "validate": steps.validate,
    "check": steps.check,
    "diff": steps.diff,
    "report": steps.report,
    "comment": steps.comment,
    "verdict": steps.verdict,
}


def main(words: list[str]) -> int:
    """Run one step. Exit 0, 1 where the verdict says so, 2 where the step's inputs make no sense."""
    terminal.prepare()
    if len(words) != 1 or words[0] not in STEPS:
        terminal.warn(f"usage: python -I -m mlwright.action {'|'.join(STEPS)}")
        return exits.USAGE
    try:
        return STEPS[words[0]](Inputs.of(os.environ))
    except InputError as problem:
        terminal.say(command("error", str(problem), {"title": "mlwright"}))
        return exits.USAGE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
