"""A process that outlives `mlwright run` for a moment: when its standard input ends, it ends what is still listed.

Standard library only; started as `python -S warden.py TOKEN`. It reads lines `+PID` and `-PID` of group leaders.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

VARIABLE = "MLWRIGHT_GUARD"
"""Every process of a run carries the run's token in this variable, and so does all that it starts."""


def marked(token: str) -> set[int]:
    """Processes of ours whose environment holds `token`, this one excepted. Empty where there is no /proc."""
    needle = f"{VARIABLE}={token}".encode()
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if needle in (folder / "environ").read_bytes().split(b"\0"):
                found.add(int(folder.name))
    return found - {os.getpid()}


def kill(leaders: set[int], token: str) -> None:
    """SIGKILL to the groups of `leaders` and to every marked process, until none is left (at most two seconds)."""
    for pid in leaders:
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
    deadline = time.monotonic() + 2
    while (left := marked(token)) and time.monotonic() < deadline:
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def main(token: str) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    leaders: set[int] = set()
    for line in sys.stdin:
        pid = int(line[1:])
        leaders = leaders | {pid} if line[0] == "+" else leaders - {pid}
    if not leaders:
        return
    for pid in leaders:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 10
    while leaders & marked(token) and time.monotonic() < deadline:
        time.sleep(0.1)
    kill(leaders, token)


if __name__ == "__main__":
    main(sys.argv[1])
