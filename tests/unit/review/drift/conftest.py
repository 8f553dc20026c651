"""The stub server, and a client of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.remote.apiserver import Stub, served

from mlwright.remote.cluster import Cluster, connect


@pytest.fixture
def stub() -> Iterator[Stub]:
    with served() as found:
        yield found


@pytest.fixture
def cluster(stub: Stub, tmp_path: Path) -> Cluster:
    return connect(str(stub.kubeconfig(tmp_path)))
