"""Text in a Compose file: everything is literal unless it is an `Interpolated`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Interpolated(str):
    """Text with `${NAME}` that Compose must fill in. Built by this package only, never from user text."""

    __slots__ = ()


def escaped(text: str) -> str:
    """User text inside an `Interpolated`: `$` is doubled, so that Compose gives it back as it was."""
    return text.replace("$", "$$")


def plain(value: Any) -> Any:
    """The same data with every literal text escaped; keys stay, because Compose does not interpolate them."""
    if isinstance(value, Interpolated):
        return str(value)
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def size(count: int) -> str:
    """Bytes the way Compose reads them (binary units), in the largest unit that keeps the number whole."""
    for unit, factor in (("g", 1024**3), ("m", 1024**2), ("k", 1024)):
        if count % factor == 0:
            return f"{count // factor}{unit}"
    return f"{count}b"


def duration(seconds: float) -> str:
    """Seconds the way Compose reads them."""
    return f"{int(seconds)}s" if seconds == int(seconds) else f"{round(seconds * 1000)}ms"
