"""`mlwright explain`: a diagnostic's code, a place in the project file, or a line of an emitted file."""

from __future__ import annotations

import argparse
import os
import re
import sys
import textwrap
from typing import TYPE_CHECKING

from mlwright.cli import exits, terminal
from mlwright.diag.codes import CODES, Code

if TYPE_CHECKING:
    from mlwright.inquiry.errors import BrokenProjectError

_CODE = re.compile(r"[A-Za-z]{2,10}\d{3}")
_LINE = re.compile(r"(.+?):(\d+)(?::(\d+))?")


def configure(parser: argparse.ArgumentParser) -> None:
    """One thing to explain, and where; nothing lists all codes."""
    parser.add_argument(
        "what",
        metavar="WHAT",
        nargs="?",
        help="a code (REF001), a place in the project file (training.resources.gpu), or FILE:LINE[:COL] of an emitted"
        " file or of a project file (default: list all codes)",
    )
    parser.add_argument("project", metavar="PROJECT", nargs="?", help="mlproject.yaml, or its folder (default: here)")
    parser.add_argument("--env", metavar="E", help="one environment, with every line that it became (default: a table)")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")


def execute(args: argparse.Namespace) -> int:
    """Exit 0; 1 for a project with errors, 2 for what there is nothing to say of."""
    what = args.what
    if what is None:
        terminal.say("\n".join(f"{code.code}  {code.title}" for code in CODES.values()))
        return exits.CLEAN
    if _CODE.fullmatch(what) and not os.path.exists(what):
        return _code(what, args.format)
    from mlwright.inquiry.errors import BrokenProjectError, InquiryError

    try:
        return _where(args)
    except InquiryError as problem:
        terminal.warn(f"mlwright explain: {problem}")
        return exits.USAGE
    except BrokenProjectError as problem:
        return _broken(problem)


def _code(word: str, form: str) -> int:
    code = CODES.get(word.upper())
    if code is None:
        from mlwright.source.suggest import closest

        near = closest(word.upper(), list(CODES))
        hint = f"did you mean {near}? " if near else ""
        terminal.warn(f"mlwright explain: there is no code {word!r}: {hint}`mlwright explain` lists all codes")
        return exits.USAGE
    if form == "json":
        import dataclasses
        import json

        terminal.say(json.dumps(dataclasses.asdict(code), indent=2, ensure_ascii=False))
    else:
        terminal.say(render(code))
    return exits.CLEAN


def _where(args: argparse.Namespace) -> int:
    from mlwright.api import Result
    from mlwright.cli import provenance
    from mlwright.inquiry.errors import InquiryError

    place = _LINE.fullmatch(args.what)
    if place is not None:
        from mlwright.inquiry import lines

        file, number, col = place[1], int(place[2]), int(place[3]) if place[3] else None
        if not os.path.isfile(file):
            raise InquiryError(f"there is no file {file}: a line is written FILE:LINE, a place like training.resources")
        found = lines.line(file, number, col, project=args.project, env=args.env)
    elif os.path.isfile(args.what):
        raise InquiryError(f"{args.what} is a file: which line of it? Write {args.what}:1")
    else:
        from mlwright.inquiry import fields

        found = fields.field(args.what, args.project, env=args.env)
    if args.format == "json":
        terminal.say(provenance.json(found))
    else:
        terminal.say(provenance.text(found, Result().read, terminal.coloured(sys.stdout), terminal.columns()))
    return exits.CLEAN


def _broken(problem: BrokenProjectError) -> int:
    from mlwright.cli import findings

    terminal.warn(findings.text(problem.result, sys.stderr, notes=False) or f"mlwright explain: {problem}")
    return exits.FINDINGS


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
