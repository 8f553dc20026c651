"""`mlwright logs`: what containers wrote, by the step's path in the spec or by the service's name."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlwright.cli import engine, exits

if TYPE_CHECKING:
    from mlwright.engine.stack import Stack


def configure(parser: argparse.ArgumentParser) -> None:
    """Project, environment, steps, and how much of them."""
    parser.add_argument(
        "names",
        metavar="[PATH] [SERVICE]",
        nargs="*",
        help="the project (default: here), then steps as the spec calls them (`steps.features`) or services",
    )
    parser.add_argument("--env", metavar="E", help=engine.ENVIRONMENT)
    parser.add_argument("-f", "--follow", action="store_true", help="go on until Ctrl-C")
    parser.add_argument("--tail", metavar="N", type=_count, help="the last N lines of each only")


def execute(args: argparse.Namespace) -> int:
    """Exit 0, 2 where a name means nothing or there is nothing to work on, 130 after Ctrl-C."""
    args.path, asked = _split(args.names)
    compose = engine.existing("logs", args)
    if isinstance(compose, int):
        return compose
    chosen: dict[str, None] = {}
    for word in asked:
        found = compose.stack.named(word)
        if not found:
            return engine.refuse("logs", _unknown(compose.stack, word))
        chosen.update(dict.fromkeys(item.name for item in found))
    from mlwright.engine.compose import EngineError
    from mlwright.engine.refusals import explain

    try:
        there = {item.service for item in compose.containers()}
    except EngineError as problem:
        return engine.refuse("logs", explain(str(problem), compose.env))
    if not there or (chosen and there.isdisjoint(chosen)):
        what = ", ".join(asked) or "this environment"
        return engine.refuse("logs", f"no container of {what} is there: `mlwright up` starts it")
    flags = [*(["--follow"] if args.follow else []), *(["--tail", args.tail] if args.tail else [])]
    flags += ["--no-log-prefix"] if len(chosen) == 1 else []
    code = compose.run("logs", *flags, *chosen)
    return exits.CLEAN if code == 0 else exits.FINDINGS


def _split(names: Sequence[str]) -> tuple[str | None, Sequence[str]]:
    """(the project's path or None, names of steps): a path is a project file, or a folder that has one."""
    if names:
        first = Path(names[0])
        if first.suffix in (".yaml", ".yml") or (first / "mlproject.yaml").is_file():
            return names[0], names[1:]
    return None, names


def _unknown(stack: Stack, word: str) -> str:
    from mlwright.source.suggest import did_you_mean

    nodes = dict.fromkeys(item.node for item in stack.services.values() if item.node)
    hint = did_you_mean(word, (*nodes, *stack.services)) or f"there is {', '.join(nodes)}"
    return f"no step or service is called `{word}`: {hint}"


def _count(text: str) -> str:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of lines")
    return text
