"""`mlwright compile`: write the output of every environment, or say why one of them cannot be written."""

from __future__ import annotations

import argparse
import gc
import sys

from mlwright.cli import exits, findings, terminal

EXTRAS = ("report", "map")


def configure(parser: argparse.ArgumentParser) -> None:
    """Paths, environments, targets, the output folder and the recomputed extras."""
    parser.add_argument(
        "paths", metavar="PATH", nargs="*", help="mlproject.yaml, or a folder to search (default: here)"
    )
    parser.add_argument("--env", metavar="E", action="append", default=[], help="one environment; may be repeated")
    parser.add_argument("--target", metavar="T", action="append", default=[], help="one target; may be repeated")
    parser.add_argument("-o", "--output", metavar="DIR", help="default: manifests/ beside the project file")
    parser.add_argument("--crds", metavar="DIR", help="also check Kubernetes objects against the CRD files in DIR")
    findings.configure(parser)
    parser.add_argument(
        "--emit",
        metavar="LIST",
        type=_extras,
        default=frozenset(),
        help="also write report,map (under .mlwright/emit/)",
    )


def execute(args: argparse.Namespace) -> int:
    """Exit 0 written (or nothing to change), 1 findings, 2 when the request itself makes no sense."""
    from mlwright import api

    gc.set_threshold(1_000_000)  # nothing that a compile makes refers to itself
    result = api.compile(
        args.paths, envs=args.env, targets=args.target, output=args.output, emit=args.emit, crds=args.crds, apart=True
    )
    if result.usage_error:
        terminal.warn(f"mlwright compile: {result.usage_error}")
        return exits.USAGE
    found = findings.text(result, sys.stderr, notes=args.notes)
    if found:
        terminal.warn(found)
    lines = [*result.written, *result.notes]
    if lines or not found:
        terminal.say("\n".join(lines) or "nothing to change")
    return findings.exit_code(result)


def _extras(text: str) -> frozenset[str]:
    names = frozenset(filter(None, text.split(",")))
    unknown = sorted(names - set(EXTRAS))
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is neither of {', '.join(EXTRAS)}")
    return names
