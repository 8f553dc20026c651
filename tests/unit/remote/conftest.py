"""What the commands that ask servers are tested with: an image registry, a folder of their own, the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.unit.remote.distribution import Distribution, serving

from mlwright import cli

Say = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def registry() -> Iterator[Distribution]:
    with serving() as state:
        yield state


@pytest.fixture
def images(registry: Distribution, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Distribution:
    """A registry without trouble that stands for the usual one, and has the image that our own programs run in."""
    registry.trouble.clear()
    registry.manifests.clear()
    monkeypatch.setattr("mlwright.remote.oci.HUB", registry.host)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    registry.image("library/python", "3.12-slim-bookworm", Cmd=["python3"])
    return registry


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """A command line in a new folder, whose environment names no server: exit code and all that it said."""
    monkeypatch.chdir(tmp_path)
    for name in (
        *("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_TOKEN"),
        *("HTTP_PROXY", "http_proxy"),
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLWRIGHT_PATIENCE", "0.5")

    def say(*words: str) -> tuple[int, str]:
        code = cli.main(list(words))
        shown = capsys.readouterr()
        return code, shown.out + shown.err

    return say
