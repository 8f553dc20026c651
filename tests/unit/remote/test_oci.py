"""Image tags become digests over the distribution API: indexes, tokens, logins, redirects, registries in trouble."""

from __future__ import annotations

import base64
import json
import stat
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.unit.remote.distribution import INDEX, LIST, MANIFEST, Distribution, digest_of, serving

from mlwright.remote.logins import HUB, Login, LoginError, Logins
from mlwright.remote.oci import Found, ImageError, Name, Registries


@pytest.fixture
def hub() -> Iterator[Distribution]:
    with serving() as state:
        yield state


def registries(config: object = None, folder: Path = Path("/nowhere"), **options: Any) -> Registries:
    logins = Logins(folder=folder, _config=config if isinstance(config, dict) else {})
    return Registries(logins=lambda: logins, **({"patience": 1.0, "timeout": 2.0} | options))


@pytest.mark.parametrize(
    ("ref", "host", "repository", "reference"),
    [
        ("python", "registry-1.docker.io", "library/python", "latest"),
        ("python:3.12-slim", "registry-1.docker.io", "library/python", "3.12-slim"),
        ("acme/churn:1", "registry-1.docker.io", "acme/churn", "1"),
        ("docker.io/python:3", "registry-1.docker.io", "library/python", "3"),
        ("ghcr.io/acme/churn/train:1.4", "ghcr.io", "acme/churn/train", "1.4"),
        ("localhost:5000/churn", "localhost:5000", "churn", "latest"),
        ("localhost/churn:2", "localhost", "churn", "2"),
        (f"quay.io/a/b:1@sha256:{'a' * 64}", "quay.io", "a/b", f"sha256:{'a' * 64}"),
    ],
)
def test_a_reference_is_asked_for_where_an_engine_would(ref: str, host: str, repository: str, reference: str) -> None:
    assert Name.of(ref) == Name(host=host, repository=repository, reference=reference)


def test_a_tag_is_its_manifests_digest_and_what_the_image_starts(hub: Distribution) -> None:
    digest = hub.image("acme/churn", "1", Entrypoint=["tini", "--"], Cmd=["serve"])
    found = registries().resolve(f"{hub.host}/acme/churn:1")
    assert found == Found(digest=digest, entrypoint=("tini", "--"), cmd=("serve",))


@pytest.mark.parametrize("kind", [INDEX, LIST])
def test_the_digest_of_an_index_is_pinned_and_linux_amd64_says_what_it_starts(hub: Distribution, kind: str) -> None:
    arm = hub.image("churn", "arm", Entrypoint=["arm"])
    amd = hub.image("churn", "amd", Entrypoint=None, Cmd=["amd"])
    attestation = ("sha256:" + "e" * 64, "unknown", "unknown")
    index = hub.index("churn", "1", attestation, (arm, "linux", "arm64"), (amd, "linux", "amd64"), kind=kind)
    assert registries().resolve(f"{hub.host}/churn:1") == Found(digest=index, cmd=("amd",))


def test_an_index_without_linux_amd64_still_has_its_digest(hub: Distribution) -> None:
    arm = hub.image("churn", "arm", Entrypoint=["arm"])
    index = hub.index("churn", "1", ("sha256:" + "e" * 64, "unknown", "unknown"), (arm, "linux", "arm64"))
    assert registries().resolve(f"{hub.host}/churn:1") == Found(digest=index, entrypoint=("arm",))


@pytest.mark.parametrize("silent", [False, True])
def test_what_has_not_moved_costs_one_request_where_the_registry_says_digests(hub: Distribution, silent: bool) -> None:
    hub.silent = silent
    digest = hub.image("churn", "1")
    assert registries().resolve(f"{hub.host}/churn:1", digest) is None
    assert [method for method, _, _ in hub.asked] == (["HEAD", "GET"] if silent else ["HEAD"])
    moved = hub.image("churn", "1", Cmd=["new"])
    assert registries().resolve(f"{hub.host}/churn:1", digest) == Found(digest=moved, cmd=("new",))


def test_a_token_is_asked_for_once_with_dockers_login_and_sent_along(hub: Distribution) -> None:
    hub.user, hub.password = "ann", "s3:cret"
    digest = hub.image("acme/churn", "1", Cmd=["x"])
    auth = base64.b64encode(b"ann:s3:cret").decode()
    found = registries({"auths": {hub.host: {"auth": auth}}}).resolve(f"{hub.host}/acme/churn:1")
    assert found is not None and found.digest == digest
    tokens = [(path, sent) for _, path, sent in hub.asked if path.startswith("/token")]
    assert tokens == [("/token?service=tests&scope=repository%3Aacme%2Fchurn%3Apull", f"Basic {auth}")]
    assert all(sent.startswith("Bearer ") for _, path, sent in hub.asked[2:] if path.startswith("/v2/"))


