"""`mlwright drift`: what applying an environment's output to its cluster would change, and what is left over there."""

from __future__ import annotations

import argparse
import sys

from mlwright.cli import exits, findings, terminal


def configure(parser: argparse.ArgumentParser) -> None:
    """The project, the environment, the cluster and the format."""
    parser.add_argument("path", metavar="PATH", nargs="?", help="mlproject.yaml or its folder (default: here)")
    parser.add_argument("--env", metavar="E", help="default: the environment marked `default`, else the only one")
    parser.add_argument("--context", metavar="C", default="", help="of the kubeconfig (default: its current one)")
    parser.add_argument(
        "--kubeconfig",
        metavar="FILE",
        default="",
        help="default: KUBECONFIG, else ~/.kube/config, else this pod's account",
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")


def execute(args: argparse.Namespace) -> int:
    """Exit 0 where all is as it should be, 1 where anything differs or could not be compared, 2 without a cluster."""
    from mlwright import environment
    from mlwright.review.drift import show

    result, found = environment.drift(args.path, env=args.env, kubeconfig=args.kubeconfig, context=args.context)
    if any(item.severity == "error" for item in result.diagnostics):
        terminal.warn(findings.text(result, sys.stderr, notes=False))
    if result.usage_error:
        terminal.warn(f"mlwright drift: {result.usage_error}")
        return exits.USAGE
    if found is None:
        return findings.exit_code(result)
    if args.format == "json":
        terminal.say(show.document(found))
    else:
        terminal.say(show.text(found, colour=terminal.coloured(sys.stdout)))
    return exits.FINDINGS if found.objects else exits.CLEAN
