"""`mlwright diff`: what a change means, from one revision to another or to the working tree."""

from __future__ import annotations

import argparse
import gc
import sys

from mlwright.cli import exits, terminal

FORMATS = ("text", "markdown", "html", "json")


def configure(parser: argparse.ArgumentParser) -> None:
    """Paths, revisions, environments, format and exit code."""
    parser.add_argument(
        "paths", metavar="PATH", nargs="*", help="mlproject.yaml, or a folder to search (default: here)"
    )
    parser.add_argument(
        "--base", metavar="REV", default="", help="what to compare with: where the other side left it (default: main)"
    )
    parser.add_argument("--head", metavar="REV", default="", help="what to look at (default: the working tree)")
    parser.add_argument("--env", metavar="E", action="append", default=[], help="one environment; may be repeated")
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    parser.add_argument(
        "--key",
        metavar="NAME",
        default="",
        help="markdown: tells comments of several workflows apart",
    )
    parser.add_argument("--full", action="store_true", help="text: every field of every object")
    parser.add_argument("--detailed-exitcode", action="store_true", help="exit 1 where anything differs")


def execute(args: argparse.Namespace) -> int:
    """Exit 0 compared, 1 errors at head (with --detailed-exitcode: differences), 2 where there is nothing to compare
    with."""
    from mlwright import api

    gc.set_threshold(1_000_000)  # nothing that a comparison makes refers to itself
    graphs, page = args.format in ("markdown", "json"), args.format == "html"
    if args.format == "markdown" and (wrong := _wrong(args.key)):
        terminal.warn(f"mlwright diff: {wrong}")
        return exits.USAGE
    found = api.diff(args.paths, base=args.base, head=args.head, envs=args.env, graphs=graphs, page=page, apart=True)
    if found.review is None:
        terminal.warn(f"mlwright diff: {found.result.usage_error}")
        return exits.USAGE
    if args.format == "json":
        from mlwright.review import document

        terminal.say(document.document(found.review))
    elif args.format == "markdown":
        from mlwright.review import markdown

        terminal.say(markdown.render(found.review, key=args.key).rstrip("\n"))
    elif args.format == "html":
        terminal.say(found.page.rstrip("\n"))
    else:
        from mlwright.review import text

        shown = text.render(
            found.review, found.read, full=args.full, colour=terminal.coloured(sys.stdout), width=terminal.columns()
        )
        terminal.say(shown)
    differs = args.detailed_exitcode and bool(found.review.projects)
    return exits.FINDINGS if found.result.failed or differs else exits.CLEAN


def _wrong(key: str) -> str:
    """Why a comment cannot have the key; "" where it can."""
    from mlwright.review import markdown

    try:
        markdown.marker(key)
    except ValueError as problem:
        return f"--key: {problem}"
    return ""
