"""Where things are: symbolic paths into a document, and concrete positions in a file."""

from __future__ import annotations

from typing import NamedTuple

Path = tuple[str | int, ...]
"""Keys (`str`) and list positions (`int`, 0-based) from a document's root to one value."""


class Span(NamedTuple):
    """A half-open range of characters in a text file.

    Lines and columns are 1-based and count Unicode code points; `end_col` is the column after the last character.
    `file` is as the user wrote it, or relative to the project file's folder; always with `/`.
    """

    file: str
    line: int
    col: int
    end_line: int
    end_col: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.col}"


def dotted(path: Path) -> str:
    """`("steps", "a", "command", 0)` as `steps.a.command[0]`, the way users see paths."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else part)
    return text
