"""`mlwright schema`: the JSON Schemas of all files that people or `mlwright lock` write, for editors and CI."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from mlwright.cli import exits, terminal

DEFAULT = "schemas/mlproject.v1.schema.json"
LOCK = "schemas/lock.v1.schema.json"
PLATFORM = "schemas/platform.v1.schema.json"
REVIEW = "schemas/review.v1.schema.json"
PRICES = "schemas/prices.v1.schema.json"
"""Where a project (and this repository) keeps its copies."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Print, or compare with a file."""
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--lock", action="store_true", help="the schema of mlproject.lock instead")
    other.add_argument("--platform", action="store_true", help="the schema of platform files instead")
    other.add_argument("--review", action="store_true", help="the schema of `diff --format json` instead")
    other.add_argument("--prices", action="store_true", help="the schema of price files instead")
    parser.add_argument(
        "--check",
        metavar="FILE",
        nargs="?",
        const="",
        help=f"compare with FILE (default: {DEFAULT}); exit 1 if stale",
    )


def execute(args: argparse.Namespace) -> int:
    """Exit 0, 1 when the file is stale, 2 when it cannot be read."""
    words, usual, wanted = _chosen(args)
    if args.check is None:
        terminal.say(wanted.rstrip("\n"))
        return exits.CLEAN
    file = args.check or usual
    try:
        found = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        terminal.warn(f"mlwright schema: cannot read {file}: {getattr(problem, 'strerror', None) or problem}")
        return exits.USAGE
    if found != wanted:
        terminal.warn(f"{file} is stale: write it anew with\n    {words} > {file}")
        return exits.FINDINGS
    terminal.say(f"{file} is current")
    return exits.CLEAN


def _chosen(args: argparse.Namespace) -> tuple[str, str, str]:
    """The command that prints the schema that is meant, the file that it is usually in, and its text."""
    if args.lock:
        return "mlwright schema --lock", LOCK, lock_document()
    if args.platform:
        return "mlwright schema --platform", PLATFORM, platform_document()
    if args.review:
        return "mlwright schema --review", REVIEW, review_document()
    if args.prices:
        return "mlwright schema --prices", PRICES, prices_document()
    return "mlwright schema", DEFAULT, document()


def document() -> str:
    """The schema as it is committed: two spaces, insertion order, UTF-8, a line end."""
    from mlwright.spec.schema import json_schema

    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def lock_document() -> str:
    """The lock file's schema, as it is committed."""
    from mlwright.passes.lockschema import json_schema

    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def platform_document() -> str:
    """The schema of platform files, as it is committed."""
    from mlwright.platform.schema import json_schema

    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def review_document() -> str:
    """The schema of reviews, as it is committed."""
    from mlwright.review.document import json_schema

    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def prices_document() -> str:
    """The schema of price files, as it is committed."""
    from mlwright.platform.prices import json_schema

    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
