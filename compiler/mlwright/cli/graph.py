"""`mlwright graph`: data, steps, searches, models and endpoints of a project as a picture."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mlwright.cli import exits, findings, terminal


def configure(parser: argparse.ArgumentParser) -> None:
    """The project, environments, the format and where to write."""
    parser.add_argument("path", metavar="PATH", nargs="?", help="mlproject.yaml, or its folder (default: here)")
    parser.add_argument(
        "--env", metavar="E", action="append", default=[], help="one environment; may be repeated (default: all)"
    )
    parser.add_argument(
        "--format",
        choices=("mermaid", "svg"),
        help="default: svg for an output that ends in .svg, else mermaid; svg needs the extra `graph`",
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write there (default: print)")


def execute(args: argparse.Namespace) -> int:
    """Exit 0 drawn, 1 for a project with errors, 2 when the request itself makes no sense."""
    from mlwright.inquiry import graph as inquiry

    result, graph = inquiry.graph(args.path, envs=args.env)
    if result.usage_error:
        return _usage(result.usage_error)
    if graph is None:
        terminal.warn(findings.text(result, sys.stderr, notes=False))
        return exits.FINDINGS
    if (args.format or ("svg" if str(args.output).endswith(".svg") else "mermaid")) == "svg":
        from mlwright.review.drawing import svg
        from mlwright.review.layout import MissingLibraryError

        try:
            text = svg(graph)
        except MissingLibraryError as error:
            return _usage(str(error))
    else:
        from mlwright.review.mermaid import render

        text = render(graph)
    if args.output is None:
        terminal.say(text.rstrip("\n"))
        return exits.CLEAN
    try:
        Path(args.output).write_text(text, encoding="utf-8")
    except OSError as error:
        return _usage(f"cannot write {args.output}: {error.strerror or error}")
    return exits.CLEAN


def _usage(text: str) -> int:
    terminal.warn(f"mlwright graph: {text}")
    return exits.USAGE