def test_an_identity_token_is_changed_into_a_token(hub: Distribution) -> None:
    hub.refresh = "long-lived"
    hub.image("churn", "1")
    config = {"auths": {f"https://{hub.host}/v2/": {"identitytoken": "long-lived"}}}
    assert registries(config).resolve(f"{hub.host}/churn:1") is not None
    assert ("POST", "/token", "") in hub.asked


def test_basic_authentication_is_answered_too(hub: Distribution) -> None:
    hub.user, hub.password, hub.challenge = "ann", "secret", "basic"
    hub.image("churn", "1")
    config = {"auths": {hub.host: {"username": "ann", "password": "secret"}}}
    assert registries(config).resolve(f"{hub.host}/churn:1") is not None


@pytest.mark.parametrize("challenge", ["bearer", "basic"])
def test_without_a_login_it_says_which_one_is_missing(hub: Distribution, challenge: str) -> None:
    hub.user, hub.password, hub.challenge = "ann", "secret", challenge
    hub.image("churn", "1")
    with pytest.raises(ImageError, match=rf"does not exist, or needs a login \(docker login {hub.host}\)") as found:
        registries().resolve(f"{hub.host}/churn:1")
    assert found.value.why == "denied"


def test_a_wrong_login_is_said_without_saying_it(hub: Distribution) -> None:
    hub.user, hub.password = "ann", "secret"
    config = {"auths": {hub.host: {"auth": base64.b64encode(b"ann:wrong-one").decode()}}}
    with pytest.raises(ImageError, match="refuses the login") as found:
        registries(config).resolve(f"{hub.host}/churn:1")
    assert "wrong-one" not in f"{found.value} {found.value!r} {registries(config)!r}"


def test_a_tag_that_is_not_there_is_missing(hub: Distribution) -> None:
    hub.image("churn", "1")
    with pytest.raises(ImageError, match=f"{hub.host} has no churn:2") as found:
        registries().resolve(f"{hub.host}/churn:2")
    assert found.value.why == "missing"


def test_a_registry_that_is_busy_is_asked_again(hub: Distribution) -> None:
    hub.trouble = [429, 503, 502]
    digest = hub.image("churn", "1")
    found = registries(patience=10.0).resolve(f"{hub.host}/churn:1")
    assert found is not None and found.digest == digest


def test_a_registry_that_stays_busy_is_given_up(hub: Distribution) -> None:
    hub.trouble = [429] * 100
    with pytest.raises(ImageError, match="allows no more requests for now") as found:
        registries(patience=0.5).resolve(f"{hub.host}/churn:1")
    assert found.value.why == "away"


def test_a_registry_that_is_too_slow_is_given_up(hub: Distribution) -> None:
    hub.slow = 1.0
    with pytest.raises(ImageError, match=r"no answer within 0.2 s") as found:
        registries(timeout=0.2, patience=0.1).resolve(f"{hub.host}/churn:1")
    assert found.value.why == "away"


def test_nothing_that_listens_is_said_at_once() -> None:
    start = time.monotonic()
    with pytest.raises(ImageError, match="connection refused"):
        registries(patience=0.0).resolve("127.0.0.1:9/churn:1")
    assert time.monotonic() - start < 10


def test_a_registry_that_was_given_up_is_waited_for_once() -> None:
    asked, start = registries(patience=0.6), time.monotonic()
    for number in range(10):
        with pytest.raises(ImageError, match="connection refused"):
            asked.resolve(f"127.0.0.1:9/i{number}:1")
    assert time.monotonic() - start < 5


def test_credentials_do_not_follow_a_redirect_to_another_host(hub: Distribution) -> None:
    hub.user, hub.password = "ann", "secret"
    hub.image("churn", "1", Cmd=["x"])
    with serving() as store:
        store.blobs = hub.blobs
        hub.redirect = store.address
        config = {"auths": {hub.host: {"username": "ann", "password": "secret"}}}
        found = registries(config).resolve(f"{hub.host}/churn:1")
        assert found is not None and found.cmd == ("x",)
        assert [sent for _, path, sent in store.asked if path.startswith("/elsewhere/")] == [""]


def test_a_manifest_that_is_not_what_its_digest_says_is_refused(hub: Distribution) -> None:
    inner = hub.image("churn", "amd")
    hub.index("churn", "1", (inner, "linux", "amd64"))
    kind, body = hub.manifests["churn", inner]
    hub.manifests["churn", inner] = (kind, body + b" ")
    with pytest.raises(ImageError, match="the registry sent sha256:") as found:
        registries().resolve(f"{hub.host}/churn:1")
    assert found.value.why == "invalid"


