"""`mlwright explain CODE`: the long text of a diagnostic's code, with an example that fails and one that passes."""

from __future__ import annotations

import argparse
import textwrap

from mlwright.cli import exits, terminal
from mlwright.diag.codes import CODES, Code


def configure(parser: argparse.ArgumentParser) -> None:
    """One code; none lists them all."""
    parser.add_argument("code", metavar="CODE", nargs="?", help="such as REF001 (default: list all codes)")


def execute(args: argparse.Namespace) -> int:
    """Exit 0, or 2 for a code that does not exist."""
    if args.code is None:
        terminal.say("\n".join(f"{code.code}  {code.title}" for code in CODES.values()))
        return exits.CLEAN
    code = CODES.get(args.code.upper())
    if code is None:
        from mlwright.source.suggest import closest

        near = closest(args.code.upper(), list(CODES))
        hint = f"did you mean {near}? " if near else ""
        terminal.warn(f"mlwright explain: there is no code {args.code!r}: {hint}`mlwright explain` lists all codes")
        return exits.USAGE
    terminal.say(render(code))
    return exits.CLEAN


def render(code: Code) -> str:
    """Title, explanation, and the two examples, at most 80 columns but for the examples."""
    parts = [f"{code.severity}[{code.code}]: {code.title}", textwrap.fill(code.explanation, 80)]
    for heading, example in (
        ("Refused:" if code.severity == "error" else "Reported:", code.bad),
        ("Instead:", code.good),
    ):
        if example:
            parts.append(f"{heading}\n\n{textwrap.indent(example.strip(chr(10)), '    ')}")
    return "\n\n".join(parts)
