"""`mlwright targets`: what is installed, how far each target expresses the fields it knows, and who owns which node."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mlwright.cli import exits, terminal
from mlwright.registry import BrokenTargetError, UnknownTargetError, installed
from mlwright.target import Capability, Support

if TYPE_CHECKING:
    from mlwright.platform import Owned

_ORDER: tuple[Support, ...] = ("exact", "emulated", "ignored", "refused")
_Tables = Mapping[str, tuple[Capability, ...]]


def configure(parser: argparse.ArgumentParser) -> None:
    """A target's name, for its whole table; an environment, for the owners of its nodes."""
    parser.add_argument("name", metavar="TARGET", nargs="?", help="show every field of one target (default: list all)")
    parser.add_argument(
        "--env", metavar="E", help="show which target owns which node of the project here, and why (TARGET: its nodes)"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")


def execute(args: argparse.Namespace) -> int:
    """Exit 0; 1 for a project with errors, 2 for a target that is not installed or cannot be loaded."""
    registry = installed()
    try:
        names = registry.names if args.name is None else (args.name,)
        tables = {name: registry.get(name).capabilities for name in names}
    except UnknownTargetError as problem:
        name = str(args.name)
        if "/" in name or name.endswith((".yaml", ".yml")):
            return _usage(f"{name!r} is no target's name; the project is the one in the folder you are in: cd there")
        return _usage(str(problem))
    except BrokenTargetError as problem:
        return _usage(str(problem))
    if args.env is not None:
        return _environment(args)
    if args.format == "json":
        _say_json({name: [dataclasses.asdict(row) for row in table] for name, table in tables.items()})
    else:
        terminal.say(_overview(tables) if args.name is None else _table(tables[args.name]))
    return exits.CLEAN


def _environment(args: argparse.Namespace) -> int:
    from mlwright import environment
    from mlwright.cli import findings

    result, nodes = environment.owned(args.env)
    if result.usage_error:
        return _usage(result.usage_error)
    if result.failed:
        terminal.warn(findings.text(result, sys.stderr, notes=False))
        return exits.FINDINGS
    found = [one for one in nodes if args.name in (None, one.target)]
    if args.format == "json":
        _say_json([dataclasses.asdict(one) for one in found])
    elif found:
        terminal.say(_owners(found))
    elif nodes:
        terminal.say(f"target {args.name} owns nothing in environment {args.env}")
    else:
        terminal.say(f"no target has anything to write in environment {args.env}: `mlwright run --env {args.env}`")
    return exits.CLEAN


def _owners(nodes: list[Owned]) -> str:
    rows = [("node", "kind", "target", "why"), *((one.node, one.kind, one.target or "-", one.why) for one in nodes)]
    first, second, third = (max(len(row[column]) for row in rows) for column in range(3))
    return "\n".join(f"{node:<{first}}  {kind:<{second}}  {target:<{third}}  {why}" for node, kind, target, why in rows)


def _overview(tables: _Tables) -> str:
    if not tables:
        return "no target is installed"
    width = max(map(len, tables))
    rows = [f"{name:<{width}}  {_counts(table)}" for name, table in tables.items()]
    return "\n".join([*rows, "", "`mlwright targets NAME` shows the fields."])


def _counts(capabilities: tuple[Capability, ...]) -> str:
    counted = Counter(capability.support for capability in capabilities)
    return ", ".join(f"{counted[support]} {support}" for support in _ORDER if counted[support])


def _table(capabilities: tuple[Capability, ...]) -> str:
    rows = sorted(capabilities, key=lambda row: (_ORDER.index(row.support), row.field, row.values))
    width = max((len(_field(row)) for row in rows), default=0)
    return "\n".join(f"{row.support:<8}  {_field(row):<{width}}  {row.why}".rstrip() for row in rows)


def _field(capability: Capability) -> str:
    return f"{capability.field}={'|'.join(capability.values)}" if capability.values else capability.field


def _say_json(value: object) -> None:
    import json

    terminal.say(json.dumps(value, indent=2, ensure_ascii=False))


def _usage(text: str) -> int:
    terminal.warn(f"mlwright targets: {text}")
    return exits.USAGE
