"""`mlwright check`: whether the output beside each project is what the project compiles to."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlwright.cli import exits, findings, terminal

if TYPE_CHECKING:
    from mlwright.api import Checked
    from mlwright.review.staleness.project import Inspection, Output

_SHOWN = 10
"""Files of one kind that are named; the other formats name all."""
_NO = ("", "0", "false", "no", "off")


def configure(parser: argparse.ArgumentParser) -> None:
    """Paths, one environment, how thoroughly, what to do about it, and the format."""
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="*",
        help="mlproject.yaml, a folder to search, or any file that a project is made from (default: here)",
    )
    parser.add_argument("--env", metavar="E", help="one environment only (default: all)")
    parser.add_argument("-o", "--output", metavar="DIR", help="where the output is (default: manifests/)")
    parser.add_argument("--changed-since", metavar="REV", help="only projects that a change since REV can affect")
    parser.add_argument(
        "--full", action="store_true", help="compile and compare, whatever index.json says (default where CI is set)"
    )
    parser.add_argument("--fix", action="store_true", help="write what is not current, remove what is left over")
    parser.add_argument("--force", action="store_true", help="with --fix: take back edits by hand, kept as a patch")
    parser.add_argument("--format", choices=findings.FORMATS, default="text", help="default: text")


def execute(args: argparse.Namespace) -> int:
    """Exit 0 current, 1 not, 2 when there is nothing to check, 3 where nothing explains what is there."""
    if args.force and not args.fix:
        terminal.warn("mlwright check: --force goes with --fix")
        return exits.USAGE
    full = args.full or os.environ.get("CI", "").lower() not in _NO
    if not full and not _asks_more(args) and (count := _current(args)):
        terminal.say(_closing(count, 0))
        return exits.CLEAN
    from mlwright import api

    checked = api.check(
        args.paths,
        env=args.env,
        output=args.output,
        since=args.changed_since or "",
        full=full,
        fix=args.fix,
        force=args.force,
        apart=True,
    )
    if checked.result.usage_error:
        terminal.warn(f"mlwright check: {checked.result.usage_error}")
        return exits.USAGE
    if args.format == "text":
        terminal.say("\n".join(_text(checked, args.output)))
    else:
        for line in checked.fixed:
            terminal.warn(line)
        terminal.say(findings.render(checked.result, args.format, sys.stdout, notes=True))
    for line in checked.refused:
        terminal.warn(f"mlwright check: {line}")
    if checked.unexplained:
        return exits.BUG
    return exits.FINDINGS if checked.result.failed else exits.CLEAN


def _asks_more(args: argparse.Namespace) -> bool:
    return bool(args.fix or args.changed_since is not None or args.format != "text")


def _current(args: argparse.Namespace) -> int:
    """How many projects there are where digests say of all that they are current, else 0."""
    from mlwright.review.staleness import affected, quick

    specs = affected.select(args.paths)
    if isinstance(specs, str) or (args.output is not None and len(specs) > 1):
        return 0
    return len(specs) if quick.all_current(specs, env=args.env, output=args.output) else 0


def _text(checked: Checked, output: str | None) -> Iterator[str]:
    """For people: a block for each project that is not current, folded, with what to type."""
    from mlwright.diag.render.text import render
    from mlwright.review.staleness.findings import remedies

    yield from checked.fixed
    wrong = 0
    for item in checked.inspections:
        lines = [line for one in item.outputs for line in _output(one)]
        if item.findings and not item.broken:
            lines.append(
                render(item.findings, checked.result.read, terminal.coloured(sys.stdout), terminal.columns()).rstrip()
            )
        help = [f"  fix: {line}" for line in remedies(item, output)]
        if lines or help:
            yield "\n".join([item.spec, *lines, *help])
        wrong += _is_wrong(item)
    yield _closing(checked.current + len(checked.inspections) - wrong, wrong)


def _is_wrong(item: Inspection) -> bool:
    mild = ("foreign", "compiler-changed")
    return bool(item.findings or item.broken) or any(
        one.status in ("missing", "removed")
        or one.unreadable
        or one.turned
        or any(file.state not in mild for file in one.files)
        for one in item.outputs
    )


def _output(one: Output) -> Iterator[str]:
    from mlwright.review.staleness.findings import counted, reason

    head = reason(one)
    groups = counted(one.files)
    if not head and not groups:
        return
    yield f"  {one.environment}: {head or one.folder}"
    for state, paths in groups.items():
        more = f", and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
        yield f"    {state.replace('-', ' ')}: {', '.join(paths[:_SHOWN])}{more}"


def _closing(current: int, wrong: int) -> str:
    def count(number: int) -> str:
        return f"{number} project{'' if number == 1 else 's'}"

    if not wrong:
        return f"{count(current)} checked: nothing to do"
    return f"{count(wrong)} of {current + wrong} to mend"
