"""A Kubernetes API in a process: objects, versions, watches, and whatever may go wrong with them. Jobs end as told."""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]
Fault = Callable[[str, str], "tuple[int, Json] | None"]
"""Looks at a request (method, path) and answers in the API's place, or does not: before it is done (`faults`), or
after (`losses`)."""

JOBS = "/apis/batch/v1/namespaces/ml/jobs"


class Api(ThreadingHTTPServer):
    """One namespace `ml`. `ends` says how a Job ends: a moment after it was made unless `holds` has its name."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.objects: dict[str, Json] = {}
        self.made: list[str] = []
        self.deleted: list[str] = []
        self.requests: list[tuple[str, str]] = []
        self.faults: list[Fault] = []
        self.losses: list[Fault] = []
        self.ends: dict[str, str] = {}
        self.holds: set[str] = set()
        self.oldest = 0
        self.version = 0
        self.events: list[tuple[int, str, Json]] = []
        self.news = threading.Condition(threading.RLock())
        self.cut = 0

    # What tests do

    def job(self, name: str) -> Json:
        return self.objects[f"{JOBS}/{name}"]

    @property
    def names(self) -> list[str]:
        """Names of the Jobs that were made, in order, again where one was made again."""
        return [path.rpartition("/")[2] for path in self.made if path.startswith(JOBS)]

    def add(self, path: str, manifest: Json) -> Json:
        """Makes an object, as a client would."""
        name = manifest["metadata"]["name"]
        with self.news:
            self.version += 1
            meta = {**manifest["metadata"], "uid": str(uuid.uuid4()), "creationTimestamp": _stamp()}
            self.objects[f"{path}/{name}"] = {**manifest, "metadata": meta}
            return self._tell("ADDED", f"{path}/{name}")

    def change(self, path: str, **fields: Any) -> None:
        with self.news:
            self.objects[path] = {**self.objects[path], **fields}
            self._tell("MODIFIED", path)

    def end(self, name: str, kind: str = "Complete", message: str = "") -> None:
        """Ends a Job: `Complete` or `Failed`."""
        path = f"{JOBS}/{name}"
        condition = {"type": kind, "status": "True", "reason": "Said", "message": message or "so"}
        if path in self.objects:
            self.change(path, status={"conditions": [condition]})

    def remove(self, path: str) -> None:
        with self.news:
            self.deleted.append(path)
            self._tell("DELETED", path)
            del self.objects[path]

    # What clients do

    def answer(self, method: str, path: str, query: dict[str, str], body: Json) -> tuple[int, Json]:
        with self.news:
            self.requests.append((method, path))
        for fault in list(self.faults):
            said = fault(method, path)
            if said:
                return said
        with self.news:
            code, answered = self._answer(method, path, query, body)
        for loss in list(self.losses):
            said = loss(method, path)
            if said:
                return said
        return code, answered

    def _answer(self, method: str, path: str, query: dict[str, str], body: Json) -> tuple[int, Json]:
        found = self.objects.get(path)
        if method == "POST":
            name = body["metadata"]["name"]
            if f"{path}/{name}" in self.objects:
                return refused(409, "AlreadyExists", f'"{name}" already exists')
            made = self.add(path, body)
            self.made.append(f"{path}/{name}")
            if path == JOBS and name not in self.holds:
                kind = self.ends.get(name, "Complete")
                threading.Timer(0.05, self.end, (name, kind)).start()
            return 201, made
        if path.count("/") == JOBS.count("/") - (path.startswith("/api/v1")):
            wanted = query.get("labelSelector", "")
            listed = [o for p, o in self.objects.items() if p.rpartition("/")[0] == path and matches(o, wanted)]
            return 200, {"items": listed, "metadata": {"resourceVersion": str(self.version)}}
        if found is None:
            return refused(404, "NotFound", f"{path} not found")
        if method == "PUT":
            if body["metadata"].get("resourceVersion") != found["metadata"]["resourceVersion"]:
                return refused(409, "Conflict", "the object has been modified")
            self.change(path, **body)
        elif method == "PATCH":
            self.change(path, **_merged(found, body))
            if body.get("spec", {}).get("activeDeadlineSeconds"):
                threading.Timer(0.05, self.end, (path.rpartition("/")[2], "Failed", "deadline")).start()
        elif method == "DELETE":
            uid = body.get("preconditions", {}).get("uid", found["metadata"]["uid"])
            if uid != found["metadata"]["uid"]:
                return refused(409, "Conflict", "another uid")
            self.remove(path)
            return 200, {"status": "Success"}
        return 200, self.objects[path]

    def watch(self, path: str, query: dict[str, str]) -> Iterator[Json]:
        """Events, until the watch is cut or has lasted long enough."""
        since, wanted = int(query["resourceVersion"]), query.get("labelSelector", "")
        if since < self.oldest:
            yield {"type": "ERROR", "object": refused(410, "Expired", "too old resource version")[1]}
            return
        end, cut = time.monotonic() + float(query.get("timeoutSeconds", 60)), self.cut
        while time.monotonic() < end and cut == self.cut:
            with self.news:
                ready = [event for event in self.events if event[0] > since]
                if not ready:
                    self.news.wait(0.1)
            for version, kind, found in ready:
                since = version
                if found["at"].rpartition("/")[0] == path and matches(found["object"], wanted):
                    yield {"type": kind, "object": found["object"]}

    def _tell(self, kind: str, path: str) -> Json:
        self.version += 1
        found = self.objects[path]
        found = {**found, "metadata": {**found["metadata"], "resourceVersion": str(self.version)}}
        self.objects[path] = found
        self.events.append((self.version, kind, {"at": path, "object": found}))
        self.news.notify_all()
        return found


class _Handler(BaseHTTPRequestHandler):
    server: Api

    def _any(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        code, said = self.server.answer(self.command, parts.path, query, body)
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        if code == 200 and query.get("watch"):
            for event in self.server.watch(parts.path, query):
                self.wfile.write(json.dumps(event).encode() + b"\n")
                self.wfile.flush()
        else:
            self.wfile.write(json.dumps(said).encode())

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any

    def log_message(self, *_: Any) -> None:
        return


@contextmanager
def serving() -> Iterator[Api]:
    api = Api()
    threading.Thread(target=api.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield api
    finally:
        api.cut += 1
        api.shutdown()
        api.server_close()


def refused(code: int, reason: str, message: str) -> tuple[int, Json]:
    return code, {"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message}


def matches(found: Json, selector: str) -> bool:
    labels = found["metadata"].get("labels", {})
    pairs = (pair.split("=") for pair in filter(None, selector.split(",")))
    return all(labels.get(name) == value for name, value in pairs)


def first(times: int, method: str, pattern: str, said: tuple[int, Json]) -> Fault:
    """The first requests of a kind get this answer."""
    left = [times]

    def fault(asked: str, path: str) -> tuple[int, Json] | None:
        if asked == method and re.search(pattern, path) and left[0]:
            left[0] -= 1
            return said
        return None

    return fault


def _merged(found: Json, change: Json) -> Json:
    result = dict(found)
    for key, value in change.items():
        result[key] = _merged(result.get(key, {}), value) if isinstance(value, dict) else value
    return result


def _stamp() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
