"""`mlwright lock`: pin aliases of models to versions and tags of images to digests."""

from __future__ import annotations

import argparse
import itertools
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlwright.cli import exits, registries, terminal

if TYPE_CHECKING:
    from mlwright.remote.locking import Change, Locked, Mode

_SAID = {
    "added": "+",
    "moved": "~",
    "dropped": "-",
    "absent": ".",
    "gone": "!",
    "built": ".",
    "skipped": ".",
    "failed": "!",
}
"""How a line of each kind begins; what is as it was has no line."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Projects, environment, what to do, and which servers to ask."""
    parser.add_argument(
        "paths", metavar="PATH", nargs="*", help="mlproject.yaml, or a folder to search (default: here)"
    )
    parser.add_argument("--env", metavar="E", help="one environment (default: all)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--update", action="store_true", help="also follow aliases and tags that have moved on")
    what.add_argument("--check", action="store_true", help="write nothing; exit 1 where --update would change the file")
    registries.configure(parser)
    parser.add_argument(
        "--insecure-registry",
        metavar="HOST",
        action="append",
        default=[],
        help="an image registry with any certificate or none; may be repeated",
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")


def execute(args: argparse.Namespace) -> int:
    """Exit 0 locked (or current), 1 findings, a server that did not answer, drift, 2 usage or configuration."""
    from mlwright import api, registry
    from mlwright.remote import lockfile, locking
    from mlwright.remote.logins import Logins
    from mlwright.remote.oci import Registries
    from mlwright.source.files import Disk

    found = api.projects(args.paths)
    if isinstance(found, str):
        terminal.warn(f"mlwright lock: {found}")
        return exits.USAGE
    mode: Mode = "check" if args.check else "update" if args.update else "add"
    images = Registries(logins=lambda: Logins.of(os.environ, Path.home()), insecure=frozenset(args.insecure_registry))
    done: list[Locked] = []
    for spec in found:
        try:
            one = locking.lock(
                Disk("."),
                spec,
                registry.installed(),
                mode=mode,
                env=args.env,
                connect=registries.connector(args.tracking_uri),
                resolve=images.resolve,
            )
        except (OSError, lockfile.ChangedError) as error:
            terminal.warn(f"mlwright lock: cannot write the lock of {spec}: {error}")
            return exits.FINDINGS
        if one.usage_error:
            terminal.warn(f"mlwright lock: {one.usage_error}")
            return exits.USAGE
        registries.show(one.findings)
        done.append(one)
    terminal.say(_json(done) if args.format == "json" else "\n".join(_text(done, mode)))
    return exits.FINDINGS if any(_wrong(one, mode) for one in done) else exits.CLEAN


def _wrong(one: Locked, mode: Mode) -> bool:
    if any(item.severity == "error" for item in one.findings) or any(c.state == "failed" for c in one.changes):
        return True
    return mode == "check" and (one.differs or any(change.state == "gone" for change in one.changes))


def _text(done: Sequence[Locked], mode: Mode) -> Iterator[str]:
    for one in done:
        if any(item.severity == "error" for item in one.findings):
            yield f"{one.path}: not looked at, because of the errors above"
            continue
        yield from _lines(one)
        yield f"{one.path}: {_sum(one, mode)}"


def _lines(one: Locked) -> Iterator[str]:
    """A line for each entry that is not as it was, below its environment, where a reason that all have stands once."""
    shown = [change for change in one.changes if change.state != "same" or change.why]
    for name, group in itertools.groupby(shown, key=lambda change: change.environment):
        entries = list(group)
        common = entries[0].why if len(entries) > 1 and len({change.why for change in entries}) == 1 else ""
        server = f", at {one.servers[name]}" if name in one.servers and one.servers[name] not in common else ""
        yield f"{name or 'images'}{server}:{f' {common}' if common else ''}"
        for change in entries:
            what = _what(replace(change, why="") if common else change)
            yield f"  {_SAID.get(change.state, ' ')} {change.key}{what}"


def _what(change: Change) -> str:
    before, after = _short(change, change.before), _short(change, change.after)
    said = {
        "added": f" = {after}",
        "moved": f": {before} -> {after}" if before != after else f": {after}, whose entry has changed",
        "dropped": f" (was {before})",
        "gone": f" stays {before}",
        "failed": f" stays {before}" if before else " is not locked",
        "skipped": f" stays {before}" if before else " is not locked",
        "absent": "" if change.why else " is not there yet",
        "same": f" = {after}",
    }.get(change.state, "")
    return f"{said}: {change.why}" if change.why else said


def _short(change: Change, text: str) -> str:
    if not text:
        return ""
    return f"version {text}" if change.environment else text[: len("sha256:") + 12]


def _sum(one: Locked, mode: Mode) -> str:
    count = Counter[str](change.state for change in one.changes)
    words = {"added": "added", "moved": "moved on", "dropped": "no longer used"}
    if mode != "check":
        words = {"added": "added", "moved": "moved", "dropped": "dropped"}
    told = [f"{count[state]} {word}" for state, word in words.items() if count[state]]
    if count["gone"]:
        told.append(f"{count['gone']} gone from the registry")
    if count["failed"]:
        told.append(f"{count['failed']} could not be asked for")
    if not told:
        told = ["written in its one form" if mode != "check" else "not in its one form"] if one.differs else ["current"]
        if mode == "add" and not one.differs:
            told = ["nothing to add; --update follows what has moved on"] if count["same"] else ["nothing to lock"]
    fix = " (mlwright lock --update)" if mode == "check" and one.differs else ""
    return ", ".join(told) + fix


def _json(done: Sequence[Locked]) -> str:
    import json

    return json.dumps(
        [
            {
                "lock": one.path,
                "differs": one.differs,
                "servers": dict(one.servers),
                "errors": [item.message for item in one.findings if item.severity == "error"],
                "entries": [
                    {
                        "environment": change.environment,
                        "key": change.key,
                        "state": change.state,
                        "before": change.before,
                        "after": change.after,
                        "why": change.why,
                        "uses": list(change.uses),
                    }
                    for change in one.changes
                ],
            }
            for one in done
        ],
        indent=2,
        ensure_ascii=False,
    )
