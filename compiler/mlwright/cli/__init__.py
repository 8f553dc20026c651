"""The command line: a light front, one module per command, and the exit codes.

A command module has `SUMMARY` nowhere but in `COMMANDS` below, and two functions: `configure(parser)` adds its options,
`execute(args)` does the work, prints, and returns an exit code. It is imported only when it is asked for, so that
`mlwright --help` costs no more than Python itself.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType

from mlwright import __version__
from mlwright.cli import exits, terminal

COMMANDS: Mapping[str, str] = {
    "init": "a small project that compiles and runs as it is",
    "validate": "all findings in one pass",
    "compile": "write manifests/<environment>/<target>/",
    "check": "whether the output is what the project compiles to",
    "diff": "what a change means: this against another revision",
    "merge-driver": "let git write output anew where a merge leaves it in conflict",
    "run": "the whole life cycle here, without a container engine",
    "up": "compile, start the Compose output here, and watch it to its end",
    "down": "stop and remove what `up` brought up",
    "logs": "what the containers of steps and services wrote",
    "drift": "what a cluster has that differs from the output, field by field",
    "tracking": "plan or apply what the tracking server is to hold",
    "lock": "pin aliases of models and tags of images in mlproject.lock",
    "promote": "put another version behind the alias of a model",
    "explain": "a code, a place in the project file, or a line of the output",
    "env-diff": "what differs between two environments",
    "report": "one HTML page: the project beside all that it compiles to",
    "graph": "data, steps, searches, models and endpoints as a picture",
    "schema": "the JSON Schema of mlproject.yaml, for editors and CI",
    "targets": "the installed targets and what they can express",
}
"""Every command with its one-line summary; the module of the same name in this package (with `_` for `-`) implements
it."""

_PURE = (["compile"], ["validate"], ["check"], ["diff"])
"""Commands that leave nothing to do for the end of the process."""
FLAGS = ("--help", "--version")

_EPILOG = """\
exit codes:
  0 clean, 1 findings or a failed run, 2 usage or configuration,
  3 a bug of mlwright, 130 interrupted

`mlwright COMMAND --help` shows a command's options.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (default: the process's own) and return its exit code; never raises."""
    words = list(sys.argv[1:] if argv is None else argv)
    terminal.prepare()
    try:
        code = _dispatch(words)
    except SystemExit as leave:  # argparse: --help, usage errors
        code = leave.code if isinstance(leave.code, int) else exits.USAGE
    except KeyboardInterrupt:
        terminal.warn("interrupted")
        code = exits.INTERRUPTED
    except Exception as bug:
        code = _report(bug)
    code = terminal.finish(code)
    if argv is None and words[0:1] in _PURE:
        os._exit(code)  # the system frees at once what Python would take apart piece by piece
    return code


def _dispatch(words: list[str]) -> int:
    if not words:
        terminal.warn(_help())
        return exits.USAGE
    name, rest = words[0], words[1:]
    if name in ("-h", "--help") or (name == "help" and not rest):
        terminal.say(_help())
        return exits.CLEAN
    if name in ("-V", "--version"):
        terminal.say(f"mlwright {__version__}")
        return exits.CLEAN
    if name == "help":
        name, rest = rest[0], ["--help"]
    if name not in COMMANDS:
        return _unknown(name)
    gc.set_threshold(100_000, 50, 100)  # nearly all that is imported, read and made stays until the end
    command = module(name)
    from mlwright.cli.parser import Parser

    parser = Parser(name, COMMANDS[name])
    command.configure(parser)
    code: int = command.execute(parser.parse_args(rest))
    return code


def module(name: str) -> ModuleType:
    """The module that implements a command."""
    return importlib.import_module(f"mlwright.cli.{name.replace('-', '_')}")


def _unknown(name: str) -> int:
    kind, choices = ("option", FLAGS) if name.startswith("-") else ("command", tuple(COMMANDS))
    near = _closest(name, choices)
    hint = f"did you mean `mlwright {near}`?" if near else "`mlwright --help` lists the commands"
    terminal.warn(f"mlwright: there is no {kind} `{name}`: {hint}")
    return exits.USAGE


def _help() -> str:
    width = max(map(len, COMMANDS))
    rows = "\n".join(f"  {name:<{width}}  {summary}" for name, summary in COMMANDS.items())
    return (
        "usage: mlwright COMMAND [options]\n\n"
        "Compiles one mlproject.yaml into everything that would be applied, and runs it.\n\n"
        f"commands:\n{rows}\n\n"
        "options:\n  -h, --help     this text\n  -V, --version  the version\n\n" + _EPILOG.rstrip()
    )


def _closest(word: str, choices: Sequence[str]) -> str | None:
    from mlwright.source.suggest import closest

    return closest(word, choices)


def _report(bug: Exception) -> int:
    """Say that this is our fault, and what to send us; the traceback is for those who ask for it."""
    if os.environ.get("MLWRIGHT_DEBUG") == "1":
        import traceback

        terminal.warn("".join(traceback.format_exception(bug)).rstrip())
    terminal.warn(
        f"mlwright {__version__}: this is a bug of mlwright, not of your project: {type(bug).__name__}: {bug}\n"
        "Please report it with the command line and the smallest mlproject.yaml that shows it.\n"
        "MLWRIGHT_DEBUG=1 prints the traceback to add."
    )
    return exits.BUG
