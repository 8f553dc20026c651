"""`mlwright validate`: everything there is to say about the projects, in one pass; writes nothing but what is asked."""

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
    findings.configure_formats(parser)
    findings.configure(parser)
    parser.add_argument("--strict", action="store_true", help="warnings are errors")


def execute(args: argparse.Namespace) -> int:
    """Exit 0 clean, 1 findings, 2 when there is nothing to validate, or nowhere to write to."""
    from mlwright import api

    result = api.validate(args.paths, env=args.env, strict=args.strict, apart=True)
    if result.usage_error:
        terminal.warn(f"mlwright validate: {result.usage_error}")
        return exits.USAGE
    return findings.show("validate", result, args, sys.stdout)
