"""Parts of objects that may have any shape: patches and added files are not held to a schema before they are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def mapping(value: Any) -> dict[str, Any]:
    """The value where it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    """(position, mapping) of each mapping in a list; nothing of what is no list."""
    for position, item in enumerate(value if isinstance(value, (list, tuple)) else ()):
        if isinstance(item, dict):
            yield position, item


def word(value: Any) -> str:
    """The value where it is text, else an empty one."""
    return value if isinstance(value, str) else ""
