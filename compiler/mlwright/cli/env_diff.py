"""`mlwright env-diff`: what differs between two environments of one project."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlwright.cli import exits, terminal

if TYPE_CHECKING:
    from mlwright.review.model import Review


def configure(parser: argparse.ArgumentParser) -> None:
    """Two environments, the project, and how much to show."""
    parser.add_argument("first", metavar="FIRST", help="the environment to begin with, such as staging")
    parser.add_argument("second", metavar="SECOND", help="the one to compare it with, such as prod")
    parser.add_argument("path", metavar="PATH", nargs="?", help="mlproject.yaml, or its folder (default: here)")
    parser.add_argument("--objects", action="store_true", help="also compare what is emitted, object by object")
    parser.add_argument("--full", action="store_true", help="with --objects: every field of every object")
    parser.add_argument(
        "--format",
        choices=("text", "markdown", "json"),
        default="text",
        help="default: text; markdown compares objects, too",
    )


def execute(args: argparse.Namespace) -> int:
    """Exit 0; 1 for a project with errors, 2 when there are no two such environments."""
    from mlwright.api import Result
    from mlwright.cli import findings
    from mlwright.inquiry import environments
    from mlwright.inquiry.errors import BrokenProjectError, InquiryError

    objects = args.objects or args.full or args.format == "markdown"
    try:
        review = environments.compare(args.first, args.second, args.path, objects=objects)
    except InquiryError as problem:
        terminal.warn(f"mlwright env-diff: {problem}")
        return exits.USAGE
    except BrokenProjectError as problem:
        terminal.warn(findings.text(problem.result, sys.stderr, notes=False) or f"mlwright env-diff: {problem}")
        return exits.FINDINGS
    if args.format == "json":
        from mlwright.review import document

        terminal.say(document.document(review).rstrip("\n"))
    elif args.format == "markdown":
        from mlwright.review import markdown

        terminal.say(markdown.render(review).rstrip("\n"))
    elif objects:
        from mlwright.review import text

        colour, width = terminal.coloured(sys.stdout), terminal.columns()
        terminal.say(text.render(review, Result().read, full=args.full, colour=colour, width=width))
    else:
        terminal.say("\n".join(_words(review)))
    return exits.CLEAN


def _words(review: Review) -> Iterator[str]:
    """Each difference with the place that says so in the second environment."""
    if not review.projects:
        yield f"{review.base} and {review.head} are the same"
    for project in review.projects:
        yield f"{project.name}: {review.base} -> {review.head}"
        section = ""
        for remark in sorted(project.remarks, key=lambda one: one.section):
            if remark.section != section:
                section = remark.section
                yield f"  {section}"
            yield f"    {remark.text}{f'  ({remark.span})' if remark.span else ''}"
