"""`mlwright targets`: what is installed, and how far each target expresses the fields it knows about."""

from __future__ import annotations

import argparse
from collections import Counter

from mlwright.cli import exits, terminal
from mlwright.registry import BrokenTargetError, Registry, UnknownTargetError, installed
from mlwright.target import Capability, Support, Target

_ORDER: tuple[Support, ...] = ("exact", "emulated", "ignored", "refused")


def configure(parser: argparse.ArgumentParser) -> None:
    """A target's name, for its whole table."""
    parser.add_argument("name", metavar="TARGET", nargs="?", help="show every field of one target (default: list all)")


def execute(args: argparse.Namespace) -> int:
    """Exit 0; 2 for a target that is not installed or cannot be loaded."""
    registry = installed()
    try:
        terminal.say(_overview(registry) if args.name is None else _table(registry.get(args.name)))
    except (UnknownTargetError, BrokenTargetError) as problem:
        terminal.warn(f"mlwright targets: {problem}")
        return exits.USAGE
    return exits.CLEAN


def _overview(registry: Registry) -> str:
    if not registry.names:
        return "no target is installed"
    width = max(map(len, registry.names))
    rows = [f"{name:<{width}}  {_counts(registry.get(name).capabilities)}" for name in registry.names]
    return "\n".join([*rows, "", "`mlwright targets NAME` shows the fields."])


def _counts(capabilities: tuple[Capability, ...]) -> str:
    counted = Counter(capability.support for capability in capabilities)
    return ", ".join(f"{counted[support]} {support}" for support in _ORDER if counted[support])


def _table(target: Target) -> str:
    rows = sorted(target.capabilities, key=lambda row: (_ORDER.index(row.support), row.field, row.values))
    width = max((len(_field(row)) for row in rows), default=0)
    return "\n".join(f"{row.support:<8}  {_field(row):<{width}}  {row.why}".rstrip() for row in rows)


def _field(capability: Capability) -> str:
    return f"{capability.field}={'|'.join(capability.values)}" if capability.values else capability.field
