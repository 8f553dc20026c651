"""One control plane for all tests of Kubernetes output."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.e2e.kubernetes.plane import Plane, started
from tests.e2e.programs import Missing


@pytest.fixture(scope="session")
def plane() -> Iterator[Plane]:
    """A control plane; fails, saying what is missing: who asks for these tests wants them."""
    try:
        with started() as found:
            yield found
    except Missing as problem:
        pytest.fail(str(problem), pytrace=False)
