"""Ctrl-C, `kill` and a closed terminal: one exception the first time, haste the second."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal asked the run to end."""

    def __init__(self, number: int) -> None:
        super().__init__(f"interrupted by {signal.Signals(number).name}")
        self.number = number

    @property
    def exit_code(self) -> int:
        return 128 + self.number


class Signals:
    """Within the `with` block the first signal raises `Interrupted` in the main thread; each later one, and each one
    after `calm`, calls `hurry`. Outside of the main thread it changes nothing."""

    def __init__(self, hurry: Callable[[], None]) -> None:
        self._hurry = hurry
        self._calm = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in _NUMBERS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def calm(self) -> None:
        """Raise no more: what follows must not be interrupted."""
        self._calm = True

    def _handle(self, number: int, _: FrameType | None) -> None:
        if self._calm:
            self._hurry()
            return
        self._calm = True
        raise Interrupted(number)
