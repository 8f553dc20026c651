"""JSON text for hashing, for committed files and for step documents."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import Any

_INERT = {ord(char): f"\\u{ord(char):04x}" for char in "$(){}"}


def canonical(value: Any) -> str:
    """Compact text with sorted keys: the form that digests are taken of. Raises ValueError for NaN and infinities."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def compact(value: Any) -> str:
    """Compact text with the keys in the order given, as quickly as can be."""
    return json.dumps(value, separators=(",", ":"))


def digest(value: Any) -> str:
    """The sha256 of the canonical text, in hex."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


def pretty(value: Any) -> str:
    """Readable text with the keys in the order given and one value a line, ending with a newline."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def inert(value: Any) -> str:
    """Readable ASCII text in which `$ ( ) { }` inside strings are `\\u00XX`, so that no engine substitutes in it."""
    pieces: list[str] = []
    _inert(value, "\n", pieces)
    pieces.append("\n")
    return "".join(pieces)


def _inert(value: Any, line: str, pieces: list[str]) -> None:
    """Append what `json.dumps(value, indent=2)` says, which is slow with an indent; `line` begins the next line."""
    if isinstance(value, dict) and value:
        inner = f"{line}  "
        mark = f"{{{inner}"
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"a key must be text, not {type(key).__name__}")
            pieces.append(f"{mark}{_text(key)}: ")
            mark = f",{inner}"
            if isinstance(item, str):
                pieces.append(_text(item))
            else:
                _inert(item, inner, pieces)
        pieces.append(f"{line}}}")
    elif isinstance(value, (list, tuple)) and value:
        inner = f"{line}  "
        mark = f"[{inner}"
        for item in value:
            pieces.append(mark)
            mark = f",{inner}"
            if isinstance(item, str):
                pieces.append(_text(item))
            else:
                _inert(item, inner, pieces)
        pieces.append(f"{line}]")
    else:
        pieces.append(_text(value) if isinstance(value, str) else json.dumps(value, allow_nan=False))


def _text(text: str) -> str:
    return _short(text) if len(text) <= _SHORT else _string(text)


def _string(text: str) -> str:
    return json.dumps(text).translate(_INERT)


_SHORT = 80
_short = lru_cache(maxsize=16384)(_string)
"""Keys and short values come again and again, in every document."""
