"""How findings are shown, in each format, and the exit code they stand for."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, TextIO

from mlwright.cli import exits, terminal

if TYPE_CHECKING:
    from mlwright.api import Result
    from mlwright.diag import Diagnostic
    from mlwright.diag.render.places import Places


FORMATS = ("text", "json", "github", "sarif", "gitlab")
"""`github`: annotations of a workflow step; `sarif`: what code scanning takes; `gitlab`: a code quality report."""
FOLDED = "OWN009"
"""The target does something in another way: worth a line in the report, not a page at every compile."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The option that unfolds notes."""
    parser.add_argument("--notes", action="store_true", help="also show what a target does in its own way")


def configure_formats(parser: argparse.ArgumentParser) -> None:
    """The format, and a file to write it to."""
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="text",
        help="github: workflow commands that annotate lines; sarif: for code scanning; gitlab: code quality "
        "(default: text)",
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write the findings to FILE, and their count here")


def show(command: str, result: Result, args: argparse.Namespace, stream: TextIO) -> int:
    """Print the findings, or write them, as the options of `configure` and `configure_formats` ask. Exit 1 with an
    error among them, 2 where the file cannot be written."""
    shown = render(result, args.format, stream, notes=args.notes, coloured=not args.output)
    if not args.output:
        terminal.say(shown)
        return exit_code(result)
    from pathlib import Path

    from mlwright.diag.render.text import summary

    try:
        Path(args.output).write_text(shown + "\n", encoding="utf-8", errors="backslashreplace")
    except (OSError, ValueError) as problem:
        terminal.warn(f"mlwright {command}: cannot write {args.output}: {getattr(problem, 'strerror', '') or problem}")
        return exits.USAGE
    terminal.say(f"{args.output}: {summary(_unfolded(result, notes=args.notes))}")
    return exit_code(result)


def render(result: Result, form: str, stream: TextIO, *, notes: bool, coloured: bool = True) -> str:
    """The findings in one of FORMATS, without a line end after the last line."""
    if form == "json":
        return json(result)
    if form == "text":
        return text(result, stream, notes=notes, coloured=coloured) or "no findings"
    found, places = _unfolded(result, notes=notes), repository()
    if form == "github":
        from mlwright.diag.render import github

        return github.render(found, places).rstrip("\n")
    if form == "gitlab":
        from mlwright.diag.render import gitlab

        return gitlab.render(found, places, result.read).rstrip("\n")
    from mlwright import __version__
    from mlwright.diag.render import sarif

    return sarif.render(found, places, result.read, __version__).rstrip("\n")


def repository() -> Places:
    """The root of the repository that the working directory is in: the nearest folder with a `.git`, else itself."""
    from pathlib import Path

    from mlwright.diag.render.places import Places

    here = Path.cwd()
    root = next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)
    return Places(root=root.as_posix(), folder=here.as_posix())


def _unfolded(result: Result, *, notes: bool) -> tuple[Diagnostic, ...]:
    return tuple(item for item in result.diagnostics if notes or item.code != FOLDED)


def text(result: Result, stream: TextIO, *, notes: bool, coloured: bool = True) -> str:
    """The findings as a person reads them, with a closing count; empty when there are none. `notes` unfolds all."""
    from mlwright.diag.render.text import render

    found = _unfolded(result, notes=notes)
    shown = render(found, result.read, coloured and terminal.coloured(stream), terminal.columns()).rstrip()
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
