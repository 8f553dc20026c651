"""TLS as MLflow's own client does it: trusted, not trusted, trusted by a file, not asked for."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mlwright.remote.client import Client
from mlwright.remote.http import Tls, UnreachableError


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 and mlflow.example.com, with its key behind it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("mlflow.example.com")]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + pem)
    return path


@pytest.fixture(scope="module")
def secured(certificate: Path) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Clients that do not trust us hang up."""

    httpd = Quiet(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True).start()
    yield f"https://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()


def test_a_certificate_that_is_not_trusted_is_an_error_that_says_what_to_set_and_is_not_tried_again(
    secured: str,
) -> None:
    with pytest.raises(UnreachableError, match=r"not trusted: .* \(MLFLOW_TRACKING_SERVER_CERT_PATH names"):
        Client(url=secured, patience=60).call("GET", "x")


def test_a_certificate_of_the_given_file_is_trusted(secured: str, certificate: Path) -> None:
    made = Client(url=secured, tls=Tls(certificates=str(certificate)))
    assert [made.call("GET", "x") for _ in range(3)] == [{}] * 3


def test_a_name_that_the_certificate_does_not_have_is_not_trusted(secured: str, certificate: Path) -> None:
    other = secured.replace("127.0.0.1", "localhost")
    with pytest.raises(UnreachableError, match="not trusted"):
        Client(url=other, tls=Tls(certificates=str(certificate))).call("GET", "x")


def test_nothing_is_checked_where_that_is_asked_for(secured: str) -> None:
    assert Client(url=secured, tls=Tls(insecure=True)).call("GET", "x") == {}


def test_a_server_without_tls_is_an_error_that_says_so(secured: str) -> None:
    plain = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    threading.Thread(target=plain.serve_forever, args=(0.02,), daemon=True).start()
    with pytest.raises(UnreachableError, match="TLS: "):
        Client(url=f"https://127.0.0.1:{plain.server_port}", patience=0).call("GET", "x")
    plain.shutdown()
    plain.server_close()


def test_https_goes_through_a_tunnel_of_the_proxy_which_sees_the_name_alone(
    secured: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    class Proxy(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            asked.append(f"{self.path} {self.headers.get('Proxy-Authorization')} {self.headers.get('Authorization')}")
            self.send_response(200)
            self.end_headers()
            host, _, port = secured.removeprefix("https://").partition(":")
            with socket.create_connection((host, int(port))) as there:
                one = threading.Thread(target=piped, args=(self.connection, there), daemon=True)
                one.start()
                piped(there, self.connection)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    def piped(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    proxy.daemon_threads = True
    threading.Thread(target=proxy.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("https_proxy", f"http://u:p@127.0.0.1:{proxy.server_port}")
    monkeypatch.setenv("no_proxy", "")
    url, tls = "https://mlflow.example.com", Tls(certificates=str(certificate))
    made = Client(url=url, username="ann", password="s3cret", tls=tls, timeout=10)
    assert [made.call("GET", "x") for _ in range(2)] == [{}, {}]
    assert asked == ["mlflow.example.com:443 Basic dTpw None"]
    proxy.shutdown()
    proxy.server_close()


def test_a_proxy_that_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    threading.Thread(target=proxy.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.server_port}")
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(
        UnreachableError, match=r"cannot reach https://mlflow\.example\.com through the proxy 127\.0\.0\.1"
    ):
        Client(url="https://mlflow.example.com", patience=0).call("GET", "x")
    proxy.shutdown()
    proxy.server_close()
