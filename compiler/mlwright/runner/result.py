"""What one node left behind: the status file that every runtime program writes, read once and typed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast, get_args

from mlwright.runtime.order import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """`outcome` and `reason` for the scheduler; `log` is the file to look into; `status` all that the program said."""

    outcome: Outcome
    reason: str = ""
    exit_code: int | None = None
    log: Path | None = None
    status: Mapping[str, Any] = field(default_factory=dict)

    @property
    def run_id(self) -> str:
        return str(self.status.get("run_id") or "")

    @property
    def attempts(self) -> int:
        value = self.status.get("attempts")
        return value if isinstance(value, int) else 1


EXITS = {
    64: "a parameter or the step document is not valid",
    65: "a declared output is missing",
    66: "an input was not found",
    69: "the tracking server could not be reached",
    124: "it took longer than its timeout",
    126: "the command cannot be executed",
    127: "the command was not found",
}
"""What the launcher's exit codes mean; all others are the program's own."""


def read(path: Path, exit_code: int, log: Path) -> Result:
    """The result of a program that ended with `exit_code` (negative: a signal); its status is in `path`."""
    status = _status(path)
    said = status.get("status")
    outcome: Outcome = "finished" if exit_code == 0 else "failed"
    if said in get_args(Outcome):
        outcome = cast("Outcome", said)
    if exit_code != 0 and outcome not in ("failed", "killed"):
        outcome = "failed"
    reason = str(status.get("reason") or "")
    if outcome in ("failed", "killed") and not reason:
        reason = f"killed by signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"
        reason += f": {EXITS[exit_code]}" if exit_code in EXITS else ""
    return Result(outcome=outcome, reason=reason, exit_code=exit_code, log=log, status=status)


def _status(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
