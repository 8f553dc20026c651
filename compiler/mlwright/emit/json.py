"""JSON text for hashing, for committed files and for step documents."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from mlwright.emit.shared import KINDS
from mlwright.span import Path

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_INERT = {ord(char): f"\\u{ord(char):04x}" for char in "$(){}"}


def canonical(value: Any) -> str:
    """Compact text with sorted keys: the form that digests are taken of. Raises ValueError for NaN and infinities."""
    return _CANONICAL.encode(value)


def compact(value: Any) -> str:
    """Compact text with the keys in the order given, as quickly as can be."""
    return json.dumps(value, separators=(",", ":"))


def digest(value: Any) -> str:
    """The sha256 of the canonical text, in hex."""
    return sha256(canonical(value))


def sha256(text: str) -> str:
    """The sha256 of a text, in hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def pretty(value: Any) -> str:
    """Readable text with the keys in the order given and one value a line, ending with a newline."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def inert(value: Any, pad: str = "") -> str:
    """Readable ASCII text in which `$ ( ) { }` inside strings are `\\u00XX`, so that no engine substitutes in it. All
    lines but the first begin with `pad`; the last one ends. A document embedded in it is a text of its own."""
    pieces: list[str] = []
    _inert(dict(value) if isinstance(value, dict) else value, f"\n{pad}", pieces)
    pieces.append("\n")
    return "".join(pieces)


def lines(value: Any) -> dict[Path, int]:
    """On which 1-based line of `inert(value)` each value begins; what is inside an embedded document is on its line."""
    found: dict[Path, int] = {}
    _lines(dict(value) if isinstance(value, dict) else value, (), 1, found)
    return found


def _lines(value: Any, path: Path, line: int, found: dict[Path, int]) -> int:
    """The line on which `value`, begun on `line`, ends."""
    if isinstance(value, dict) and not getattr(value, "embedded", False):
        below: Iterable[tuple[str | int, Any]] = value.items()
    else:
        below = enumerate(value) if isinstance(value, (list, tuple)) else ()
    begun = line
    for part, item in below:
        found[(*path, part)] = line + 1
        line = _lines(item, (*path, part), line + 1, found)
    return line if line == begun else line + 1


def _inert(value: Any, line: str, pieces: list[str]) -> None:
    """Append what `json.dumps(value, indent=2)` says, which is slow with an indent; `line` begins the next line."""
    if isinstance(value, dict) and value:
        if getattr(value, "embedded", False):
            pieces.append(_TEXTS[inert(value)])
            return
        inner = f"{line}  "
        mark = f"{{{inner}"
        for key, item in value.items():
            kind = type(item)
            if kind is str:
                pieces.append(f"{mark}{_TEXTS[key]}: {_TEXTS[item]}")
            elif kind is int:
                pieces.append(f"{mark}{_TEXTS[key]}: {item}")
            elif item is None:
                pieces.append(f"{mark}{_TEXTS[key]}: null")
            elif kind in KINDS:
                pieces.append(f"{mark}{_TEXTS[key]}: {_shared(item, inner)}")
            else:
                pieces.append(f"{mark}{_TEXTS[key]}: ")
                _inert(item, inner, pieces)
            mark = f",{inner}"
        pieces.append(f"{line}}}")
    elif isinstance(value, (list, tuple)) and value:
        inner = f"{line}  "
        mark = f"[{inner}"
        for item in value:
            if isinstance(item, str):
                pieces.append(f"{mark}{_TEXTS[item]}")
            else:
                pieces.append(mark)
                _inert(item, inner, pieces)
            mark = f",{inner}"
        pieces.append(f"{line}]")
    elif value is True or value is False:
        pieces.append("true" if value else "false")
    elif type(value) is int:
        pieces.append(str(value))
    else:
        pieces.append(_TEXTS[value] if isinstance(value, str) else _CANONICAL.encode(value))


def _shared(value: Any, line: str) -> str:
    """What `_inert` makes of a part that documents share, made once for each depth."""
    texts: dict[str, str] = value.made
    if line not in texts:
        pieces: list[str] = []
        _inert(value, line, pieces)
        texts[line] = "".join(pieces)
    return texts[line]


class _Texts(dict[str, str]):
    """Texts as JSON. Keys and short values come again and again, in every document."""

    def __missing__(self, text: str) -> str:
        if not isinstance(text, str):
            raise TypeError(f"a key must be text, not {type(text).__name__}")
        found = json.dumps(text).translate(_INERT)
        if len(text) <= _SHORT:
            if len(self) >= _KNOWN:
                self.clear()
            self[text] = found
        return found


_SHORT = 80
_KNOWN = 65536
_TEXTS = _Texts()
