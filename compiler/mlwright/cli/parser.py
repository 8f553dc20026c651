"""What every command's parser has in common."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import NoReturn

from mlwright.cli import exits

_CHOICE = re.compile(r"invalid choice: '([^']*)' \(choose from (.*)\)")
_WORD = re.compile(r"[\w-]+")


class Formatter(argparse.HelpFormatter):
    """Help texts that read the same under every Python version: `-o, --output DIR`."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=80)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {value}"


class Parser(argparse.ArgumentParser):
    """A command's parser: no abbreviations, errors offer the option that was probably meant, the exit code is ours."""

    def __init__(self, name: str, summary: str) -> None:
        super().__init__(
            prog=f"mlwright {name}",
            description=f"{summary[0].upper()}{summary[1:]}.",
            allow_abbrev=False,
            formatter_class=Formatter,
        )

    def error(self, message: str) -> NoReturn:
        hint = _hint(message, [name for name in self._option_string_actions if name.startswith("--")])
        self.print_usage(sys.stderr)
        self.exit(exits.USAGE, f"{self.prog}: {message}{hint}\n")


def _hint(message: str, options: Sequence[str]) -> str:
    """What was probably meant instead of an option or of one of several words."""
    from mlwright.source.suggest import closest

    prefix, near = "unrecognized arguments: ", None
    if message.startswith(prefix):
        word = message.removeprefix(prefix).split()[0].split("=")[0]
        near = closest(word, options) if word.startswith("-") else None
    elif choice := _CHOICE.search(message):
        near = closest(choice[1], _WORD.findall(choice[2]))
    return f" (did you mean {near}?)" if near else ""
