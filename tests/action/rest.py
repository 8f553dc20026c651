"""GitHub's REST interface for comments of one pull request, on loopback, with the answers that it gives on bad days."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

BOT = {"login": "github-actions[bot]", "type": "Bot"}


@dataclass
class GitHub:
    """The comments, what was asked, and answers that come first: (status, headers, message or text)."""

    url: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    first: list[tuple[int, dict[str, str], str]] = field(default_factory=list)
    repository: str = "acme/churn"
    number: int = 7
    read_only: bool = False
    """The token of a pull request from a fork: it may look, and not write."""

    def add(self, body: str, user: dict[str, str] | None = None, association: str = "NONE") -> dict[str, Any]:
        """One comment more."""
        made = {
            "id": 1000 + len(self.comments),
            "node_id": f"IC_{1000 + len(self.comments)}",
            "url": f"{self.url}/repos/{self.repository}/issues/comments/{1000 + len(self.comments)}",
            "body": body,
            "user": user or BOT,
            "author_association": association,
            "created_at": "2026-01-01T00:00:00Z",
            "performed_via_github_app": None,
        }
        self.comments.append(made)
        return made

    def methods(self) -> list[str]:
        """What was asked that changes something, and how often it was looked."""
        return [method for method, _, _ in self.asked]


@contextlib.contextmanager
def github() -> Iterator[GitHub]:
    """A server of its own, as long as it is needed."""
    state = GitHub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, status: int, made: object, headers: dict[str, str] | None = None) -> None:
            data = b"" if status == 204 else made.encode() if isinstance(made, str) else json.dumps(made).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def _any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            state.asked.append((self.command, self.path, dict(self.headers)))
            if state.first:
                status, headers, text = state.first.pop(0)
                if status == 0:  # the connection is lost
                    self.close_connection = True
                    return
                plain = text.startswith("<")
                made: object = text if plain else {"message": text, "documentation_url": "https://docs.github.com/rest"}
                self._answer(status, made, headers)
                return
            if self.headers.get("Authorization") != "Bearer a-token":
                self._answer(401, {"message": "Bad credentials"})

            elif state.read_only and self.command != "GET":
                self._answer(403, {"message": "Resource not accessible by integration"})
            else:
                self._routed(body)

        def _routed(self, body: dict[str, str]) -> None:
            parts = urlsplit(self.path)
            listed = f"/repos/{state.repository}/issues/{state.number}/comments"
            one = re.fullmatch(rf"/repos/{state.repository}/issues/comments/(\d+)", parts.path)
            if self.command == "GET" and parts.path == listed:
                self._page(parse_qs(parts.query), listed)
            elif self.command == "POST" and parts.path == listed:
                if len(body["body"]) > 65536:
                    self._answer(422, {"message": "Validation Failed: body is too long"})
                    return
                self._answer(201, state.add(body["body"]))
            elif one and any(item["id"] == int(one[1]) for item in state.comments):
                item = next(item for item in state.comments if item["id"] == int(one[1]))
                if self.command == "DELETE":
                    state.comments.remove(item)
                    self._answer(204, "")
                else:
                    item["body"] = body["body"]
                    self._answer(200, item)
            else:
                self._answer(404, {"message": "Not Found"})

        def _page(self, query: dict[str, list[str]], listed: str) -> None:
            size, page = int(query.get("per_page", ["30"])[0]), int(query.get("page", ["1"])[0])
            found = state.comments[(page - 1) * size : page * size]
            more = page * size < len(state.comments)
            link = f'<{state.url}{listed}?per_page={size}&page={page + 1}>; rel="next", <x>; rel="last"'
            self._answer(200, found, {"Link": link} if more else {})

        do_GET = do_POST = do_PATCH = do_DELETE = _any

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
