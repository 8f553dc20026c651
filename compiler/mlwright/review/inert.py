"""Other people's text inside of a comment: it shows as it is, and does nothing there.

GitHub looks for mentions, issues, commits, addresses and emoji in what Markdown has become, everywhere but in code, so
that no escape of Markdown's own keeps it from that. What would be found is parted by a zero-width space.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable

from mlwright.ir import Json
from mlwright.regex import lazy
from mlwright.source.secrets_text import conceal, names_secret
from mlwright.span import Path

WIDTH = 300
_HIDDEN_VALUE = "********"
# Controls, marks of direction, spaces and joiners that nobody sees, private and lone halves of characters.
_UNSEEN = lazy(
    "[\x00-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    "\u2800\u3000\u3164\ud800-\udfff\ue000-\uf8ff\ufeff\uffa0\ufff0-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U0010ffff]"
)
_PART = "&#8203;"
_RISKY = lazy(
    r"\b(?P<hex>[0-9a-fA-F]{7,40})\b|(?P<word>www|GH(?:SA)?|CVE)(?=[.-])|:(?=\S)|[@#]|[&<>\"'\\`*_\[\]{}()|~!^$]"
    r"|^(?:[-+]|\d{1,9}[.)])",
    re.IGNORECASE,
)


def visible(text: str, keep: str = "") -> str:
    """`text` with an escape (`\\u202E`) for each character that would not show or would turn others around, but for
    those in `keep`."""
    return _UNSEEN.sub(lambda hit: hit[0] if hit[0] in keep else _escape(hit), text)


def _escape(hit: re.Match[str]) -> str:
    code = ord(hit[0])
    short = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(hit[0])
    return short or (f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}")


_RUN = lazy("`{17,}")


def _fenceable(text: str) -> str:
    """`text` with long runs of backticks counted: GitHub's parser looks for at most 80 of them around code."""
    return _RUN.sub(lambda hit: f"`…(×{len(hit[0]):,})", text)


def clipped(text: str, width: int) -> str:
    """At most `width` characters of `text`, with the count of those that are left out."""
    return text if len(text) <= width else f"{text[:width]}… (+{len(text) - width:,} characters)"


def words(text: str, width: int = WIDTH) -> str:
    """`text` as words of a line, a table's cell or an HTML element; never at the beginning of a block."""
    shown = clipped(visible(conceal(" ".join(text.split()))), width)
    return _RISKY.sub(_harmless, shown) if shown else "(empty)"


def _harmless(hit: re.Match[str]) -> str:
    if hit["hex"]:
        return _PART.join(hit[0][at : at + 6] for at in range(0, len(hit[0]), 6))
    if hit["word"]:
        return hit[0] + _PART
    if hit[0] == ":":
        return f":{_PART}"
    text = "".join(char if char.isdigit() else f"&#{ord(char)};" for char in hit[0])
    return text + _PART if hit[0] in "@#" else text


def code(text: str, width: int = WIDTH) -> str:
    """`text` as code inside of a line; not for tables, where a `|` would end the cell."""
    shown = clipped(_fenceable(visible(conceal(text))), width)
    if not shown:
        return "(empty)"
    mark = "`" * (1 + _longest(shown))
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{mark}{pad}{shown}{pad}{mark}"


def fence(lines: Iterable[str], language: str, width: int = WIDTH, keep: str = "") -> str:
    """`lines` as a block of code, closed by more backticks than stand anywhere in it; `keep` as in `visible`."""
    shown = [clipped(_fenceable(visible(conceal(line), keep)), width) for line in lines]
    mark = "`" * max(3, 1 + max(map(_longest, shown), default=0))
    return "\n".join([f"{mark}{language}", *shown, mark])


def _longest(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def units(text: str) -> int:
    """How long a text is for who counts in UTF-16, as GitHub's limit may: never less than its characters."""
    return len(text) + sum(1 for char in text if char > "\uffff")


def concealed(value: Json, path: Path = ()) -> Json:
    """`value` without what looks like a secret, by its own look or by the names that lead to it."""
    if isinstance(value, dict):
        name = value.get("name")
        return {
            key: concealed(below, (*path, name) if key == "value" and isinstance(name, str) else (*path, key))
            for key, below in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [concealed(below, path) for below in value]
    if isinstance(value, str):
        told = any(isinstance(part, str) and names_secret(part.rpartition("=")[2], value) for part in path)
        return _HIDDEN_VALUE if told else conceal(value)
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def value_of(value: Json, path: Path = ()) -> str:
    """A value on one line, as YAML and JSON write it, with secrets concealed."""
    shown = concealed(value, path)
    return shown if isinstance(shown, str) and shown.isprintable() and shown.strip() == shown != "" else _json(shown)


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def place(path: Path) -> str:
    """A path into an object: `spec.containers[name=main].image`."""
    text = ""
    for part in path:
        entry = isinstance(part, int) or "=" in part
        text += f"[{part}]" if entry else (f".{part}" if text else str(part))
    return text