def test_a_configuration_that_was_changed_on_the_way_is_refused(hub: Distribution) -> None:
    hub.image("churn", "1", Cmd=["x"])
    (name,) = hub.blobs
    hub.blobs[name] = hub.blobs[name].replace(b"x", b"y")
    with pytest.raises(ImageError, match="the registry sent sha256:"):
        registries().resolve(f"{hub.host}/churn:1")


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ({"schemaVersion": 1, "fsLayers": []}, "schema 1"),
        ({"schemaVersion": 2, "config": None}, "is not a container image"),
        ({"schemaVersion": 2, "manifests": []}, "an index without an image"),
        ([], "not JSON"),
    ],
)
def test_what_is_no_image_is_refused(hub: Distribution, manifest: Any, said: str) -> None:
    hub.put("churn", "1", MANIFEST, manifest)
    with pytest.raises(ImageError, match=said) as found:
        registries().resolve(f"{hub.host}/churn:1")
    assert found.value.why == "invalid"


def test_several_images_are_asked_for_at_once(hub: Distribution) -> None:
    names = [f"i{number}" for number in range(8)]
    digests = {name: hub.image(name, "1", Cmd=[name]) for name in names}
    hub.slow = 0.2
    asked, start = registries(timeout=10.0), time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        found = dict(zip(names, pool.map(lambda name: asked.resolve(f"{hub.host}/{name}:1"), names), strict=True))
    assert {name: item.digest for name, item in found.items() if item} == digests
    assert time.monotonic() - start < 8 * 0.2 * 2  # one after the other takes 8 x 2 requests


def test_an_insecure_host_may_speak_plain_http(hub: Distribution, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlwright.remote.oci.is_loopback", lambda url: False)
    hub.image("churn", "1")
    assert registries(insecure=[hub.host]).resolve(f"{hub.host}/churn:1") is not None
    with pytest.raises(ImageError, match="TLS"):
        registries().resolve(f"{hub.host}/churn:1")


def test_the_answer_is_digested_as_it_was_sent(hub: Distribution) -> None:
    body = b'{"schemaVersion": 2,\n  "config": {"digest": "%s"}}' % digest_of(b"{}").encode()
    hub.blobs[digest_of(b"{}")] = b"{}"
    hub.manifests["churn", "1"] = (MANIFEST, body)
    assert registries().resolve(f"{hub.host}/churn:1") == Found(digest=digest_of(body))


def helper(folder: Path, name: str, script: str) -> None:
    path = folder / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_a_credential_helper_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper(tmp_path, "box", 'read host; echo "{\\"Username\\": \\"ann\\", \\"Secret\\": \\"for-$host\\"}"')
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    logins = Logins(folder=tmp_path, _config={"credHelpers": {"ghcr.io": "box"}, "credsStore": "none"})
    assert logins.at("ghcr.io") == Login(username="ann", password="for-ghcr.io")
    assert logins.at("quay.io") == Login(), "a store that is not installed knows nobody"
    helper(tmp_path, "none", 'echo "{\\"Username\\": \\"<token>\\", \\"Secret\\": \\"t\\"}"')
    assert logins.at("quay.io") == Login(token="t")
    helper(tmp_path, "box", "echo credentials not found; exit 1")
    assert logins.at("ghcr.io") == Login()
    helper(tmp_path, "box", "echo hello")
    with pytest.raises(LoginError, match="docker-credential-box answered something else"):
        logins.at("ghcr.io")


def test_a_helper_that_is_not_installed_is_named(hub: Distribution) -> None:
    hub.user = "ann"
    with pytest.raises(ImageError, match="docker-credential-nowhere, which is not installed"):
        registries({"credHelpers": {hub.host: "nowhere"}}).resolve(f"{hub.host}/churn:1")


def test_docker_hubs_login_is_found_under_its_old_address(tmp_path: Path) -> None:
    auth = base64.b64encode(b"ann:x").decode()
    logins = Logins(folder=tmp_path, _config={"auths": {HUB: {"auth": auth}}})
    assert logins.at("registry-1.docker.io") == Login(username="ann", password="x")
    assert logins.at("ghcr.io") == Login()


def test_dockers_configuration_is_read_where_docker_reads_it(tmp_path: Path) -> None:
    own, other = tmp_path / "home/.docker", tmp_path / "other"
    for folder, user in ((own, "ann"), (other, "bob")):
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps({"auths": {"ghcr.io": {"username": user, "password": "x"}}}))
    assert Logins.of({}, tmp_path / "home").at("ghcr.io").username == "ann"
    assert Logins.of({"DOCKER_CONFIG": str(other)}, tmp_path / "home").at("ghcr.io").username == "bob"
    assert Logins.of({}, tmp_path / "nobody").at("ghcr.io") == Login()


@pytest.mark.parametrize("text", ["{", "[]", '{"auths": {"ghcr.io": {"auth": "%%%"}}}'])
def test_a_broken_configuration_is_said_with_its_path(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(LoginError, match=r"config\.json"):
        Logins.of({"DOCKER_CONFIG": str(tmp_path)}, tmp_path).at("ghcr.io")
