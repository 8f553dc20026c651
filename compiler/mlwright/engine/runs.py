"""Names of pipeline runs: the one to go on with, and new ones."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime

from mlwright.engine.compose import Compose
from mlwright.engine.states import run_of

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def valid(name: str) -> bool:
    """Whether the shipped programs take this name."""
    return _NAME.fullmatch(name) is not None


def fresh(pipeline: str) -> str:
    """A name that no run has: the pipeline, the time, and a little chance."""
    return f"{pipeline}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def current(compose: Compose, pipeline: str) -> str:
    """The run to go on with: MLWRIGHT_RUN, else the one whose containers are there, else the one that plain
    `docker compose up` would start. Raises EngineError."""
    if given := compose.value("MLWRIGHT_RUN"):
        return given
    services = compose.stack.started_by(pipeline)
    names = {item.name for item in services}
    there = run_of(item for item in compose.containers() if item.service in names)
    own = any(item.profiles for item in services)
    return there or (f"default-{pipeline}" if own else "default")
