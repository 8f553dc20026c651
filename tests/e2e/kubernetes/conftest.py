"""One control plane for all tests of Kubernetes output."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.kubernetes import network
from tests.e2e.kubernetes.plane import Plane, built, started
from tests.e2e.programs import Missing


def pytest_collection_finish(session: pytest.Session) -> None:
    """Gives these tests a network of their own where a session has no others: pods listen on the ports that they say,
    and something else here may have them. Programs are built before, with the machine's."""
    folder = Path(__file__).parent
    if session.items and all(folder in item.path.parents for item in session.items):
        with contextlib.suppress(Missing, OSError):  # told by the fixture; shared with the machine
            built()
            network.own()


@pytest.fixture(scope="session")
def plane() -> Iterator[Plane]:
    """A control plane; fails, saying what is missing: who asks for these tests wants them."""
    try:
        with started() as found:
            yield found
    except Missing as problem:
        pytest.fail(str(problem), pytrace=False)
