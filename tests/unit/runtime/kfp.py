"""An API server of Kubeflow Pipelines in a process: v2beta1 as far as submit.py speaks it, strict with what it is sent.

Fields and answers are those of kubeflow/pipelines 2.17 (backend/api/v2beta1); a field that it does not know is refused
as the real one refuses it. `store` is kubernetes or database: in the cluster's objects nothing can be uploaded."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]

REFERENCE = {"pipeline_id", "pipeline_version_id"}
_RUN = {"experiment_id", "display_name", "description", "pipeline_version_reference", "runtime_config"}
FIELDS = {
    "pipelines": {"display_name", "name", "description", "namespace", "tags"},
    "experiments": {"display_name", "description", "namespace"},
    "runs": {*_RUN, "service_account"},
    "recurringruns": {
        *_RUN,
        *("service_account", "trigger", "max_concurrency", "no_catchup", "mode", "namespace"),
    },
}
IDS = {
    "pipelines": "pipeline_id",
    "experiments": "experiment_id",
    "runs": "run_id",
    "recurringruns": "recurring_run_id",
    "versions": "pipeline_version_id",
}
LISTS = {"recurringruns": "recurringRuns", "versions": "pipeline_versions"}


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Kfp(ThreadingHTTPServer):
    """All there is, by kind; `faults` may answer in its place: a status, or a connection that is cut."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.kinds: dict[str, list[Json]] = {kind: [] for kind in IDS}
        self.token, self.namespace, self.page = "token-1", "ml", 2
        self.requests: list[tuple[str, str]] = []
        self.uploads: list[str] = []
        self.faults: list[Callable[[str, str], int | None]] = []
        self.number = 0
        self.page_of_html = False

    def made(self, kind: str, **fields: Any) -> Json:
        """One more of a kind."""
        self.number += 1
        one = {IDS[kind]: f"{kind}-{self.number}", **fields}
        self.kinds[kind].append(one)
        return one

    def pipeline(self, name: str, *versions: str) -> Json:
        """A pipeline with versions, as objects of the cluster make them."""
        found = self.made("pipelines", name=name, display_name=name, namespace=self.namespace)
        for version in versions:
            self.made("versions", pipeline_id=found["pipeline_id"], name=version, display_name=version)
        return found

    def names(self, kind: str) -> list[str]:
        return [str(one["display_name"]) for one in self.kinds[kind]]


class _Handler(BaseHTTPRequestHandler):
    server: Kfp

    def log_message(self, *_: Any) -> None:
        """Nothing: the test says what went wrong."""

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def _answer(self, method: str) -> None:
        address = urlsplit(self.path)
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append((method, address.path))
        for fault in list(self.server.faults):
            status = fault(method, address.path)
            if status == 0:
                self.connection.close()
                return
            if status:
                self._send(status, {"message": f"fault {status}", "code": 13})
                return
        try:
            query = {key: values[0] for key, values in parse_qs(address.query).items()}
            self._send(200, self._do(method, address.path, query))
        except Refusal as refusal:
            self._send(refusal.status, {"error": str(refusal), "code": 3, "message": str(refusal), "details": []})

    def _send(self, status: int, answer: Json) -> None:
        data = b"<html>log in</html>" if self.server.page_of_html else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _do(self, method: str, path: str, query: Json) -> Json:
        if self.headers.get("Authorization") != f"Bearer {self.server.token}":
            raise Refusal(401, "Request header error: there is no user identity header.")
        assert path.startswith("/apis/v2beta1/"), path
        words = path.removeprefix("/apis/v2beta1/").split("/")
        if words == ["pipelines", "upload_version"]:
            return self._upload(query)
        if words[0] == "pipelines" and words[2:] == ["versions"]:
            found = [one for one in self.server.kinds["versions"] if one["pipeline_id"] == words[1]]
            return self._page("versions", found, query)
        kind = words[0]
        if kind not in FIELDS:
            raise Refusal(404, "Not Found")
        if method == "GET":
            return self._listed(kind, query)
        if method == "POST" and len(words) == 1:
            return self._made(kind, json.loads(self.body))
        id, _, verb = words[1].partition(":")
        one = next((one for one in self.server.kinds[kind] if one[IDS[kind]] == id), None)
        if one is None:
            raise Refusal(404, f"{kind} {id} not found")
        if method == "DELETE":
            self.server.kinds[kind].remove(one)
        elif verb in ("enable", "disable"):
            one["status"] = f"{verb.upper()}D"
        else:
            raise Refusal(404, "Not Found")
        return {}

    def _listed(self, kind: str, query: Json) -> Json:
        found = [one for one in self.server.kinds[kind] if one.get("namespace", "ml") == query.get("namespace", "")]
        if kind == "runs":
            found = [one for one in found if one["experiment_id"] == query["experiment_id"]]
            (wanted,) = json.loads(query["filter"])["predicates"]
            assert (wanted["operation"], wanted["key"]) == ("EQUALS", "display_name")
            found = [one for one in found if one["display_name"] == wanted["stringValue"]]
        return self._page(kind, found, query)

    def _page(self, kind: str, found: list[Json], query: Json) -> Json:
        assert int(query["page_size"]) <= 200
        first = int(query.get("page_token") or 0)
        last = first + self.server.page
        more = {"next_page_token": str(last)} if last < len(found) else {}
        return {LISTS.get(kind, kind): found[first:last], "total_size": len(found), **more}

    def _made(self, kind: str, body: Json) -> Json:
        unknown = set(body) - FIELDS[kind]
        if unknown:
            raise Refusal(400, f"unknown field {sorted(unknown)}")
        if kind != "runs" and body.get("namespace") != self.server.namespace:
            raise Refusal(400, "Invalid input error: Namespace is empty or not yours")
        if kind in ("runs", "recurringruns"):
            reference = body["pipeline_version_reference"]
            assert set(reference) == REFERENCE
            if not any(one["pipeline_version_id"] == reference["pipeline_version_id"] for one in self._versions()):
                raise Refusal(404, "pipeline version not found")
        if kind == "recurringruns":
            cron = body["trigger"]["cron_schedule"]["cron"]
            if len(cron.split()) != 6:
                raise Refusal(400, f"Schedule cron is not supported: {cron}")
            if not 1 <= int(body["max_concurrency"]) <= 10:
                raise Refusal(400, "The max_concurrency must be between 1 and 10")
            body = {**body, "status": {"ENABLE": "ENABLED", "DISABLE": "DISABLED"}[body.pop("mode")]}
        return self.server.made(kind, **body)

    def _versions(self) -> list[Json]:
        return self.server.kinds["versions"]

    def _upload(self, query: Json) -> Json:
        edge = re.search(r"boundary=(\S+)", self.headers["Content-Type"])
        assert edge
        head, _, rest = self.body.partition(b"\r\n\r\n")
        assert b'name="uploadfile"' in head
        self.server.uploads.append(rest.removesuffix(f"\r\n--{edge[1]}--\r\n".encode()).decode())
        return self.server.made("versions", pipeline_id=query["pipelineid"], display_name=query["name"])


@contextmanager
def serving() -> Iterator[Kfp]:
    """An API server that answers."""
    server = Kfp()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
