"""How `validate` and `compile` show an `api.Result`, and the exit code it stands for."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, TextIO

from mlwright.cli import exits, terminal

if TYPE_CHECKING:
    from mlwright.api import Result


FOLDED = "OWN009"
"""The target does something in another way: worth a line in the report, not a page at every compile."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The option that unfolds notes."""
    parser.add_argument("--notes", action="store_true", help="also show what a target does in its own way")


def text(result: Result, stream: TextIO, *, notes: bool) -> str:
    """The findings as a person reads them, with a closing count; empty when there are none. `notes` unfolds all."""
    from mlwright.diag.render.text import render

    found = tuple(item for item in result.diagnostics if notes or item.code != FOLDED)
    shown = render(found, result.read, terminal.coloured(stream), terminal.columns()).rstrip()
    folded = len(result.diagnostics) - len(found)
    if not folded:
        return shown
    hint = f"{folded} {'things are' if folded > 1 else 'thing is'} done in another way there: --notes shows what"
    return f"{shown}\n{hint}" if shown else hint


def json(result: Result) -> str:
    """The findings as a JSON list, one object each; `[]` when there are none."""
    from mlwright.diag.render.json import render

    return render(result.diagnostics).rstrip()


def exit_code(result: Result) -> int:
    """1 when an error was found (with `--strict`, a warning too), else 0."""
    return exits.FINDINGS if result.failed else exits.CLEAN
