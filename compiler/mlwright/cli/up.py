"""`mlwright up`: compile, start the Compose output, and watch the pipeline to its end."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from mlwright.cli import engine, exits, findings, terminal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mlwright.diag.diagnostic import Diagnostic
    from mlwright.engine.compose import Compose
    from mlwright.environment import Program


def configure(parser: argparse.ArgumentParser) -> None:
    """Project, environment, pipeline, run, images, and how long to wait."""
    engine.configure(parser)
    parser.add_argument("--pipeline", metavar="P", default="", help="default: main, else the only one")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--new-run", action="store_true", help="a run of its own, instead of going on with the last one")
    which.add_argument("--run", metavar="ID", type=_run_id, help="go on with this run, or give a new one a name")
    parser.add_argument(
        "--build",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="build images anew, or take what is there (default: as each service says)",
    )
    parser.add_argument("--no-serve", action="store_true", help="the pipeline only, no endpoints")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--detach", action="store_true", help="start it and return at once")
    how.add_argument("--schedule", action="store_true", help="start nothing now: let the pipeline follow its schedule")
    parser.add_argument(
        "--timeout", metavar="S", type=_seconds, default=0.0, help="wait at most S seconds; the run itself goes on"
    )


def execute(args: argparse.Namespace) -> int:
    """Exit 0 succeeded and served, 1 failed, findings or no time left, 2 nothing can be started, 130 interrupted."""
    from mlwright import environment

    program = environment.deployment(args.path, env=args.env)
    found = [item for item in program.result.diagnostics if item.code != findings.FOLDED]
    if found:
        terminal.warn(_rendered(program, found))
    if program.result.usage_error:
        return engine.refuse("up", program.result.usage_error)
    if program.project is None:
        return exits.FINDINGS
    terminal.say("\n".join((*program.result.written, "")).rstrip() or "the output is up to date")
    from mlwright.engine.compose import EngineError
    from mlwright.runner import plan as plans

    try:
        plan = plans.make(program.project, plans.choose(program.project, args.pipeline))
    except plans.RefusedError as refused:
        terminal.warn(_rendered(program, program.located(refused.findings)))
        return exits.USAGE
    compose = engine.connect("up", program.output, program.folder)
    if isinstance(compose, int):
        return compose
    if compose.missing:
        return _unset(compose)
    try:
        return _start(args, program, plan, compose)
    except EngineError as problem:
        from mlwright.engine.refusals import explain

        return engine.refuse("up", explain(str(problem), compose.env))


def _start(args: argparse.Namespace, program: Program, plan: object, compose: Compose) -> int:
    from dataclasses import replace

    from mlwright.engine import runs
    from mlwright.engine.up import Request, up
    from mlwright.runner.folder import Folder
    from mlwright.runner.identity import git_facts
    from mlwright.runner.plan import Plan

    assert isinstance(plan, Plan) and program.project is not None
    pipeline = plan.pipeline.name
    if args.schedule:
        return _follow(args, plan, compose)
    run = args.run or (runs.fresh(pipeline) if args.new_run else runs.current(compose, pipeline))
    ready = replace(compose, env={**compose.env, **git_facts(program.folder), "MLWRIGHT_RUN": run})
    name = program.project.name
    where = f"({program.project.environment.name}, pipeline {pipeline})"
    terminal.say(engine.folded(f"{compose.program}: run {run} of {name} {where}"))
    request = Request(
        run=run,
        serve=not args.no_serve,
        detach=args.detach,
        build=args.build,
        timeout=args.timeout,
        words=engine.words(args),
        render=lambda found: _rendered(program, program.located(found)),
    )
    return up(ready, plan, Folder(program.folder), request, sys.stdout, sys.stderr)


def _follow(args: argparse.Namespace, plan: object, compose: Compose) -> int:
    from dataclasses import replace

    from mlwright.engine import refusals, schedules
    from mlwright.runner.folder import Folder
    from mlwright.runner.identity import git_facts
    from mlwright.runner.plan import Plan

    assert isinstance(plan, Plan)
    services = schedules.services(compose.stack, plan.pipeline.name)
    if not services:
        why = "development environments pause schedules" if plan.pipeline.schedule.cron else "give it a `schedule`"
        return engine.refuse("up", f"the pipeline `{plan.pipeline.name}` follows no schedule here: {why}")
    ready = replace(compose, env={**compose.env, **git_facts(compose.beside)})
    terminal.say(f"{compose.program}: {len(services)} services for the schedule of {plan.pipeline.name}")
    name = plan.project.environment.name
    said = schedules.start(ready, services, Folder(compose.beside), name, args.build)
    if said:
        terminal.warn("\n".join(f"  | {line}" for line in said.splitlines()[-20:]))
        terminal.warn(f"mlwright up: {refusals.explain(said, compose.env)}")
        return exits.FINDINGS
    words = " ".join(engine.words(args))
    terminal.say(schedules.told(plan.pipeline, f" {words}" if words else "", services[0].name))
    return exits.CLEAN


def _unset(compose: Compose) -> int:
    width = max(map(len, compose.missing))
    rows = (f"  {name:<{width}}  {compose.stack.required[name]}" for name in compose.missing)
    where = " or ".join(engine.nearby(place / ".env") for place in (compose.beside, compose.stack.folder))
    count = len(compose.missing)
    terminal.warn(
        f"mlwright up: {count} variable{'s have' if count > 1 else ' has'} no value:\n"
        + "\n".join(rows)
        + f"\nPut NAME=VALUE into {where}, or set it in the environment."
    )
    return exits.USAGE


def _rendered(program: Program, found: Iterable[Diagnostic]) -> str:
    from mlwright.diag.render.text import render

    coloured = terminal.coloured(sys.stderr)
    return render(tuple(found), program.result.read, coloured, terminal.columns(), closing=False).rstrip()


def _run_id(text: str) -> str:
    from mlwright.engine.runs import valid

    if not valid(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a run: letters, digits, . _ - and at most 128 of them")
    return text


def _seconds(text: str) -> float:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**9):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds: at least 1")
    return float(text)
