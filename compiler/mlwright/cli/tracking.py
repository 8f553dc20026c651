"""`mlwright tracking`: experiments, registered models, aliases, webhooks and permissions of a live tracking server,
compared with the project file (`plan`) and made so (`apply`)."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from mlwright.cli import exits, findings, terminal

if TYPE_CHECKING:
    from mlwright.remote.changes import Plan
    from mlwright.remote.client import Client
    from mlwright.remote.wanted import Wanted


def configure(parser: argparse.ArgumentParser) -> None:
    """What to do, paths, the environment, the server, pruning, format and exit code."""
    parser.add_argument("action", choices=("plan", "apply"), help="say what differs, or also make it so")
    parser.add_argument(
        "paths", metavar="PATH", nargs="*", help="mlproject.yaml, or a folder to search (default: here)"
    )
    parser.add_argument("--env", metavar="E", help="default: the environment marked `default`, else the only one")
    parser.add_argument(
        "--tracking-uri", metavar="URL", default="", help="default: MLFLOW_TRACKING_URI, else the environment's server"
    )
    parser.add_argument("--prune", action="store_true", help="delete what is ours and no longer in the project file")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    parser.add_argument("--detailed-exitcode", action="store_true", help="plan: exit 1 where anything differs")


def execute(args: argparse.Namespace) -> int:
    """Exit 0 done, 1 what failed (with --detailed-exitcode: what differs), 2 no server or a request without sense."""
    from mlwright import environment
    from mlwright.remote import show
    from mlwright.remote.address import OPTION, VARIABLE, AddressError
    from mlwright.remote.http import RemoteError, UnreachableError

    if args.detailed_exitcode and args.action == "apply":
        terminal.warn("mlwright tracking: --detailed-exitcode goes with `plan`")
        return exits.USAGE
    result, wanted = environment.tracked(args.paths, env=args.env, environ=os.environ)
    found = [item for item in result.diagnostics if item.severity == "error"]
    if found:
        from mlwright.diag.render.text import render

        terminal.warn(render(found, result.read, terminal.coloured(sys.stderr), terminal.columns()).rstrip())
    if result.usage_error:
        terminal.warn(f"mlwright tracking: {result.usage_error}")
        return exits.USAGE
    if found:
        return findings.exit_code(result)
    try:
        servers = _servers(wanted, args.tracking_uri)
    except AddressError as error:
        terminal.warn(f"mlwright tracking: {error}")
        return exits.USAGE
    plans: list[Plan] = []
    problems: list[str] = []
    for server, here in servers:
        try:
            plans += _one(server, here, args)
        except UnreachableError as error:
            problems.append(f"{error}; is the server up, and is that where? {OPTION} or {VARIABLE} name another")
        except RemoteError as error:
            problems.append(str(error))
    done = args.action == "apply"
    if args.format == "json":
        terminal.say(show.document(plans, done=done))
    elif plans:
        terminal.say(show.text(plans, done=done, colour=terminal.coloured(sys.stdout)))
    for problem in problems:
        terminal.warn(f"mlwright tracking: {problem}")
    failed = any(change.action == "failed" for one in plans for change in one.changes)
    drift = args.detailed_exitcode and any(one.drift for one in plans)
    return exits.FINDINGS if problems or failed or drift else exits.CLEAN


def _servers(wanted: tuple[Wanted, ...], option: str) -> list[tuple[Client, list[Wanted]]]:
    """The projects by server and account: objects of one server are read once."""
    from mlwright.remote.address import find

    found: dict[tuple[str, str], tuple[Client, list[Wanted]]] = {}
    for one in wanted:
        auth = one.project.tracking.auth
        accounts = (auth.admin, auth.secret) if auth.admin else (auth.secret,)
        client = find(one.project, one.folder, os.environ, option=option, accounts=accounts)
        found.setdefault((client.url, client.username), (client, []))[1].append(one)
    return list(found.values())


def _one(server: Client, wanted: list[Wanted], args: argparse.Namespace) -> tuple[Plan, ...]:
    from mlwright.remote import reconcile, show

    plans = reconcile.plan(server, wanted, prune=args.prune)
    if args.action == "plan":
        return plans
    if args.format == "text":
        terminal.say(show.text(plans, colour=terminal.coloured(sys.stdout)) + "\n")
    return reconcile.apply(server, wanted, plans, prune=args.prune)
