"""One control plane for all tests of Kubernetes output."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.e2e.kubernetes import crds
from tests.e2e.kubernetes.plane import Plane, started
from tests.e2e.programs import Missing


@pytest.fixture(scope="session")
def bare() -> Iterator[Plane]:
    """A control plane without custom resources; fails, saying what is missing: who asks for these tests wants them."""
    try:
        with started() as found:
            yield found
    except Missing as problem:
        pytest.fail(str(problem), pytrace=False)


@pytest.fixture(scope="session")
def plane(bare: Plane) -> Plane:
    """A control plane that knows the custom resources of every platform."""
    try:
        refused = crds.installed(bare)
    except Missing as problem:
        pytest.fail(str(problem), pytrace=False)
    assert not refused, refused
    return bare
