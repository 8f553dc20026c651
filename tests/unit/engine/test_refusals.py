"""What Compose and the engine say, and what it means. The texts are theirs, word for word."""

from __future__ import annotations

import pytest

from mlwright.engine.refusals import explain

SOCKET = "unix:///var/run/docker.sock"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (
            f"permission denied while trying to connect to the docker API at {SOCKET}",
            "you may not talk to the container engine: `sudo usermod -aG docker $USER`",
        ),
        (
            (
                "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: "
                'Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.24/containers/json": dial unix /var/run/docker.sock: '
                "connect: permission denied"
            ),
            "you may not talk to the container engine",
        ),
        (
            (
                f"failed to connect to the docker API at {SOCKET}; check if the path is correct and if the daemon is "
                "running: dial unix /var/run/docker.sock: connect: no such file or directory"
            ),
            "the container engine does not answer: start it",
        ),
        (
            "Cannot connect to the Docker daemon at tcp://127.0.0.1:1. Is the docker daemon running?",
            "the container engine does not answer: start it",
        ),
        (
            "Error response from daemon: client version 1.52 is too new. Maximum supported API version is 1.41",
            "the container engine is too old: it speaks API 1.41, and Compose 1.52",
        ),
        (
            (
                "Error response from daemon: client version 1.22 is too old. Minimum supported API version is 1.24, "
                "please upgrade your client to a newer version"
            ),
            "Compose is too old for the container engine, which speaks API 1.24",
        ),
        (
            (
                "Error response from daemon: driver failed programming external connectivity on endpoint b (399c): "
                "Bind for 127.0.0.1:5000 failed: port is already allocated"
            ),
            (
                "port 5000 of this machine is taken: end what listens there, or choose another port, "
                "MLWRIGHT_PORT_MLFLOW=5001"
            ),
        ),
        (
            (
                "Error response from daemon: driver failed programming external connectivity on endpoint a (ae65): "
                "Error starting userland proxy: listen tcp4 127.0.0.1:2375: bind: address already in use"
            ),
            "port 2375 of this machine is taken",
        ),
        (
            (
                "error while interpolating services.v.environment.A: required variable NEEDED is missing a value: set "
                "NEEDED in .env"
            ),
            "NEEDED has no value: put it into .env",
        ),
        (
            (
                'Error response from daemon: Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry '
                "on 10.0.0.1:53: no such host"
            ),
            "an image cannot be pulled: check its name",
        ),
        (
            (
                "Error response from daemon: pull access denied for probe, repository does not exist or may require "
                "'docker login': denied: requested access to the resource is denied"
            ),
            "an image cannot be pulled (probe): check its name",
        ),
        (
            'Error response from daemon: could not select device driver "nvidia" with capabilities: [[gpu]]',
            "the engine has no driver for GPUs",
        ),
        ("write /data: no space left on device", "the disk is full"),
        (
            'failed to solve: process "/bin/sh -c pip install nosuch" did not complete successfully: exit code: 1',
            "an image could not be built",
        ),
        (
            "The command '/bin/sh -c python3 -c 1/0' returned a non-zero code: 4",
            "an image could not be built",
        ),
        ("dependency failed to start: container t2-u-1 is unhealthy", "t2-u-1 did not become healthy"),
        ("one\nsomething new went wrong\n\n", "something new went wrong"),
        ("", "it did not say why"),
    ],
)
def test_a_refusal_is_explained(said: str, meant: str) -> None:
    assert explain(said, {}, {5000: "MLWRIGHT_PORT_MLFLOW"}).startswith(meant)


def test_where_the_engine_was_looked_for_is_said() -> None:
    said = "Cannot connect to the Docker daemon at tcp://127.0.0.1:1. Is the docker daemon running?"
    assert "does not answer at tcp://127.0.0.1:1: start" in explain(said, {"DOCKER_HOST": "tcp://127.0.0.1:1"})
