"""What `up`, `down` and `logs` share: which output, which Compose program, and how refusals are shown."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from mlwright.cli import exits, terminal

if TYPE_CHECKING:
    from mlwright.engine.compose import Compose

ENVIRONMENT = "default: the environment marked `default` if it is for Compose, else the only one that is"


def configure(parser: argparse.ArgumentParser) -> None:
    """The project and its environment."""
    parser.add_argument("path", metavar="PATH", nargs="?", help="mlproject.yaml or its folder (default: here)")
    parser.add_argument("--env", metavar="E", help=ENVIRONMENT)


def refuse(command: str, why: str) -> int:
    """Say why nothing was done. Exit 2."""
    terminal.warn(folded(f"mlwright {command}: {why}"))
    return exits.USAGE


def folded(text: str) -> str:
    """One line of text, over several where the terminal is too narrow."""
    from mlwright.diag.render.columns import wrap

    first, *rest = wrap(text, terminal.columns() - 2, terminal.columns())
    return "\n".join((first, *(f"  {line}" for line in rest)))


def words(args: argparse.Namespace) -> tuple[str, ...]:
    """What of the command line says which project and environment it is."""
    return (*((args.path,) if args.path else ()), *(("--env", args.env) if args.env else ()))


def nearby(path: Path) -> str:
    """`path` as one would type it here."""
    near = os.path.relpath(path)
    return str(path) if near.startswith("../..") else near


def connect(command: str, output: Path, spec: Path) -> Compose | int:
    """The Compose project in the folder `output` of the spec in the folder `spec`, or the exit code."""
    from mlwright.engine import compose, programs, stack

    try:
        loaded = stack.load(output)
    except (OSError, ValueError) as problem:
        return refuse(command, f"{nearby(output / 'compose.yaml')} cannot be used: {problem}")
    program = programs.find(os.environ.get("PATH", os.defpath))
    if isinstance(program, programs.NoProgram):
        return refuse(command, str(program))
    return compose.connect(program, loaded, os.environ, spec)


def existing(command: str, args: argparse.Namespace) -> Compose | int:
    """The project that `up` has brought up, by what is on disk: it has to work for a spec that does not compile."""
    from mlwright import api, environment
    from mlwright.engine import stack

    spec, wrong = api.only(args.path)
    if wrong:
        return refuse(command, wrong)
    if not Path(spec).is_file():
        return refuse(command, f"there is no project file {spec}")
    folder = Path(spec).resolve().parent
    there = stack.written(folder)
    if args.env and args.env not in there:
        from mlwright.source.suggest import did_you_mean

        hint = did_you_mean(args.env, there) or f"there is {', '.join(there) or 'none'}"
        return refuse(
            command, f"no Compose output of an environment {args.env!r} is in {nearby(folder)}/manifests: {hint}"
        )
    if not there:
        return refuse(command, f"there is no Compose output in {nearby(folder)}/manifests: `mlwright up` makes it")
    chosen = args.env or next(iter(there))
    if not args.env and len(there) > 1:
        default = environment.program(spec).environment
        if default not in there:
            return refuse(command, f"choose an environment with --env: {', '.join(there)}")
        chosen = default
    return connect(command, there[chosen], folder)
