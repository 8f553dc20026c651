"""`mlwright run`: the whole life cycle on this machine, with a real tracking server and no container engine."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TextIO

from mlwright.cli import exits, terminal

if TYPE_CHECKING:
    from mlwright.diag.diagnostic import Diagnostic
    from mlwright.environment import Program


def configure(parser: argparse.ArgumentParser) -> None:
    """Project, environment, pipeline, parameters, limits, serving, resuming."""
    parser.add_argument("path", metavar="PATH", nargs="?", help="mlproject.yaml or its folder (default: here)")
    parser.add_argument("--env", metavar="E", help="default: the environment marked `default`, else the only one")
    parser.add_argument("--pipeline", metavar="P", default="", help="default: main, else the only one")
    parser.add_argument("--param", metavar="N=V", action="append", default=[], help="a parameter; may be repeated")
    parser.add_argument("--max-trials", metavar="N", type=_count, default=0, help="at most N trials of tuning")
    parser.add_argument("--serve", action="store_true", help="leave the endpoint up until Ctrl-C")
    parser.add_argument(
        "--resume", metavar="RUN", default="", help="go on with an earlier run: finished steps are not run again"
    )


def execute(args: argparse.Namespace) -> int:
    """Exit 0 succeeded, 1 failed or findings, 2 the request makes no sense, 130 interrupted."""
    with _ending_at_once():
        from mlwright import environment
        from mlwright.runner import RunOptions, run
        from mlwright.runner.params import split, typed

        program = environment.program(args.path, env=args.env)
    given, wrong = split(args.param)
    if program.project is not None and (given or wrong):
        values, more = typed(program.project, given)
        if wrong or more:
            terminal.warn(_rendered(program, (*wrong, *more), sys.stderr))
            return exits.USAGE
        program = environment.program(args.path, env=args.env, params=values)
    found = [item for item in program.result.diagnostics if item.severity != "note"]  # notes are about what is emitted
    if found:
        terminal.warn(_rendered(program, found, sys.stderr))
    if program.result.usage_error:
        if not found:
            terminal.warn(_folded(f"mlwright run: {program.result.usage_error}"))
        return exits.USAGE
    if program.project is None:
        return exits.FINDINGS
    options = RunOptions(
        spec_folder=program.folder,
        pipeline=args.pipeline,
        params=args.param,
        max_trials=args.max_trials,
        serve=args.serve,
        resume=args.resume,
        words=_words(args),
        left_out=tuple(item.message for item in program.result.diagnostics if item.code == "LOCK002"),
        render=lambda findings, stream: _rendered(program, findings, stream),
    )
    return run(program.project, options, sys.stdout, sys.stderr)


@contextlib.contextmanager
def _ending_at_once() -> Iterator[None]:
    """While nothing has been started, Ctrl-C simply ends us: libraries that are being imported make errors of their
    own out of a KeyboardInterrupt."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, lambda *_: os._exit(exits.INTERRUPTED))
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, before)


def _rendered(program: Program, found: Iterable[Diagnostic], stream: TextIO) -> str:
    from mlwright.diag.render.text import render

    placed = program.located(found)
    coloured, closing = terminal.coloured(stream), stream is sys.stderr
    return render(placed, program.result.read, coloured, terminal.columns(), closing=closing).rstrip()


def _words(args: argparse.Namespace) -> list[str]:
    """What of the command line says which run it is."""
    trials = str(args.max_trials) if args.max_trials else ""
    named = [("--env", args.env), ("--pipeline", args.pipeline), ("--max-trials", trials)]
    named += [("--param", word) for word in args.param]
    return [*([args.path] if args.path else []), *(word for name, value in named if value for word in (name, value))]


def _folded(text: str) -> str:
    from mlwright.diag.render.columns import wrap

    first, *rest = wrap(text, terminal.columns() - 2, terminal.columns())
    return "\n".join((first, *(f"  {line}" for line in rest)))


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**6):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of trials: at least 1")
    return int(text)
