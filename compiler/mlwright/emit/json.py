"""JSON text for hashing, for committed files and for step documents."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from mlwright.regex import lazy

_TEXT = lazy(r'"(?:[^"\\]|\\.)*"')
_INERT = {ord(char): f"\\u{ord(char):04x}" for char in "$(){}"}


def canonical(value: Any) -> str:
    """Compact text with sorted keys: the form that digests are taken of. Raises ValueError for NaN and infinities."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Any) -> str:
    """The sha256 of the canonical text, in hex."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


def pretty(value: Any) -> str:
    """Readable text with the keys in the order given and one value a line, ending with a newline."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def inert(value: Any) -> str:
    """Readable ASCII text in which `$ ( ) { }` inside strings are `\\u00XX`, so that no engine substitutes in it."""
    text = json.dumps(value, indent=2, ensure_ascii=True, allow_nan=False)
    return _TEXT.sub(lambda hit: hit[0].translate(_INERT), text) + "\n"
