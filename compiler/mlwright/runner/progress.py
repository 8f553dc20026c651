"""Live progress: a table that redraws itself on a terminal, one line per event anywhere else."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Protocol, TextIO

from mlwright.diag.render.columns import clean, wrap
from mlwright.runner.board import Board, Row

if TYPE_CHECKING:
    from rich.console import Console
    from rich.constrain import Constrain
    from rich.live import Live

BEST = ", best "
"""What a search says first is how far it is, then, behind this, what it has found: said again only when that is new."""
MARKS = {
    "waiting": ("·", "dim"),
    "running": ("▸", "cyan"),
    "finished": ("✓", "green"),
    "cached": ("=", "green"),
    "skipped": ("-", "dim"),
    "stopped": ("■", "yellow"),
    "failed": ("✗", "bold red"),
    "killed": ("✗", "red"),
    "blocked": ("·", "red"),
}


class Screen(Protocol):
    """Where progress goes. `close` lets others print: the summary holds the last state."""

    board: Board

    def note(self, text: str) -> None: ...

    def close(self) -> None: ...


def screen(ids: Iterable[str], stream: TextIO) -> Screen:
    """A live table where `stream` is a terminal and Rich is installed, else plain lines."""
    if stream.isatty() and os.environ.get("TERM") != "dumb":
        try:
            return LiveScreen(ids, stream)
        except ImportError:
            pass
    return PlainScreen(ids, stream)


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 05 s`, `2 h 01 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def hanging(start: str, text: str, width: int) -> Iterator[str]:
    """`text` behind `start`, in lines of at most `width` columns that all begin in the same one."""
    for number, line in enumerate(wrap(text, max(width - len(start), 20)) or [""]):
        yield f"{' ' * len(start) if number else start}{line}".rstrip()


class PlainScreen:
    """One line for each start, end and word on the way; folded where it is a terminal."""

    def __init__(self, ids: Iterable[str], stream: TextIO) -> None:
        listed = tuple(ids)
        self._width = max((len(name) for name in listed), default=0)
        self._stream = stream
        self._columns = shutil.get_terminal_size().columns if stream.isatty() else 10**6
        self._lock = threading.Lock()
        self.board = Board(listed, self._changed)

    def note(self, text: str) -> None:
        with self._lock, contextlib.suppress(OSError):
            print(text, file=self._stream, flush=True)

    def close(self) -> None:
        """Nothing to tidy up."""

    def _changed(self, before: Row, after: Row) -> None:
        tail = f": {after.detail}" if after.detail else ""
        if after.state == "running" and before.state == "running":
            news, _, best = after.detail.partition(BEST)
            text = news if best and best == before.detail.partition(BEST)[2] else after.detail
        elif after.state == "running":
            text = "started"
        elif after.began:
            text = f"{after.state} in {duration(after.seconds)}{tail if after.detail != before.detail else ''}"
        else:
            text = f"{'not started' if after.state == 'blocked' else after.state}{tail}"
        self.note("\n".join(hanging(f"{after.id:<{self._width}}  ", text, self._columns)))


class LiveScreen:
    """A table of all nodes, redrawn four times a second. Raises ImportError without Rich."""

    def __init__(self, ids: Iterable[str], stream: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console: Console = Console(file=stream, highlight=False)
        self.board = Board(ids, lambda before, after: None)
        self._live: Live | None = Live(
            get_renderable=self._table,
            console=self._console,
            refresh_per_second=4,
            redirect_stdout=False,
            transient=True,
        )
        self._live.start()

    def note(self, text: str) -> None:
        self._console.print(text, markup=False, soft_wrap=True)

    def close(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def _table(self) -> Constrain:
        from rich.constrain import Constrain
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        for row in self.board.rows:
            mark, style = MARKS[row.state]
            clock = duration(row.seconds) if row.began else ""
            table.add_row(
                Text(mark, style),
                Text(row.id, style, no_wrap=True),
                Text(clock, "dim", no_wrap=True),
                Text(clean(row.detail), overflow="fold"),
            )
        return Constrain(table, self._console.width - 4)  # the terminal's own `^C` must not begin a new line
