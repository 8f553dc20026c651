"""The REST client: what is repeated, what is not, and what errors say. The servers here are scripted; MLflow's own
answers are in tests/e2e/test_remote.py."""

from __future__ import annotations

import base64
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from mlwright.remote import client, http
from mlwright.remote.client import Client

Script = Callable[[int], tuple[int, dict[str, str], bytes] | None]
"""Of the how-manyth request: status, headers, body; None drops the connection without an answer."""


@dataclass
class Scripted:
    """A server that answers as told; `asked` are the requests, `connections` counts them."""

    url: str
    script: list[Script] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    connections: list[object] = field(default_factory=list)


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    made = Scripted(url="")
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            made.connections.append(self)
            super().setup()

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except OSError:
                self.close_connection = True

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with lock:
                made.asked.append((self.command, self.path, dict(self.headers), body))
                count = len(made.asked)
            found = made.script[0](count)
            if found is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            status, headers, text = found
            self.send_response(status)
            for name, value in {"Content-Length": str(len(text)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = do_DELETE = answer

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True).start()
    made.url = f"http://127.0.0.1:{httpd.server_port}"
    made.script.append(lambda _: ok({}))
    yield made
    httpd.shutdown()
    httpd.server_close()


def ok(body: Any) -> tuple[int, dict[str, str], bytes]:
    return 200, {}, json.dumps(body).encode()


def refused(status: int, code: str = "", **headers: str) -> tuple[int, dict[str, str], bytes]:
    return status, headers, json.dumps({"error_code": code, "message": "because"}).encode() if code else b"<h1>no</h1>"


def first(times: int, wrong: tuple[int, dict[str, str], bytes] | None) -> Script:
    return lambda count: wrong if count <= times else ok({"done": count})


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_read_is_repeated_while_the_server_is_away(scripted: Scripted, status: int) -> None:
    scripted.script[0] = first(2, refused(status))
    assert Client(url=scripted.url).call("GET", "x") == {"done": 3}


def test_a_read_is_repeated_when_the_connection_breaks(scripted: Scripted) -> None:
    scripted.script[0] = first(1, None)
    assert Client(url=scripted.url).call("GET", "x") == {"done": 2}


@pytest.mark.parametrize("status", [400, 404, 409, 500])
def test_an_answer_that_will_be_the_same_again_is_not_asked_for_twice(scripted: Scripted, status: int) -> None:
    scripted.script[0] = lambda _: refused(status, "INTERNAL_ERROR")
    with pytest.raises(client.RefusedError, match=f"HTTP {status}: because"):
        Client(url=scripted.url).call("GET", "x")
    assert len(scripted.asked) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_what_must_not_be_done_twice_is_repeated_where_it_was_surely_not_done(scripted: Scripted, status: int) -> None:
    scripted.script[0] = first(1, refused(status))
    assert Client(url=scripted.url).call("POST", "x/create", {}, once=True) == {"done": 2}


@pytest.mark.parametrize("wrong", [refused(502), refused(504), None])
def test_what_must_not_be_done_twice_is_not_repeated_when_its_fate_is_unknown(
    scripted: Scripted, wrong: tuple[int, dict[str, str], bytes] | None
) -> None:
    scripted.script[0] = first(1, wrong)
    with pytest.raises(http.RemoteError):
        Client(url=scripted.url).call("POST", "x/create", {}, once=True)
    assert len(scripted.asked) == 1


def test_patience_has_an_end(scripted: Scripted) -> None:
    scripted.script[0] = lambda _: refused(503)
    began = time.monotonic()
    with pytest.raises(client.RefusedError, match="HTTP 503: no"):
        Client(url=scripted.url, patience=0.6).call("GET", "x")
    assert time.monotonic() - began < 8
    assert len(scripted.asked) > 1


def test_the_server_says_how_long_to_wait(scripted: Scripted) -> None:
    scripted.script[0] = first(1, refused(429, **{"Retry-After": "1"}))
    began = time.monotonic()
    Client(url=scripted.url).call("GET", "x")
    assert time.monotonic() - began >= 1


def test_a_server_that_comes_up_later_is_waited_for() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"up": 1}')

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    def late() -> None:
        time.sleep(0.5)
        with ThreadingHTTPServer(("127.0.0.1", port), Handler) as httpd:
            httpd.handle_request()

    thread = threading.Thread(target=late)
    thread.start()
    assert Client(url=f"http://127.0.0.1:{port}").call("GET", "x") == {"up": 1}
    thread.join()


