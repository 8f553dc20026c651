"""Which Compose program is taken, and why the others are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlwright.engine.programs import NoProgram, Program, find


def path(folder: Path, **said: str) -> str:
    """A PATH with these programs, each of which answers whatever it is asked (`!` first: fails with it)."""
    for name, answer in said.items():
        place = folder / name.replace("_", "-")
        stream, code = ("1>&2", 1) if answer.startswith("!") else ("", 0)
        place.write_text(f"#!/bin/sh\necho '{answer.lstrip('!')}' {stream}\nexit {code}\n")
        place.chmod(0o755)
    return str(folder)


@pytest.mark.parametrize(
    ("said", "name", "version"),
    [
        ({"docker": "Docker Compose version v2.24.0"}, "docker compose", "2.24.0"),
        ({"docker": "Docker Compose version v2.39.1-desktop.1"}, "docker compose", "2.39.1"),
        ({"docker": "Docker Compose version 5.5.0"}, "docker compose", "5.5.0"),
        ({"docker": "Docker Compose version dev"}, "docker compose", "dev"),
        ({"docker_compose": "Docker Compose version v5.5.0"}, "docker-compose", "5.5.0"),
        (
            {"docker": "!docker: unknown command: docker compose", "docker_compose": "Docker Compose version v2.30.3"},
            "docker-compose",
            "2.30.3",
        ),
        ({"podman": "Docker Compose version v2.30.3"}, "podman compose", "2.30.3"),
        (
            {"docker": "Docker Compose version v5.5.0", "podman": "Docker Compose version v2.30.3"},
            "docker compose",
            "5.5.0",
        ),
    ],
)
def test_the_first_that_can_be_used_is_taken(tmp_path: Path, said: dict[str, str], name: str, version: str) -> None:
    found = find(path(tmp_path, **said))
    assert isinstance(found, Program)
    assert (found.name, found.version) == (name, version)
    assert str(found) == f"{name} {version}"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({}, "no container engine is installed here: install Docker with its Compose plugin"),
        ({"docker": "!docker: unknown command: docker compose"}, "`docker` has no Compose plugin: install"),
        ({"docker": "!docker: 'compose' is not a docker command."}, "`docker` has no Compose plugin"),
        ({"docker": "!unknown flag: --foo"}, "`docker` has no Compose plugin"),
        ({"docker": "!segmentation fault"}, "`docker compose version` fails (segmentation fault)"),
        ({"docker": "Docker Compose version v2.23.3"}, "docker compose 2.23.3 is too old (needs 2.24 or newer)"),
        (
            {"docker_compose": "docker-compose version 1.29.2, build unknown"},
            "docker-compose 1.29.2 is Compose v1, which nobody maintains",
        ),
        (
            {"podman_compose": "podman-compose version 1.6.0"},
            "podman-compose 1.6.0 cannot run this output (it mounts no `configs`",
        ),
        ({"podman": "podman-compose version: 1.0.6"}, "podman-compose 1.0.6 cannot run this output"),
        (
            {"podman": "!Error: looking up compose provider failed: 7 errors occurred"},
            "`podman compose` finds no provider",
        ),
        ({"docker": "hello"}, "`docker compose version` does not say its version"),
        (
            {"docker": "!docker: unknown command: docker compose", "podman_compose": "podman-compose version 1.6.0"},
            "`docker` has no Compose plugin; podman-compose 1.6.0 cannot",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(tmp_path: Path, said: dict[str, str], why: str) -> None:
    found = find(path(tmp_path, **said))
    assert isinstance(found, NoProgram)
    assert why in str(found)
    assert "docker-compose-plugin" in str(found)
