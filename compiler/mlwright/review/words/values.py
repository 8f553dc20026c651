"""Values as people read them: in their units, short, and with everything concealed that looks like a secret."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Literal

from mlwright.source.secrets_text import conceal as _conceal
from mlwright.source.secrets_text import names_secret
from mlwright.source.tree import Json, text_of
from mlwright.span import Path
from mlwright.spec.scalars.quantity import Cpu, Memory

Kind = Literal["value", "cpu", "memory", "percent", "flag", "seconds"]
LONGEST = 80
"""Characters of one value that are shown."""
HUNKS = 3
"""Places of a text that are shown."""
STARS = "***"
_OURS = ("secret", "tls_secret")
"""Fields of the language whose value is the name of a secret."""


def concealed(value: Json, path: Path) -> Json:
    """`value`, which stands at `path`, with every text in it that looks like a secret as `***`."""
    if isinstance(value, dict):
        return {key: concealed(item, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [concealed(item, path) for item in value]
    if not isinstance(value, str):
        return value
    name = str(path[-1]) if path else ""
    ours = name in _OURS and "env" not in path[-2:-1]
    return STARS if not ours and "${" not in value and names_secret(name, value) else _conceal(value)


def show(value: Json, kind: Kind = "value") -> str:
    """`value` in a few words: `2Gi`, `500m`, `10%`; text as it is where that is plain, else quoted."""
    if value is None:
        return "nothing"
    if kind == "flag":
        return {True: "on", False: "off"}.get(value, text_of(value)) if isinstance(value, bool) else str(value)
    try:
        if kind == "cpu":
            milli = Cpu.parse(value).milli
            return f"{milli / 1000:g}" if milli >= 1000 or milli % 1000 == 0 else f"{milli}m"
        if kind == "memory":
            return size(Memory.parse(value).bytes)
    except ValueError:
        pass
    if kind == "percent" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{value:g}%"
    return short(_plainly(value))


def size(amount: float) -> str:
    """An amount of bytes in the largest unit that it fills: `2Gi`."""
    for unit, power in (("Ti", 4), ("Gi", 3), ("Mi", 2), ("Ki", 1)):
        if amount >= 1024**power:
            return f"{amount / 1024**power:.4g}{unit}"
    return f"{amount:g}"


def number(value: float) -> str:
    """A number without a tail: `0.0001`, `1`, `2.5`."""
    return f"{value:g}"


def short(text: str) -> str:
    """`text` on one line, at most LONGEST characters."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def both(before: Json, after: Json, kind: Kind = "value") -> tuple[str, str]:
    """Both values, told apart: in JSON where they read the same, and from where they differ where both are long."""
    old, new = show(before, kind), show(after, kind)
    if old != new:
        return old, new
    if isinstance(before, str) and isinstance(after, str):
        at = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), 0)
        begin = max(0, at - 10)
        old, new = (short("…" + text[begin:]) if begin else show(text) for text in (before, after))
        if old != new:
            return old, new
    return short(json.dumps(before, ensure_ascii=False)), short(json.dumps(after, ensure_ascii=False))


def _plainly(value: Json) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_plainly, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_plainly(item)}" for key, item in value.items()) + "}"
    if isinstance(value, float) and not isinstance(value, bool):
        return number(value) if float(number(value)) == value else repr(value)
    return text_of(value) if value != "" else '""'


def names(words: Sequence[str], most: int = 4) -> str:
    """`a, b and c`; with more than `most` of them, how many more there are."""
    if len(words) > most:
        return f"{', '.join(words[: most - 1])} and {len(words) - most + 1} more"
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""


def listed(before: Sequence[Json], after: Sequence[Json]) -> str:
    """What became of a list: `added a; removed b`, or its items in another order."""
    olds, news = [_plainly(item) for item in before], [_plainly(item) for item in after]
    added = [item for item in news if item not in olds]
    removed = [item for item in olds if item not in news]
    said = [f"{word} {names([short(item) for item in items])}" for word, items in _pairs(added, removed) if items]
    if said:
        return "; ".join(said)
    if sorted(olds) == sorted(news):
        return "in another order: " + short(", ".join(news))
    return f"{short(', '.join(olds))} -> {short(', '.join(news))}"


def _pairs(added: list[str], removed: list[str]) -> tuple[tuple[str, list[str]], ...]:
    return ("added", added), ("removed", removed)


def edits(before: Json, after: Json) -> str:
    """The words of a command or a script that are not the same: `--lr=0.1 -> --lr=0.2; added --fast`."""
    olds, news = _words(before), _words(after)
    told: list[str] = []
    for what, i, j, k, m in SequenceMatcher(None, olds, news, autojunk=False).get_opcodes():
        old, new = short(" ".join(olds[i:j])), short(" ".join(news[k:m]))
        match what:
            case "replace":
                told.append(f"{old} -> {new}" if old != new else "a longer part of it changed")
            case "insert":
                told.append(f"added {new}")
            case "delete":
                told.append(f"removed {old}")
            case _:
                pass
    if not told:  # a text became a list of the same words, or only white space changed
        return "the same words, written in another way"
    rest = len(told) - HUNKS
    return "; ".join(told[:HUNKS]) + (f"; and {rest} more" if rest > 0 else "")


def _words(value: Json) -> list[str]:
    if isinstance(value, list):
        return [_plainly(item) for item in value]
    return re.findall(r"\S+", _plainly(value)) if value is not None else []
