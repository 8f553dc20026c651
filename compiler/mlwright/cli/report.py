"""`mlwright report`: one HTML file that shows the project beside all that it compiles to."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from pathlib import Path

from mlwright.cli import exits, findings, terminal

PLACE = ".mlwright/report.html"


def configure(parser: argparse.ArgumentParser) -> None:
    """Paths, environments and where the page goes."""
    parser.add_argument(
        "paths", metavar="PATH", nargs="*", help="mlproject.yaml, or a folder to search (default: here)"
    )
    parser.add_argument("--env", metavar="E", action="append", default=[], help="one environment; may be repeated")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help=f"the page; - for standard output (default: {PLACE} beside the project)"
    )
    findings.configure(parser)


def execute(args: argparse.Namespace) -> int:
    """Exit 0 written, 1 written with errors in it, 2 when the request makes no sense or the file cannot be written."""
    from mlwright import api

    gc.set_threshold(1_000_000)  # nothing that a page is made from refers to itself
    result, text = api.report(args.paths, envs=args.env)
    if result.usage_error:
        return _usage(result.usage_error)
    found = findings.text(result, sys.stderr, notes=args.notes)
    if found:
        terminal.warn(found)
    if args.output == "-":
        terminal.say(text.rstrip("\n"))
        return findings.exit_code(result)
    path = args.output or _beside(args.paths)
    try:
        if not args.output:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text, encoding="utf-8")
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else str(problem)
        return _usage(f"cannot write {path}: {reason}; name another file with -o")
    terminal.say(f"{path}: {len(text.encode()) / 1e6:.1f} MB; open it in a browser")
    return findings.exit_code(result)


def _beside(paths: list[str]) -> str:
    """The place for the page of the first path's project, in the folder that is asked for where there are several."""
    first = paths[0] if paths else "."
    folder = first if os.path.isdir(first) else os.path.dirname(first)
    return os.path.join(folder if folder not in ("", ".") else "", *PLACE.split("/"))


def _usage(text: str) -> int:
    terminal.warn(f"mlwright report: {text}")
    return exits.USAGE
