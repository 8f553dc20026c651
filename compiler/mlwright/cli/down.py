"""`mlwright down`: stop and remove containers and networks; data stays unless it is asked for."""

from __future__ import annotations

import argparse

from mlwright.cli import engine, exits, terminal


def configure(parser: argparse.ArgumentParser) -> None:
    """Project, environment, and whether data goes too."""
    engine.configure(parser)
    parser.add_argument("--volumes", action="store_true", help="remove the data too: runs, artifacts, named volumes")


def execute(args: argparse.Namespace) -> int:
    """Exit 0 nothing is left running, 2 there is nothing to work on, or Compose could not."""
    compose = engine.existing("down", args)
    if isinstance(compose, int):
        return compose
    from mlwright.engine.compose import EngineError
    from mlwright.engine.refusals import explain
    from mlwright.engine.states import run_of

    volumes = ", ".join(f"{compose.project}_{name}" for name in compose.stack.volumes)
    try:
        containers = compose.containers()
        count = f"{len(containers)} container{'' if len(containers) == 1 else 's'}"
        terminal.say(engine.folded(f"{compose.program}: removing {count} of {compose.project}"))
        if args.volumes and volumes:
            terminal.say(engine.folded(f"removing the data too: {volumes}"))
        compose.down(*(("--volumes",) if args.volumes else ()))
    except EngineError as problem:
        return engine.refuse("down", explain(str(problem), compose.env))
    run = run_of(containers)
    if volumes and not args.volumes:
        terminal.say(engine.folded(f"kept: {volumes}"))
        if run and not run.startswith("default"):
            again = " ".join(("mlwright up", *engine.words(args), "--run", run))
            terminal.say(f"to go on with its run: {again}")
    return exits.CLEAN
