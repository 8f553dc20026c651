"""`mlwright down`: stop and remove containers and networks; data stays unless it is asked for."""

from __future__ import annotations

import argparse

from mlwright.cli import engine, exits, terminal


def configure(parser: argparse.ArgumentParser) -> None:
    """Project, environment, and whether data goes too."""
    engine.configure(parser)
    parser.add_argument("--volumes", action="store_true", help="remove the data too: runs, artifacts, named volumes")


def execute(args: argparse.Namespace) -> int:
    """Exit 0 nothing is left, 1 Compose could not remove everything, 2 there is nothing to work on."""
    compose = engine.existing("down", args)
    if isinstance(compose, int):
        return compose
    from mlwright.engine.compose import EngineError
    from mlwright.engine.refusals import explain
    from mlwright.engine.states import run_of

    stack = compose.stack
    try:
        containers = compose.containers()
    except EngineError as problem:
        return engine.refuse("down", explain(str(problem), compose.env))
    terminal.say(f"{compose.program}: {stack.name}, {len(containers)} container{'' if len(containers) == 1 else 's'}")
    volumes = ", ".join(f"{stack.name}_{name}" for name in stack.volumes)
    if args.volumes and volumes:
        terminal.say(f"removing the data too: {volumes}")
    flags = ("--volumes",) if args.volumes else ()
    if compose.run("down", "--remove-orphans", *flags) != 0:
        return exits.FINDINGS
    run = run_of(containers)
    if volumes and not args.volumes:
        go_on = f"; `mlwright up --run {run}` goes on with that run" if run and not run.startswith("default") else ""
        terminal.say(f"kept: {volumes}{go_on}")
    return exits.CLEAN
