"""The registry that everybody runs answers as the one of our tests does.

Needs the program `registry` (github.com/distribution/distribution, `go install .../v3/cmd/registry@v3.0.0`), in PATH or
named by MLWRIGHT_REGISTRY.
"""

from __future__ import annotations

import json
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.servers import answers, free_port, running
from tests.unit.remote.distribution import INDEX, MANIFEST, Distribution

from mlwright.remote.logins import Logins
from mlwright.remote.oci import Found, ImageError, Registries

PROGRAM = os.environ.get("MLWRIGHT_REGISTRY") or shutil.which("registry")

pytestmark = pytest.mark.skipif(not PROGRAM, reason="there is no `registry` program here")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("registry")
    host = f"127.0.0.1:{free_port()}"
    config = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": host, "secret": "tests"},
        "log": {"level": "error"},
    }
    (folder / "config.yaml").write_text(json.dumps(config))
    assert PROGRAM
    words = [PROGRAM, "serve", str(folder / "config.yaml")]
    with running(words, lambda: answers(f"http://{host}/v2/"), folder / "log"):
        yield host


def put(host: str, path: str, data: bytes, kind: str) -> None:
    request = urllib.request.Request(f"http://{host}/v2/{path}", data, {"Content-Type": kind}, method="PUT")
    urllib.request.urlopen(request, timeout=10).close()


def push(host: str, made: Distribution) -> None:
    """Everything that `made` holds: blobs first, images before their indexes."""
    repositories = {repository for repository, _ in made.manifests}
    for repository in repositories:
        for digest, data in {**made.blobs, EMPTY: b""}.items():
            start = urllib.request.Request(f"http://{host}/v2/{repository}/blobs/uploads/", b"", method="POST")
            with urllib.request.urlopen(start, timeout=10) as answer:
                place = answer.headers["Location"]
            place += f"{'&' if '?' in place else '?'}digest={digest}"
            request = urllib.request.Request(place, data, {"Content-Type": "application/octet-stream"}, method="PUT")
            urllib.request.urlopen(request, timeout=10).close()
    for (repository, reference), (kind, body) in sorted(made.manifests.items(), key=lambda item: item[1][0] == INDEX):
        put(host, f"{repository}/manifests/{reference}", body, kind)


EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_tags_and_indexes_resolve_as_in_our_own_tests(host: str) -> None:
    made = Distribution()
    amd = made.image("acme/churn", "amd", Entrypoint=["tini", "--"], Cmd=["serve"])
    arm = made.image("acme/churn", "arm", Cmd=["arm"])
    index = made.index("acme/churn", "1", (arm, "linux", "arm64"), (amd, "linux", "amd64"))
    push(host, made)
    asked = Registries(logins=lambda: Logins(folder=Path("/nowhere")), patience=2.0)
    found = Found(digest=index, entrypoint=("tini", "--"), cmd=("serve",))
    assert asked.resolve(f"{host}/acme/churn:1") == found
    assert asked.resolve(f"{host}/acme/churn@{index}") == found
    assert asked.resolve(f"{host}/acme/churn:1", index) is None
    assert asked.resolve(f"{host}/acme/churn:amd") == Found(digest=amd, entrypoint=("tini", "--"), cmd=("serve",))
    for ref in (f"{host}/acme/churn:2", f"{host}/nobody/nothing:1"):
        with pytest.raises(ImageError) as problem:
            asked.resolve(ref)
        assert problem.value.why == "missing"
    made.image("acme/churn", "1", Cmd=["later"])
    push(host, made)
    moved = asked.resolve(f"{host}/acme/churn:1", index)
    assert moved is not None and moved.cmd == ("later",)


def test_the_media_types_are_those_that_are_served(host: str) -> None:
    made = Distribution()
    digest = made.image("plain", "1")
    push(host, made)
    request = urllib.request.Request(f"http://{host}/v2/plain/manifests/1", headers={"Accept": MANIFEST})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert (answer.headers["Content-Type"], answer.headers["Docker-Content-Digest"]) == (MANIFEST, digest)
