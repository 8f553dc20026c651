"""The user's command as a child process: its output copied, its end decided by exit code, time or signal."""

from __future__ import annotations

import contextlib
import os
import time

from metrics import Follower, Tee
from values import BAD_INPUT, Killed, StepError, raw, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Mapping, Optional, Sequence, Tuple


class Signals:
    """SIGTERM and SIGINT end the child; without a child they end what we do by raising `Killed`."""

    def __init__(self) -> None:
        self.received = 0
        self.held = False

    def install(self) -> Signals:
        """Starts listening; only for the main thread."""
        import signal

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.take)
        return self

    def release(self) -> None:
        """Ends holding; a signal that came meanwhile counts now."""
        self.held = False
        if self.received:
            raise Killed(self.received)

    def take(self, number: int, frame: object = None) -> None:
        """The handler: the first signal counts, and whoever holds signals looks at `received` itself."""
        first, self.received = not self.received, self.received or number
        if first and not self.held:
            raise Killed(number)


class Child:
    """The user's command in its own process group."""

    def __init__(self, words: Sequence[str], env: Mapping[str, str], signals: Signals, grace: float) -> None:
        import subprocess
        import threading

        self.signals, self.grace = signals, grace
        self.stop = threading.Event()
        try:
            self.process = subprocess.Popen(
                [raw(w) for w in words],
                env={raw(k): raw(v) for k, v in env.items()},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise StepError(127, "the command %r was not found in the image" % words[0]) from None
        except (PermissionError, NotADirectoryError):
            raise StepError(126, "the command %r cannot be executed" % words[0]) from None
        except ValueError as error:
            raise StepError(BAD_INPUT, "the command cannot be started: %s" % error) from None

    def kill(self, number: int) -> None:
        """Sends a signal to the whole group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)

    def wait(self, limit: float) -> Tuple[int, str]:
        """(exit code, why we ended it: killed, timeout, stopped or empty). SIGTERM, `grace` seconds, SIGKILL."""
        import signal
        import subprocess

        why, deadline = "", time.monotonic() + limit if limit > 0 else float("inf")
        last_word = float("inf")
        while True:
            try:
                code = self.process.wait(0.2)
                return (code if code >= 0 else 128 - code), why
            except subprocess.TimeoutExpired:
                pass
            if not why:
                why = "killed" if self.signals.received else "stopped" if self.stop.is_set() else ""
                why = why or ("timeout" if time.monotonic() > deadline else "")
                if why:
                    self.kill(signal.SIGTERM)
                    last_word = time.monotonic() + self.grace
            elif time.monotonic() > last_word:
                self.kill(signal.SIGKILL)


def run_child(child: Child, tee: Tee, follower: Optional[Follower], poll: Callable[[], None], limit: float) -> Any:
    """Pumps the child's output until it ends, flushing metrics every second; what `Child.wait` says."""
    import signal
    import threading

    def beat(last: bool = False) -> None:
        try:
            if follower is not None:
                read = tee.metrics.json_line if tee.metrics.source.get("format") == "json" else tee.metrics.match
                readings = [r for line in follower.lines(last) for r in read(line)]
                tee.metrics.add(readings)
                tee.announce(readings)
            tee.metrics.flush()
            poll()
        except StepError as error:
            say(str(error))

    ended = threading.Event()

    def background() -> None:
        while not ended.wait(1.0):
            beat()

    assert child.process.stdout is not None and child.process.stderr is not None
    streams = [(child.process.stdout, 1), (child.process.stderr, 2)]
    pumps = [threading.Thread(target=tee.pump, args=(s.fileno(), t), daemon=True) for s, t in streams]
    beats = threading.Thread(target=background, daemon=True)
    for thread in [*pumps, beats]:
        thread.start()
    code, why = child.wait(limit)
    for thread in pumps:
        thread.join(0.5)
    child.kill(signal.SIGKILL)
    for thread in pumps:
        thread.join(10.0)
    ended.set()
    beats.join()
    beat(last=True)
    tee.end()
    for stream, _ in streams:
        stream.close()
    return code, why
