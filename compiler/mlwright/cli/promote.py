"""`mlwright promote`: another version behind an alias."""

from __future__ import annotations

import argparse
import posixpath
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlwright.cli import exits, registries, terminal

if TYPE_CHECKING:
    from mlwright.remote.evidence import Measure
    from mlwright.remote.promotion import Promotion


def configure(parser: argparse.ArgumentParser) -> None:
    """What to promote, where, and whether the registry is told."""
    parser.add_argument("alias", metavar="MODEL@ALIAS", help="for example churn@champion")
    parser.add_argument("path", metavar="PATH", nargs="?", help="mlproject.yaml or its folder (default: here)")
    parser.add_argument(
        "--version", metavar="N", default="", help="default: the version that registration gave its alias to"
    )
    parser.add_argument("--env", metavar="E", help="default: the environment marked `default`, else the only one")
    parser.add_argument("--apply", action="store_true", help="also move the alias in the registry")
    registries.configure(parser)


def execute(args: argparse.Namespace) -> int:
    """Exit 0 promoted (or so already), 1 refused or failed, 2 usage or configuration."""
    from mlwright import api, registry
    from mlwright.remote import lockfile
    from mlwright.remote.promotion import Refusal, promote
    from mlwright.source.files import Disk

    model, _, alias = args.alias.rpartition("@")
    if not model or not alias:
        return _usage(f"{args.alias!r} is not MODEL@ALIAS: write for example churn@champion")
    if args.version and not (args.version.isascii() and args.version.isdigit()):
        return _usage(f"{args.version!r} is not the number of a version")
    spec, wrong = api.only(args.path)
    if wrong:
        return _usage(wrong)
    try:
        done = promote(
            Disk("."),
            spec,
            registry.installed(),
            model=model,
            alias=alias,
            number=args.version,
            env=args.env,
            apply=args.apply,
            connect=registries.connector(args.tracking_uri),
        )
    except (OSError, lockfile.ChangedError) as error:
        terminal.warn(f"mlwright promote: cannot write the lock of {spec}: {error}")
        return exits.FINDINGS
    if isinstance(done, Refusal):
        if done.usage_error:
            return _usage(done.usage_error)
        registries.show(done.findings)
        if done.reason:
            terminal.warn(f"mlwright promote: {done.reason}")
        return exits.FINDINGS
    terminal.say("\n".join(_lines(done)))
    return exits.CLEAN


def _measured(found: Measure) -> str:
    """`test_auc 0.9812 -> 0.9904, better`."""
    before, after = ("not known" if value is None else f"{value:.6g}" for value in (found.before, found.after))
    verdict = {True: ", better", False: ", worse", None: ""}[found.better]
    return f"  {found.metric} {after}" if found.before is None else f"  {found.metric} {before} -> {after}{verdict}"


def _usage(text: str) -> int:
    terminal.warn(f"mlwright promote: {text}")
    return exits.USAGE


def _lines(done: Promotion) -> Iterator[str]:
    moved = f"version {done.before} -> {done.after}" if done.before else f"version {done.after}, the first"
    if done.before == done.after:
        moved = f"version {done.after}, as before"
    yield f"{done.key} in {done.environment}: {moved}{f' ({done.chosen})' if done.chosen else ''}"
    width = max((len(where) for where, _ in done.effects), default=0)
    for where, what in done.effects:
        yield f"  {where:<{width}}  {what}"
    yield from map(_measured, done.measured)
    lock = posixpath.join(posixpath.dirname(done.spec), "mlproject.lock")
    if done.written:
        yield f"{lock}: changed. Next: mlwright compile --env {done.environment}, then commit both"
    else:
        yield f"{lock}: nothing to change"
    alias = f"@{done.key.rpartition('@')[2]}"
    if done.applied:
        yield f"registry: {alias} points at version {done.after}, read back"
    elif done.written:
        yield f"registry: {alias} is where it was; --apply moves it"
