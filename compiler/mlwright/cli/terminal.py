"""Standard output and error: encoding, colour, and readers that stop reading (`mlwright ... | head`)."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TextIO


def prepare() -> None:
    """Let no character be unprintable: what the terminal's encoding lacks is shown as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(text: str) -> None:
    """One block of text to standard output, with a line end."""
    _write(sys.stdout, text)


def warn(text: str) -> None:
    """One block of text to standard error, with a line end."""
    _write(sys.stderr, text)


def coloured(stream: TextIO) -> bool:
    """True when `stream` is a terminal that takes colour and the user has not set NO_COLOR to anything."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def columns() -> int:
    """How wide a diagnostic may be: the terminal's width, between 40 and 80."""
    import shutil

    return max(40, min(80, shutil.get_terminal_size().columns))


def finish(code: int) -> int:
    """Flush both streams; `code` stands even when nobody reads them any more."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            _discard(stream)
    return code


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text + "\n")
        stream.flush()
    except BrokenPipeError:
        _discard(stream)


def _discard(stream: TextIO) -> None:
    """Point the stream's descriptor at nothing, so that the flush at interpreter exit is quiet."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
