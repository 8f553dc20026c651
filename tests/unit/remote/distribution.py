"""An image registry in the test's own process: the distribution API with token authentication, over real HTTP."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

INDEX = "application/vnd.oci.image.index.v1+json"
LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


@dataclass(slots=True, kw_only=True)
class Distribution:
    """What the registry holds and how it behaves. `asked` are the requests: (method, path, authorization)."""

    address: str = ""
    user: str = ""
    password: str = ""
    refresh: str = ""
    challenge: str = "bearer"
    redirect: str = ""
    trouble: list[int] = field(default_factory=list)
    slow: float = 0.0
    silent: bool = False
    manifests: dict[tuple[str, str], tuple[str, bytes]] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)

    def image(self, repository: str, tag: str, **config: Any) -> str:
        """An image for linux/amd64 alone; the digest of its manifest."""
        body = json.dumps({"architecture": "amd64", "os": "linux", "config": config}).encode()
        self.blobs[digest_of(body)] = body
        layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest_of(b""), "size": 0}
        described = {"mediaType": CONFIG, "digest": digest_of(body), "size": len(body)}
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": [layer]}
        return self.put(repository, tag, MANIFEST, manifest)

    def index(self, repository: str, tag: str, *platforms: tuple[str, str, str], kind: str = INDEX) -> str:
        """An index over (digest, os, architecture); its own digest."""
        entries = [
            {"mediaType": MANIFEST, "digest": digest, "size": 1, "platform": {"os": os, "architecture": architecture}}
            for digest, os, architecture in platforms
        ]
        return self.put(repository, tag, kind, {"schemaVersion": 2, "mediaType": kind, "manifests": entries})

    def put(self, repository: str, tag: str, kind: str, manifest: Any) -> str:
        """A manifest under its tag and its digest."""
        body = json.dumps(manifest).encode()
        self.manifests[repository, tag] = self.manifests[repository, digest_of(body)] = (kind, body)
        return digest_of(body)

    @property
    def host(self) -> str:
        return urllib.parse.urlsplit(self.address).netloc


@contextmanager
def serving() -> Iterator[Distribution]:
    """A registry on a free loopback port for as long as the block lasts."""
    state = Distribution()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

        def do_HEAD(self) -> None:
            self._answer(False)

        def do_GET(self) -> None:
            self._answer(True)

        def do_POST(self) -> None:
            form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            self._note()
            known = form.get("grant_type") == "refresh_token" and form.get("refresh_token") == state.refresh
            self._token(known, form.get("scope", ""))

        def _note(self) -> None:
            state.asked.append((self.command, self.path, self.headers.get("Authorization", "")))

        def _answer(self, whole: bool) -> None:
            self._note()
            time.sleep(state.slow)
            path = urllib.parse.urlsplit(self.path)
            if state.trouble:
                return self._send(state.trouble.pop(0), b"{}", {"Retry-After": "0"})
            if path.path == "/token":
                pair = base64.b64encode(f"{state.user}:{state.password}".encode()).decode()
                sent = self.headers.get("Authorization", "")
                scope = dict(urllib.parse.parse_qsl(path.query)).get("scope", "")
                return self._token(not state.user or not sent or sent == f"Basic {pair}", scope, anonymous=not sent)
            if path.path.startswith("/elsewhere/"):
                blob = state.blobs.get(path.path.removeprefix("/elsewhere/"))
                if self.headers.get("Authorization"):
                    return self._send(400, b"credentials of another host")
                return self._send(200, blob) if blob is not None else self._send(404, b"")
            if not self._allowed():
                return None
            return self._content(path.path, whole)

        def _allowed(self) -> bool:
            if not state.user and not state.refresh:
                return True
            sent = self.headers.get("Authorization", "")
            pair = base64.b64encode(f"{state.user}:{state.password}".encode()).decode()
            if state.challenge == "basic":
                if sent == f"Basic {pair}":
                    return True
                self._send(401, b"{}", {"WWW-Authenticate": 'Basic realm="here"'})
                return False
            repository = self.path.removeprefix("/v2/").rpartition("/")[0].rpartition("/")[0]
            if sent.removeprefix("Bearer ") in state.tokens and sent.endswith(f"|repository:{repository}:pull"):
                return True
            said = f'Bearer realm="{state.address}/token",service="tests",scope="repository:{repository}:pull"'
            self._send(401, json.dumps({"errors": [{"code": "UNAUTHORIZED"}]}).encode(), {"WWW-Authenticate": said})
            return False

        def _token(self, known: bool, scope: str, anonymous: bool = False) -> None:
            if not known:
                return self._send(401, b'{"errors": []}')
            token = f"t{len(state.tokens)}|{scope if not anonymous else 'nothing'}"
            state.tokens.add(token)
            return self._send(200, json.dumps({"token": token, "expires_in": 300}).encode())

        def _content(self, path: str, whole: bool) -> None:
            head, _, reference = path.removeprefix("/v2/").rpartition("/")
            repository, _, kind = head.rpartition("/")
            if kind == "blobs":
                if state.redirect:
                    return self._send(307, b"", {"Location": f"{state.redirect}/elsewhere/{reference}"})
                blob = state.blobs.get(reference)
                return self._send(200, blob) if blob is not None else self._missing("BLOB_UNKNOWN")
            found = state.manifests.get((repository, reference))
            if kind != "manifests" or found is None:
                return self._missing("MANIFEST_UNKNOWN")
            if found[0] not in self.headers.get("Accept", ""):
                return self._send(404, b"no manifest of an accepted type")
            said = {"Docker-Content-Digest": digest_of(found[1])} if not state.silent else {}
            return self._send(200, found[1], {"Content-Type": found[0], **said}, whole=whole)

        def _missing(self, code: str) -> None:
            self._send(404, json.dumps({"errors": [{"code": code}]}).encode())

        def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None, whole: bool = True) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD" and whole:
                self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
