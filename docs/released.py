"""What has been released stays: the language's schemas and the command line, held against schemas/released/.

usage: python docs/released.py [--release]     (`make release-schemas`; without --release only compares, and exits 1
where a document that was good is refused or means something else, or a command line that worked does not any more)
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlwright import cli
from mlwright.cli import exits, schema
from mlwright.cli.parser import Parser
from schemadiff import incompatible  # beside this file

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = (schema.DEFAULT, schema.LOCK, schema.PLATFORM)
COMMANDS = "cli.json"
"""The command line's file among those that are released."""
_HELP = """\
Keep what was, and add beside it. What cannot be kept takes a new version of the language (`apiVersion`), with a schema
file of its own; see the promise in docs/language.md.
"""
Commands = dict[str, Any]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Holds schemas and the command line against the released ones.")
    parser.add_argument("--release", action="store_true", help="keep today's as released, where they are compatible")
    release = parser.parse_args(arguments).release
    found = list(broken())
    for one in found:
        print(one)
    if found:
        print(_HELP.rstrip())
        return 1
    if release:
        folder = ROOT / "schemas" / "released"
        folder.mkdir(exist_ok=True)
        for path in SCHEMAS:
            (folder / Path(path).name).write_bytes((ROOT / path).read_bytes())
        (folder / COMMANDS).write_text(json.dumps(commands(), indent=1) + "\n", encoding="utf-8")
    return 0


def broken() -> Iterator[str]:
    """A line for each thing that was released and is not any more."""
    for path in sorted((ROOT / "schemas" / "released").glob("*.json")):
        old = json.loads(path.read_text(encoding="utf-8"))
        if path.name == COMMANDS:
            yield from (f"{COMMANDS}: {one}" for one in lost(old, commands()))
            continue
        now = ROOT / "schemas" / path.name
        if not now.is_file():
            yield f"{path.name}: documents of this version are not read any more"
            continue
        for change in incompatible(old, json.loads(now.read_text(encoding="utf-8"))):
            yield f"{path.name}: {change}"


def commands() -> Commands:
    """Every command's arguments as they are typed, and the exit codes."""
    found: Commands = {"exit codes": {name: code for name, code in vars(exits).items() if name.isupper()}}
    for name in cli.COMMANDS:
        parser = Parser(name, cli.COMMANDS[name])
        cli.module(name).configure(parser)
        actions = [one for one in parser._actions if not isinstance(one, argparse._HelpAction)]
        places = [one for one in actions if not one.option_strings]
        found[name] = {
            word: shape
            for action in actions
            for word, shape in _argument(action, 1 + places.index(action) if action in places else 0)
        }
    return found


def _argument(action: argparse.Action, place: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is typed for an argument; one without a name is known by its place."""
    shape = {
        "takes": "nothing" if action.nargs == 0 else str(action.nargs or 1),
        "required": action.nargs not in ("?", "*") if place else action.required,
        "choices": sorted(map(str, action.choices)) if action.choices else None,
    }
    for word in action.option_strings or (f"argument {place}",):
        yield word, shape


def lost(old: Commands, new: Commands) -> Iterator[str]:
    """What could be typed and cannot any more, and exit codes that mean something else."""
    for command, words in old.items():
        if command == "exit codes":
            changed = [name for name, code in words.items() if new[command].get(name) != code]
            yield from (f"the exit code {name} was {words[name]}" for name in changed)
            continue
        if command not in new:
            yield f"`mlwright {command}` is gone"
            continue
        for word, shape in words.items():
            now = new[command].get(word)
            if now is None:
                yield f"`mlwright {command}` has no {word} any more"
            else:
                yield from (f"`mlwright {command}`: {word} {why}" for why in _narrower(shape, now))
        for word, now in new[command].items():
            if now["required"] and not words.get(word, {}).get("required"):
                yield f"`mlwright {command}` needs {word} now"


def _narrower(was: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    takes = {"nothing": {"nothing"}, "1": {"1", "?", "*", "+"}, "?": {"?", "*"}, "*": {"*"}, "+": {"+", "*"}}
    if now["takes"] not in takes.get(was["takes"], {was["takes"]}):
        yield f"takes {now['takes']} and took {was['takes']}"
    if now["choices"] is not None and (gone := set(was["choices"] or ["anything"]) - set(now["choices"])):
        yield f"does not take {', '.join(sorted(gone))} any more"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
