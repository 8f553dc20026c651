"""A Kubernetes API server on loopback that answers as a real one has been recorded to (`apiserver.json`)."""

from __future__ import annotations

import contextlib
import copy
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]
RECORDED: Json = json.loads(Path(__file__).with_suffix(".json").read_text())
TOKEN = "the-token"


class Stub:
    """What the server holds, and what it was asked. `objects` are the live ones by their path; `applied` what a dry
    run of one gives in place of the live one with all that was sent; `refusals` (status, body) by method and path. The
    next `busy` requests are refused with the advice to come again."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.objects: dict[str, Json] = {}
        self.applied: dict[str, Json] = {}
        self.refusals: dict[tuple[str, str], tuple[int, Any]] = {}
        self.resources: dict[str, list[Json]] = copy.deepcopy(RECORDED["resources"])
        self.namespaces = {"rec", "churn"}
        self.asked: list[tuple[str, str, str]] = []
        self.delay = 0.0
        self.busy = 0

    def path(self, data: Json) -> str:
        """The path of an object, as the recorded lists of resources say."""
        version, space = data["apiVersion"], data["metadata"].get("namespace")
        resource = next(one for one in self.resources[version] if one["kind"] == data["kind"])
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        within = f"/namespaces/{space}" if resource["namespaced"] else ""
        return f"{root}{within}/{resource['name']}/{data['metadata']['name']}"

    def has(self, live: Json, **more: Any) -> None:
        """Puts a live object there."""
        self.objects[self.path({**live, **more})] = live

    def answer(self, method: str, target: str, body: bytes, accept: str) -> tuple[int, Any]:
        """Status and body; a body that is a text is no JSON."""
        place = urlsplit(target)
        self.asked.append((method, target, accept))
        time.sleep(self.delay)
        if self.busy:
            self.busy -= 1
            return 429, "Too many requests"
        if (method, place.path) in self.refusals:
            return self.refusals[method, place.path]
        if place.path == "/version":
            return 200, RECORDED["version"]
        parts = place.path.strip("/").split("/")
        version = parts[1] if parts[0] == "api" else "/".join(parts[1:3])
        if len(parts) == (2 if parts[0] == "api" else 3):
            found = self.resources.get(version)
            return (200, {"kind": "APIResourceList", "resources": found}) if found else (404, "404 page not found\n")
        if place.path.startswith("/api/v1/namespaces/") and len(parts) == 4:
            there = parts[3] in self.namespaces
            return (
                (200, {"kind": "Namespace", "metadata": {"name": parts[3]}})
                if there
                else refusal("namespace not there")
            )
        if "labelSelector" in place.query:
            return 200, self._listed(place.path, parse_qs(place.query)["labelSelector"][0])
        live = self.objects.get(place.path)
        if method == "PATCH":
            if place.path in self.applied:
                return 200, self.applied[place.path]
            sent = json.loads(body)
            return 200, _merged(live, sent) if live else sent
        return (200, live) if live else refusal("not there")

    def _listed(self, path: str, selector: str) -> Json:
        wanted = dict(pair.split("=") for pair in selector.split(","))
        items = [
            {"metadata": one["metadata"]}
            for place, one in self.objects.items()
            if place.rpartition("/")[0] == path and wanted.items() <= one["metadata"].get("labels", {}).items()
        ]
        return {**RECORDED["list"], "items": items}

    def kubeconfig(self, folder: Path, *, token: str = TOKEN, server: str = "") -> Path:
        """A kubeconfig with the contexts `prod` and `other`."""
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "prod",
            "clusters": [{"name": "c", "cluster": {"server": server or self.url}}],
            "users": [{"name": "u", "user": {"token": token}}],
            "contexts": [{"name": name, "context": {"cluster": "c", "user": "u"}} for name in ("prod", "other")],
        }
        path = folder / "kubeconfig"
        path.write_text(json.dumps(config))
        return path


def refusal(name: str) -> tuple[int, Any]:
    """A recorded refusal: status and body."""
    found = RECORDED["refused"][name]
    return found["status"], found["body"]


def _merged(live: Any, sent: Any) -> Any:
    """What a server makes of an object where entries of lists keep their names."""
    if isinstance(live, dict) and isinstance(sent, dict):
        return {**live, **{key: _merged(live[key], value) if key in live else value for key, value in sent.items()}}
    if isinstance(live, list) and isinstance(sent, list) and len(live) == len(sent):
        return [_merged(one, other) for one, other in zip(live, sent, strict=True)]
    return sent


@contextlib.contextmanager
def served() -> Iterator[Stub]:
    """The server as long as the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                status, answer = 401, RECORDED["unauthorized"]
            else:
                status, answer = stub.answer(self.command, self.path, body, self.headers.get("Accept", ""))
            text = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            with contextlib.suppress(OSError):  # who asked has gone
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                if status == 429:
                    self.send_header("Retry-After", "0")
                self.end_headers()
                self.wfile.write(text)
                self.wfile.flush()

        do_GET = do_PATCH = do_POST = do_PUT = do_DELETE = _any

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stub = Stub(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