def test_a_server_that_is_not_there_is_named_with_what_is_wrong() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(http.UnreachableError, match=f"cannot reach {url}: connection refused: nothing listens there"):
        Client(url=url, patience=0).call("GET", "x")


def test_a_host_that_does_not_exist_is_not_waited_for() -> None:
    began = time.monotonic()
    with pytest.raises(http.UnreachableError, match=r"no such host: nowhere\.invalid"):
        Client(url="http://nowhere.invalid").call("GET", "x")
    assert time.monotonic() - began < 8


def test_a_silent_server_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(http.UnreachableError, match=r"no answer within 0\.2 s"):
            Client(url=url, patience=0, timeout=0.2).call("GET", "x")


def test_something_that_speaks_no_http_is_an_error_not_a_crash() -> None:
    with socket.create_server(("127.0.0.1", 0)) as odd:

        def answer() -> None:
            there, _ = odd.accept()
            with there:
                there.recv(1000)
                there.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(http.UnreachableError, match="cannot reach"):
            Client(url=f"http://127.0.0.1:{odd.getsockname()[1]}", patience=0).call("GET", "x")
        thread.join()


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"[1]", b"\xff\xfe"])
def test_a_page_that_is_not_mlflows_is_said_to_be_none(scripted: Scripted, body: bytes) -> None:
    scripted.script[0] = lambda _: (200, {"Content-Type": "text/html"}, body)
    said = "is not an MLflow server: GET /api/2.0/mlflow/x answered 200 text/html"
    with pytest.raises(client.RefusedError, match=re.escape(said)):
        Client(url=scripted.url).call("GET", "x")


def test_a_redirection_is_not_followed_but_told(scripted: Scripted) -> None:
    scripted.script[0] = lambda _: (301, {"Location": "https://mlflow.example.com/"}, b"")
    with pytest.raises(client.RefusedError, match=r"it redirects to https://mlflow\.example\.com/: use that address"):
        Client(url=scripted.url).call("GET", "x")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused(404, "RESOURCE_DOES_NOT_EXIST"), client.MissingError),
        (refused(400, "RESOURCE_ALREADY_EXISTS"), client.ExistsError),
        (refused(401), client.DeniedError),
        (refused(403, "PERMISSION_DENIED"), client.DeniedError),
        (refused(400, "INVALID_PARAMETER_VALUE"), client.RefusedError),
    ],
)
def test_mlflows_errors_have_types(
    scripted: Scripted, answer: tuple[int, dict[str, str], bytes], kind: type[Exception]
) -> None:
    scripted.script[0] = lambda _: answer
    with pytest.raises(client.RefusedError) as error:
        Client(url=scripted.url).call("GET", "x")
    assert type(error.value) is kind


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "asked anonymously"),
        ({"username": "ann", "password": "s3cret"}, "asked as the user 'ann'"),
        ({"token": "s3cret"}, "asked with a token"),
    ],
)
def test_a_refused_account_is_named_and_its_password_is_not(
    scripted: Scripted, fields: dict[str, str], said: str
) -> None:
    scripted.script[0] = lambda _: refused(401)
    made = Client(url=scripted.url, **fields)
    with pytest.raises(client.DeniedError, match=said) as error:
        made.call("GET", "x")
    assert "s3cret" not in str(error.value) + repr(made)


def test_credentials_and_the_workspace_are_sent(scripted: Scripted) -> None:
    Client(url=scripted.url, username="a", password="ü:b", workspace="w").call("GET", "x")
    Client(url=scripted.url, token="t").call("GET", "x")
    sent = [headers for _, _, headers, _ in scripted.asked]
    assert sent[0]["Authorization"] == "Basic " + base64.b64encode("a:ü:b".encode()).decode()
    assert sent[0]["X-MLFLOW-WORKSPACE"] == "w"
    assert sent[1]["Authorization"] == "Bearer t"


def test_connections_are_kept(scripted: Scripted) -> None:
    made = Client(url=scripted.url)
    for _ in range(5):
        made.call("GET", "x")
    assert len(scripted.connections) == 1


