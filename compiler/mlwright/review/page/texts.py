"""Texts of files, each kept once: what ten environments have in common is in the page one time."""

from __future__ import annotations

from mlwright.ir import Json
from mlwright.source.secrets_text import conceal


class Texts:
    """Gives a text its number; secrets are concealed, and what is no text has a line that says so."""

    def __init__(self) -> None:
        self.all: list[Json] = []
        self._numbers: dict[bytes, int] = {}

    def number(self, data: bytes | None) -> int:
        """The place of a text in `all`; -1 for a file that is not there."""
        if data is None:
            return -1
        if data not in self._numbers:
            self._numbers[data] = len(self.all)
            self.all.append(_text(data))
        return self._numbers[data]


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return f"({len(data):,} bytes that are no text)\n"
    return conceal(text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\\0"))
