"""Finding a cluster by a kubeconfig, and what is said where there is none, or where it does not answer."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.remote.apiserver import RECORDED, Stub, refusal, served

from mlwright.remote.cluster import ABSENT, ClusterError, Refused, Resource, connect

SERVICE = RECORDED["compared"]["as it should be"]["wanted"]


@pytest.fixture
def stub() -> Iterator[Stub]:
    with served() as found:
        yield found


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without a kubeconfig."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    return tmp_path / "home"


def test_the_current_context_is_used_and_the_server_tells_its_version(stub: Stub, tmp_path: Path) -> None:
    cluster = connect(str(stub.kubeconfig(tmp_path)))
    assert (cluster.url, cluster.context) == (stub.url, "prod")
    assert cluster.probe() == "v1.36.3"


@pytest.mark.parametrize("way", ["variable", "home"])
def test_a_kubeconfig_is_found_where_kubectl_finds_it(
    way: str, stub: Stub, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "variable":
        monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'none'}:{stub.kubeconfig(tmp_path)}")
    else:
        (home / ".kube").mkdir(parents=True)
        stub.kubeconfig(tmp_path).rename(home / ".kube" / "config")
        pytest.importorskip("kubernetes.config.kube_config").KUBE_CONFIG_DEFAULT_LOCATION = "~/.kube/config"
    assert connect(context="other").context == "other"


def test_kinds_are_found_by_what_the_server_says_and_asked_for_once(stub: Stub, tmp_path: Path) -> None:
    cluster = connect(str(stub.kubeconfig(tmp_path)))
    assert cluster.resource("apps/v1", "Deployment") == Resource(plural="deployments", namespaced=True)
    assert cluster.resource("apps/v1", "Deploymemt") is None
    assert cluster.resource("argoproj.io/v1alpha1", "Workflow") is None
    assert [target for _, target, _ in stub.asked] == ["/apis/apps/v1", "/apis/argoproj.io/v1alpha1"]


def test_long_lists_are_read_page_by_page(stub: Stub, tmp_path: Path) -> None:
    cluster = connect(str(stub.kubeconfig(tmp_path)))
    cluster.resource("v1", "Service")
    pages = iter([("next", "a"), ("", "b")])

    def answer(*_: object) -> tuple[int, object]:
        token, name = next(pages)
        return 200, {"metadata": {"continue": token}, "items": [{"metadata": {"name": name}}]}

    stub.answer = answer  # type: ignore[method-assign]
    found = cluster.listed("v1", "Service", "rec", "a=b")
    assert not isinstance(found, Refused)
    assert [one["metadata"]["name"] for one in found] == ["a", "b"]


def test_a_dry_run_is_a_dry_run_whatever_is_asked(stub: Stub, tmp_path: Path) -> None:
    cluster = connect(str(stub.kubeconfig(tmp_path)))
    with pytest.raises(AssertionError, match="nothing is ever written"):
        cluster._ask("PATCH", "/api/v1/namespaces/x/services/y", body=b"{}")
    with pytest.raises(AssertionError, match="nothing is ever written"):
        cluster._ask("DELETE", "/api/v1/namespaces/x/services/y?dryRun=All")
    assert stub.asked == []


def failure(config: str = "", context: str = "") -> str:
    with pytest.raises(ClusterError) as caught:
        connect(config, context, read=0.3).probe()
    return str(caught.value)


def test_no_kubeconfig_at_all() -> None:
    assert failure() == "there is no kubeconfig (~/.kube/config): name one with --kubeconfig or KUBECONFIG"


def test_a_kubeconfig_that_is_not_there(tmp_path: Path) -> None:
    assert "there is no kubeconfig at" in failure(str(tmp_path / "nowhere"))


def test_a_misspelt_context_gets_a_guess(stub: Stub, tmp_path: Path) -> None:
    assert failure(str(stub.kubeconfig(tmp_path)), "prd").endswith("has no context 'prd': did you mean `prod`?")
    assert failure(str(stub.kubeconfig(tmp_path)), "x").endswith("has no context 'x': there is prod, other")


def test_no_current_context(stub: Stub, tmp_path: Path) -> None:
    config = stub.kubeconfig(tmp_path)
    config.write_text(config.read_text().replace('"current-context": "prod"', '"current-context": ""'))
    assert failure(str(config)).endswith("has no current context: name one with --context: prod, other")
    assert connect(str(config), "other").probe()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "cannot be read"),
        ("just text", "no current context"),
        ("", "no current context"),
        ("{current-context: a, contexts: [{name: a, context: {cluster: x, user: u}}]}", "cannot be used"),
        ("{current-context: a, contexts: [{name: a}]}", "cannot be"),
    ],
)
def test_a_damaged_kubeconfig(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(text)
    told = failure(str(tmp_path / "config"))
    assert said in told
    assert "\n" not in told


def test_credentials_that_the_server_does_not_know(stub: Stub, tmp_path: Path) -> None:
    told = failure(str(stub.kubeconfig(tmp_path, token="wrong")))
    assert "does not know the credentials of the context 'prod' (401)" in told
    assert "wrong" not in told.replace("they are wrong", "")


def test_a_program_for_credentials_that_fails_is_told_with_what_it_said(stub: Stub, tmp_path: Path) -> None:
    config = json.loads(stub.kubeconfig(tmp_path).read_text())
    command = {"apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable, "interactiveMode": "Never"}
    config["users"][0]["user"] = {"exec": {**command, "args": ["-c", "import sys; sys.exit('log in first')"]}}
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    told = failure(str(tmp_path / "kubeconfig"))
    assert told.startswith("no credentials for the context 'prod': exec: process returned 1")


def test_nothing_listens(stub: Stub, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    told = failure(str(stub.kubeconfig(tmp_path, server=url)))
    assert told.startswith(f"cannot reach the cluster at {url}: nothing listens there")


def test_a_host_that_nobody_knows(stub: Stub, tmp_path: Path) -> None:
    told = failure(str(stub.kubeconfig(tmp_path, server="http://no-such-host.invalid:6443")))
    assert "no such host" in told


def test_a_server_that_does_not_answer(stub: Stub, tmp_path: Path) -> None:
    stub.delay = 1.0
    assert failure(str(stub.kubeconfig(tmp_path))).endswith("no answer within 0.3 s")


def test_an_object_for_which_no_answer_comes_is_refused_alone(stub: Stub, tmp_path: Path) -> None:
    cluster = connect(str(stub.kubeconfig(tmp_path)), read=0.3)
    cluster.resource("v1", "Service")
    stub.delay = 1.0
    assert cluster.get(SERVICE) == Refused(code=0, reason="Timeout", message="no answer within 0.3 s")


def test_a_server_that_is_busy_is_asked_again(stub: Stub, tmp_path: Path) -> None:
    cluster = connect(str(stub.kubeconfig(tmp_path)))
    stub.busy = 2
    assert cluster.probe() == "v1.36.3"
    assert len(stub.asked) == 3
    stub.busy = 99
    found = cluster.versions("apps")
    assert found == ()
    assert len(stub.asked) == 3 + 4


def test_something_else_that_speaks_http(stub: Stub, tmp_path: Path) -> None:
    stub.refusals["GET", "/version"] = (404, "<html>Log in</html>")
    assert "does not answer as a Kubernetes API server does (404)" in failure(str(stub.kubeconfig(tmp_path)))
    stub.refusals["GET", "/version"] = (200, "<html>Log in</html>")
    assert "does not answer as a Kubernetes API server does (200)" in failure(str(stub.kubeconfig(tmp_path)))


def test_an_account_that_may_not_read_the_version_may_still_compare(stub: Stub, tmp_path: Path) -> None:
    stub.refusals["GET", "/version"] = refusal("may not get")
    assert connect(str(stub.kubeconfig(tmp_path))).probe() == ""


@pytest.fixture
def https(tmp_path: Path) -> Iterator[str]:
    """A TLS server whose certificate nobody has signed."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subject = ["-subj", "/CN=localhost", "-days", "1", "-nodes", "-newkey", "rsa:2048"]
    words = ["openssl", "req", "-x509", *subject, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(words, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
                context.wrap_socket(connection, server_side=True).close()
            except ssl.SSLError:
                continue
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    yield f"https://127.0.0.1:{listening.getsockname()[1]}"
    listening.close()


def test_a_certificate_that_is_not_trusted(https: str, stub: Stub, tmp_path: Path) -> None:
    told = failure(str(stub.kubeconfig(tmp_path, server=https)))
    assert "TLS: " in told
    assert "certificate-authority" in told


def test_an_authority_that_cannot_be_read(https: str, stub: Stub, tmp_path: Path) -> None:
    config = json.loads(stub.kubeconfig(tmp_path, server=https).read_text())
    config["clusters"][0]["cluster"]["certificate-authority"] = str(tmp_path / "nowhere.pem")
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    assert "nowhere.pem" in failure(str(tmp_path / "kubeconfig"))


def test_without_the_client_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kubernetes", None)
    assert failure() == ABSENT
    assert "mlwright[cluster]" in ABSENT
