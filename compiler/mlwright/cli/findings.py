"""How `validate` and `compile` show an `api.Result`, and the exit code it stands for."""

from __future__ import annotations

from typing import TextIO

from mlwright.api import Result
from mlwright.cli import exits, terminal


def text(result: Result, stream: TextIO) -> str:
    """The findings as a person reads them, with a closing count; empty when there are none."""
    from mlwright.diag.render.text import render

    if not result.diagnostics:
        return ""
    return render(result.diagnostics, result.read, terminal.coloured(stream), terminal.columns()).rstrip()


def json(result: Result) -> str:
    """The findings as a JSON list, one object each; `[]` when there are none."""
    from mlwright.diag.render.json import render

    return render(result.diagnostics).rstrip()


def exit_code(result: Result) -> int:
    """1 when an error was found (with `--strict`, a warning too), else 0."""
    return exits.FINDINGS if result.failed else exits.CLEAN
