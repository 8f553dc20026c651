"""`mlwright schema`: the JSON Schema of the language, for editors, CI and other tools."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from mlwright.cli import exits, terminal

DEFAULT = "schemas/mlproject.v1.schema.json"
"""Where a project (and this repository) keeps its copy."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Print, or compare with a file."""
    parser.add_argument(
        "--check",
        metavar="FILE",
        nargs="?",
        const=DEFAULT,
        help=f"compare with FILE (default: {DEFAULT}); exit 1 if stale",
    )


def execute(args: argparse.Namespace) -> int:
    """Exit 0, 1 when the file is stale, 2 when it cannot be read."""
    wanted = document()
    if args.check is None:
        terminal.say(wanted.rstrip("\n"))
        return exits.CLEAN
    try:
        found = Path(args.check).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        terminal.warn(f"mlwright schema: cannot read {args.check}: {getattr(problem, 'strerror', None) or problem}")
        return exits.USAGE
    if found != wanted:
        terminal.warn(f"{args.check} is stale: write it anew with\n    mlwright schema > {args.check}")
        return exits.FINDINGS
    terminal.say(f"{args.check} is current")
    return exits.CLEAN


def document() -> str:
    """The schema as it is committed: two spaces, insertion order, UTF-8, a line end."""
    from mlwright.spec.schema import json_schema

    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
