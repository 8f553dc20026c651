"""One engine for all tests of Compose output."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.e2e.compose.engine import Engine, started
from tests.e2e.programs import Missing


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """An engine with `docker compose`; fails, saying what is missing: who asks for these tests wants them run."""
    try:
        with started() as found:
            yield found
    except Missing as problem:
        pytest.fail(str(problem), pytrace=False)
