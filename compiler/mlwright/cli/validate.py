"""`mlwright validate`: everything there is to say about the projects, in one pass; writes nothing."""

from __future__ import annotations

import argparse
import sys

from mlwright.cli import exits, findings, terminal


def configure(parser: argparse.ArgumentParser) -> None:
    """Paths, one environment, the format and strictness."""
    parser.add_argument(
        "paths", metavar="PATH", nargs="*", help="mlproject.yaml, or a folder to search (default: here)"
    )
    parser.add_argument("--env", metavar="E", help="one environment only (default: all)")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    findings.configure(parser)
    parser.add_argument("--strict", action="store_true", help="warnings are errors")


def execute(args: argparse.Namespace) -> int:
    """Exit 0 clean, 1 findings, 2 when there is nothing to validate."""
    from mlwright import api

    result = api.validate(args.paths, env=args.env, strict=args.strict, apart=True)
    if result.usage_error:
        terminal.warn(f"mlwright validate: {result.usage_error}")
        return exits.USAGE
    if args.format == "json":
        terminal.say(findings.json(result))
    else:
        terminal.say(findings.text(result, sys.stdout, notes=args.notes) or "no findings")
    return findings.exit_code(result)
