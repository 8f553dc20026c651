"""Reads workflow commands out of a step's log as GitHub's runner does."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """`::name key=value,...::data`, unescaped."""

    name: str
    properties: dict[str, str]
    data: str


def commands(log: str) -> list[Command]:
    """Every command of a log: a line that begins with `::`, or has the old `##[` anywhere. A command between
    `::stop-commands::TOKEN` and `::TOKEN::` is text."""
    found: list[Command] = []
    stopped = ""
    for line in re.split(r"\r\n|\r|\n", log):
        made = _new(line.lstrip()) or _old(line)
        if made is None:
            continue
        if stopped:
            stopped = "" if made.name == stopped else stopped
        elif made.name == "stop-commands":
            stopped = made.data
        else:
            found.append(made)
    return found


def _new(line: str) -> Command | None:
    head, closed, data = line.removeprefix("::").partition("::")
    if not line.startswith("::") or not closed:
        return None
    name, _, listed = head.partition(" ")
    given = dict(part.split("=", 1) for part in listed.split(",") if "=" in part)
    properties = {key.strip(): _plain(value, inside=True) for key, value in given.items()}
    return Command(name, {key: value for key, value in properties.items() if value}, _plain(data))


def _old(line: str) -> Command | None:
    _, there, rest = line.partition("##[")
    head, closed, data = rest.partition("]")
    return Command(head.partition(" ")[0], {}, data) if there and closed else None


def _plain(text: str, *, inside: bool = False) -> str:
    if inside:
        text = text.replace("%3A", ":").replace("%2C", ",")
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
