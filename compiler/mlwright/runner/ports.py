"""Free loopback ports."""

from __future__ import annotations

import re
import socket
from pathlib import Path

from mlwright.runner.folder import tail

HOST = "127.0.0.1"
TRIES = 5
"""How often a program is started again because another one took its port first."""
_TAKEN = re.compile(r"address already in use|errno 98|errno 48|port \d+ is (already )?in use", re.IGNORECASE)


def free() -> int:
    """A port that was free a moment ago: the caller retries when it was taken meanwhile."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    assert isinstance(port, int)
    return port


def taken(log: Path) -> bool:
    """Whether the program that wrote `log` ended because its port was in use."""
    return any(_TAKEN.search(line) for line in tail(log, 40))
