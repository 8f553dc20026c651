"""One HTTP server: kept connections, time-outs, TLS, proxies, and errors that say whether a request was done."""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
import select
import socket
import ssl
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field

KEPT = 3.0
"""Seconds for which an idle connection is used again. MLflow's server ends one after five: a request that is on its way
just then is lost, and nobody knows whether it was done."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class RemoteError(Exception):
    """A server did not do what was asked of it; the text says which, what and why."""


class UnreachableError(RemoteError):
    """Nothing answered. `sent` is False where the request cannot have been done: it may be repeated, whatever it was.
    `lasting` is True where trying again does not help."""

    def __init__(self, text: str, *, sent: bool, lasting: bool = False) -> None:
        super().__init__(text)
        self.sent = sent
        self.lasting = lasting


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server answered, whatever the status. Names of headers are in lower case."""

    status: int
    reason: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Which certificates are believed: the system's, those of the file or folder `certificates`, or any."""

    certificates: str = ""
    insecure: bool = False

    def context(self) -> ssl.SSLContext:
        """Raises UnreachableError where `certificates` cannot be read."""
        try:
            if os.path.isdir(self.certificates):
                made = ssl.create_default_context(capath=self.certificates)
            else:
                made = ssl.create_default_context(cafile=self.certificates or None)
        except OSError as error:
            text = f"cannot read the certificates in {self.certificates} (MLFLOW_TRACKING_SERVER_CERT_PATH): {error}"
            raise UnreachableError(text, sent=False, lasting=True) from error
        if self.insecure:
            made.check_hostname = False
            made.verify_mode = ssl.CERT_NONE
        return made


def is_loopback(url: str) -> bool:
    """Whether the address is this machine's own."""
    return urllib.parse.urlsplit(url).hostname in LOOPBACK


class Http:
    """The server at `url`. Any number of threads may use it; each request has a connection of its own meanwhile,
    which is kept for the next one. A loopback address never goes through a proxy."""

    def __init__(self, url: str, *, timeout: float = 30.0, tls: Tls | None = None) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UnreachableError(f"{url!r} is not an http(s) address", sent=False, lasting=True)
        self.url = url
        self.timeout = timeout
        self._secure = parts.scheme == "https"
        try:
            self._host, self._port = parts.hostname, parts.port or (443 if self._secure else 80)
        except ValueError as error:
            raise UnreachableError(f"{url!r} has no usable port: {error}", sent=False, lasting=True) from error
        self._base = parts.path.rstrip("/")
        self._tls = tls or Tls()
        self._proxy = _proxy(url, parts.scheme, parts.hostname)
        self._idle: list[tuple[float, http.client.HTTPConnection]] = []
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request, tried once. Raises UnreachableError where there was no answer."""
        connection = self._connection()
        target = self._base + path
        if self._proxy and not self._secure:
            target = f"http://{self._host}:{self._port}{target}"
        connected = connection.sock is not None
        try:
            if not connected:
                connection.connect()
                connected = True
            connection.request(method, target, body, {**self._proxy_headers(), **(headers or {})})
            answer = connection.getresponse()
            found = Answer(
                status=answer.status,
                reason=answer.reason,
                headers={name.lower(): value for name, value in answer.getheaders()},
                body=answer.read(),
            )
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._unreachable(error, sent=connected) from error
        if answer.will_close:
            connection.close()
        else:
            with self._lock:
                self._idle.append((time.monotonic(), connection))
        return found

    def close(self) -> None:
        """End the kept connections; the next request makes a new one."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, connection in idle:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        while True:
            with self._lock:
                since, kept = self._idle.pop() if self._idle else (0.0, None)
            if kept is None:
                break
            if time.monotonic() - since < KEPT and not _ended(kept.sock):
                return kept
            kept.close()
        host, port = (self._proxy.hostname or "", self._proxy.port or 80) if self._proxy else (self._host, self._port)
        if not self._secure:
            return http.client.HTTPConnection(host, port, timeout=self.timeout)
        if self._context is None:
            self._context = self._tls.context()
        made = http.client.HTTPSConnection(host, port, timeout=self.timeout, context=self._context)
        if self._proxy:
            made.set_tunnel(self._host, self._port, self._proxy_headers(tunnel=True))
        return made

    def _proxy_headers(self, *, tunnel: bool = False) -> dict[str, str]:
        if self._proxy is None or not self._proxy.username or self._secure is not tunnel:
            return {}
        pair = f"{urllib.parse.unquote(self._proxy.username)}:{urllib.parse.unquote(self._proxy.password or '')}"
        return {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def _unreachable(self, error: Exception, *, sent: bool) -> UnreachableError:
        through = f" through the proxy {self._proxy.hostname}" if self._proxy else ""
        reason, lasting = str(error) or type(error).__name__, False
        if isinstance(error, ssl.SSLCertVerificationError):
            reason = f"its certificate is not trusted: {error.verify_message} (MLFLOW_TRACKING_SERVER_CERT_PATH names"
            reason += " the file of its authority)"
            lasting = True
        elif isinstance(error, ssl.SSLError):
            reason, lasting = f"TLS: {error.reason or error}", True
        elif isinstance(error, TimeoutError):
            reason = f"no answer within {self.timeout:g} s"
        elif isinstance(error, socket.gaierror):
            reason, lasting = f"no such host: {self._host}", error.errno == socket.EAI_NONAME
        elif isinstance(error, ConnectionRefusedError):
            reason = "connection refused: nothing listens there"
        text = f"cannot reach {self.url}{through}: {reason}"
        return UnreachableError(text, sent=sent, lasting=lasting)


def _ended(sock: socket.socket | None) -> bool:
    """Whether the other side has closed a connection on which nothing is awaited."""
    if sock is None:
        return True
    with contextlib.suppress(OSError, ValueError):
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return bool(poll.poll(0))
    return True


def _proxy(url: str, scheme: str, host: str) -> urllib.parse.SplitResult | None:
    """The proxy that the environment names for an address, None where there is none."""
    address = urllib.request.getproxies().get(scheme)
    if not address or is_loopback(url) or urllib.request.proxy_bypass(host):
        return None
    return urllib.parse.urlsplit(address if "//" in address else f"//{address}")