def test_a_kept_connection_that_the_server_has_closed_meanwhile_is_not_used(scripted: Scripted) -> None:
    scripted.script[0] = lambda _: (200, {}, b"{}")
    made = Client(url=scripted.url, patience=0)
    made.call("GET", "x")
    scripted.connections[0].connection.shutdown(socket.SHUT_RDWR)  # type: ignore[attr-defined]
    time.sleep(0.05)
    made.call("POST", "x/create", {}, once=True)
    assert len(scripted.asked) == 2


def test_reads_happen_side_by_side_in_the_order_asked_for(scripted: Scripted) -> None:
    open_ones, most, counting = 0, 0, threading.Lock()

    def slow(_: int) -> tuple[int, dict[str, str], bytes]:
        nonlocal open_ones, most
        with counting:
            open_ones += 1
            most = max(most, open_ones)
        time.sleep(0.1)
        with counting:
            open_ones -= 1
        return ok({})

    scripted.script[0] = slow
    made = Client(url=scripted.url)
    assert made.each(lambda n: (made.call("GET", "x", n=n) and n) or n, range(16)) == list(range(16))
    assert 1 < most <= client.AT_ONCE
    assert 1 < len(scripted.connections) <= client.AT_ONCE


def test_the_first_error_of_several_reads_is_raised(scripted: Scripted) -> None:
    scripted.script[0] = lambda _: refused(404, "RESOURCE_DOES_NOT_EXIST")
    made = Client(url=scripted.url)
    with pytest.raises(client.MissingError):
        made.each(lambda n: made.call("GET", "x", n=n), range(4))


def test_all_pages_are_read(scripted: Scripted) -> None:
    scripted.script[0] = lambda n: ok({"items": [n], **({"next_page_token": f"t/{n}"} if n < 3 else {})})
    made = Client(url=scripted.url)
    assert list(made.pages("GET", "x", "items", filter="a b")) == [1, 2, 3]
    assert [path for _, path, _, _ in scripted.asked] == [
        "/api/2.0/mlflow/x?filter=a+b",
        "/api/2.0/mlflow/x?filter=a+b&page_token=t%2F1",
        "/api/2.0/mlflow/x?filter=a+b&page_token=t%2F2",
    ]


def test_pages_of_a_search_by_post_have_the_token_in_the_body(scripted: Scripted) -> None:
    scripted.script[0] = lambda n: ok({"items": [n], **({"next_page_token": "t"} if n == 1 else {})})
    assert list(Client(url=scripted.url).pages("POST", "x/search", "items", max_results=1)) == [1, 2]
    assert [json.loads(body) for *_, body in scripted.asked] == [
        {"max_results": 1},
        {"max_results": 1, "page_token": "t"},
    ]


def test_a_path_before_the_interface_is_kept(scripted: Scripted) -> None:
    Client(url=f"{scripted.url}/mlflow").call("GET", "x")
    assert scripted.asked[0][1] == "/mlflow/api/2.0/mlflow/x"


def test_another_machine_is_reached_through_the_proxy_of_the_environment(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", scripted.url.replace("//", "//u:p%40@"))
    monkeypatch.setenv("no_proxy", "inside.example.com")
    Client(url="http://mlflow.example.com").call("GET", "x")
    _, path, headers, _ = scripted.asked[0]
    assert path == "http://mlflow.example.com:80/api/2.0/mlflow/x"
    assert headers["Host"] == "mlflow.example.com:80"
    assert headers["Proxy-Authorization"] == "Basic " + base64.b64encode(b"u:p@").decode()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_is_never_reached_through_a_proxy(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert Client(url=scripted.url.replace("127.0.0.1", host), patience=0).call("GET", "x") == {}


@pytest.mark.parametrize("url", ["ftp://x", "mlflow.example.com", "http://", "http://x:99999", "http://x:port"])
def test_what_is_no_http_address_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(http.UnreachableError) as error:
        Client(url=url, patience=0).call("GET", "x")
    assert error.value.lasting


def test_a_file_of_certificates_that_is_not_there_is_named() -> None:
    made = Client(url="https://127.0.0.1:9", tls=http.Tls(certificates="/nowhere/ca.pem"), patience=5)
    with pytest.raises(http.UnreachableError, match=r"cannot read the certificates in /nowhere/ca\.pem"):
        made.call("GET", "x")
