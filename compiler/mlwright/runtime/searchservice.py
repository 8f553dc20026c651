"""The search protocol over HTTP: /ask, /report, /tell, /heartbeat, /status, /healthz. JSON in, JSON out.

Workers are trusted with their own trials only. Whatever else arrives (bad JSON, wrong types, foreign trials, large
bodies, requests of a browser) is answered with a 4xx and changes nothing.
"""

from __future__ import annotations

import json
import math
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Mapping

from trials import FAILED, RUNNING, STOPPED, SUCCEEDED, Draws, Ledger, Rejected, Trial

BODY_LIMIT = 256 * 1024
NAME_LIMIT, TEXT_LIMIT = 200, 2000
SILENT_BEATS = 3
PATIENCE = 30.0  # seconds that a connection may take to send its request


class Service:
    """Answers of one search. Thread-safe.

    `journal` is called with every new state, in order and outside of the ledger's lock; a request is answered after
    it returns, so that no answer is ever forgotten. `heartbeat`: seconds between signs of life of a worker.
    """

    def __init__(
        self,
        ledger: Ledger,
        draws: Draws,
        *,
        tuning_run: str,
        objective: str,
        heartbeat: float,
        journal: Callable[[Mapping[str, Any]], None],
        say: Callable[[str], None],
    ) -> None:
        self._ledger, self._draws, self._journal, self._say = ledger, draws, journal, say
        self._tuning_run, self._objective, self._heartbeat = tuning_run, objective, heartbeat
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._version = self._written = 0
        now = time.monotonic()
        self._seen = {trial.worker: now for trial in ledger.running()}
        self._unanswered: list[str] = []
        self._dismissed: set[str] = set()
        self.concluded = True
        """Whether the result is stored where what comes after the search finds it: workers stay until it is."""
        self._posts = {"/ask": self._ask, "/report": self._report, "/tell": self._tell, "/heartbeat": self._beat}

    def answer(self, method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, Any]]:
        """The status and the JSON object that answer one request."""
        try:
            if method == "GET" and path == "/healthz":
                return 200, {"ok": True}
            if method == "GET" and path == "/status":
                return 200, self.status()
            if method == "POST" and path in self._posts:
                return 200, self._post(path, _request(body))
        except Rejected as problem:
            return problem.code, {"error": str(problem)}
        known = path in self._posts or path in ("/healthz", "/status")
        return (405 if known else 404), {"error": f"{method} {path[:100]} is not part of the protocol"}

    def status(self) -> dict[str, Any]:
        """The body of /status."""
        with self._lock:
            best = self._ledger.best
            return {
                "trials": [trial.public() for trial in self._ledger.trials],
                "best": best and {key: value for key, value in best.public().items() if key != "status"},
                "max": self._ledger.rules.max_trials,
                "running": len(self._ledger.running()),
                "done": bool(self._ledger.over),
                "failed": self._ledger.failed,
            }

    def drop_silent_workers(self) -> None:
        """End the trials of workers that have been silent for three heartbeats."""
        for trial in self._ledger.running():
            if not self._silence(trial.worker):
                continue
            with self._lock:
                silence = self._silence(trial.worker)  # the lock may have been waited for
                why = f"its worker was silent for {silence:.0f} s"
                news = bool(silence) and self._ledger.lose(trial.number, why, self._draws)
                state = self._state() if news else None
            self._record(state, trial)

    def _silence(self, worker: str) -> float:
        """Seconds since a worker was heard, if that is too long; 0 for one that waits for an answer: drawing a trial
        may take longer than that, and a heartbeat waits for it like everybody."""
        silence = time.monotonic() - self._seen.get(worker, 0.0)
        return 0.0 if worker in self._unanswered or silence <= SILENT_BEATS * self._heartbeat else silence

    def over(self) -> bool:
        """Whether the search has ended."""
        return bool(self._ledger.over)

    def dismissed(self) -> int:
        """How many workers have been told that the search is done."""
        return len(self._dismissed)

    def waiting_for_workers(self) -> bool:
        """Whether a worker that is alive has not been told yet that the search is done."""
        now = time.monotonic()
        alive = {worker for worker, seen in list(self._seen.items()) if now - seen <= SILENT_BEATS * self._heartbeat}
        return bool(alive - self._dismissed)

    def save(self) -> None:
        """Write the journal as it is."""
        with self._lock:
            state = self._state()
        self._record(state)

    def _post(self, path: str, request: dict[str, Any]) -> dict[str, Any]:
        worker = _text(request, "worker", TEXT_LIMIT)
        if not 0 < len(worker) <= NAME_LIMIT:
            raise Rejected(400, f"worker must be a name of 1 to {NAME_LIMIT} characters")
        self._unanswered.append(worker)
        try:
            self._seen[worker] = time.monotonic()
            return self._posts[path](worker, request)
        finally:
            self._seen[worker] = time.monotonic()
            self._unanswered.remove(worker)

    def _ask(self, worker: str, _: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            before = len(self._ledger.trials)
            trial = self._ledger.ask(worker, self._draws)
            if trial is None and self._ledger.over and self.concluded:
                self._dismissed.add(worker)
                return {"done": True}
            state = self._state() if len(self._ledger.trials) > before else None
        if trial is None:
            return {"wait": min(0.5 if self._ledger.over else 2.0, self._heartbeat)}
        self._record(state)
        return {
            "trial": trial.number,
            "params": trial.params,
            "tuning_run": self._tuning_run,
            "heartbeat": self._heartbeat,
        }

    def _report(self, worker: str, request: dict[str, Any]) -> dict[str, Any]:
        number, step, value = _whole(request, "trial"), _whole(request, "step"), _number(request, "value")
        if "value" not in request:
            raise Rejected(400, "value is missing")
        with self._lock:  # null is JSON's only way to write not-a-number
            return {"stop": self._ledger.report(worker, number, step, math.nan if value is None else value)}

    def _tell(self, worker: str, request: dict[str, Any]) -> dict[str, Any]:
        number, status, value = _whole(request, "trial"), request.get("status"), _number(request, "value")
        run_id, reason = _text(request, "run_id", NAME_LIMIT), _text(request, "reason", TEXT_LIMIT)
        if status not in (SUCCEEDED, FAILED, STOPPED):
            raise Rejected(400, "status must be succeeded, failed or stopped")
        with self._lock:
            news = self._ledger.tell(worker, number, status, value, run_id, reason, self._draws)
            trial = self._ledger.trials[number]
            state = self._state() if news else None
        self._record(state, trial)
        return {"ok": True}

    def _beat(self, worker: str, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            return {"ok": True, "stop": not self._ledger.heartbeat(worker, _whole(request, "trial"))}

    def _state(self) -> tuple[int, dict[str, Any]]:
        self._version += 1
        return self._version, self._ledger.snapshot()

    def _record(self, state: tuple[int, dict[str, Any]] | None, ended: Trial | None = None) -> None:
        if state is None:
            return
        if ended is not None and ended.status != RUNNING:
            self._say(self._line(ended))
        version, snapshot = state
        with self._writing:
            if version > self._written:
                self._journal(snapshot)
                self._written = version

    def _line(self, trial: Trial) -> str:
        best = self._ledger.best
        value = "" if trial.value is None else f" {self._objective}={trial.value!r}"
        params = "".join(f" {name}={text}" for name, text in trial.params.items())
        reason = f": {trial.reason}" if trial.reason else ""
        known = f"best {best.value!r}, trial {best.number}" if best else "no best yet"
        return f"trial {trial.number} {trial.status}{value}{params} ({known}){reason}"


class Server(ThreadingHTTPServer):
    """The HTTP server; `port` 0 takes a free one (see `server_port`). Set `service` before it serves."""

    daemon_threads = True
    request_queue_size = 128

    service: Service

    def __init__(self, host: str, port: int) -> None:
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Without the reverse look-up of the host's name that http.server does: it can take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = PATIENCE
    server: Server

    def do_GET(self) -> None:
        self._reply(*self._answered("GET", b""))

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            return self._refuse(411, "Content-Length is missing")
        if len(length) > 9 or int(length) > BODY_LIMIT:
            return self._refuse(413, f"a request has at most {BODY_LIMIT} bytes")
        # A worker is no browser: this keeps web pages from telling results to a search on their reader's machine.
        if self.headers.get("Origin") is not None:
            return self._refuse(403, "requests of a browser are refused")
        body = self.rfile.read(int(length))
        return self._reply(*self._answered("POST", body))

    def _answered(self, method: str, body: bytes) -> tuple[int, dict[str, Any]]:
        try:
            return self.server.service.answer(method, self.path.split("?")[0], body)
        except Exception as problem:  # the search outlives any single request
            print(f"search: {method} {self.path[:100]!r}: {type(problem).__name__}: {problem}", flush=True)
            return 500, {"error": f"{type(problem).__name__}: {problem}"}

    def _refuse(self, code: int, message: str) -> None:
        self.close_connection = True
        self._reply(code, {"error": message})

    def _reply(self, code: int, answer: dict[str, Any]) -> None:
        data = json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged: the search prints trials."""


def _request(body: bytes) -> dict[str, Any]:
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise Rejected(400, "the body is not JSON") from None
    if not isinstance(request, dict):
        raise Rejected(400, "the body is not a JSON object")
    return request


def _text(request: Mapping[str, Any], name: str, limit: int) -> str:
    value = request.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Rejected(400, f"{name} must be text")
    return "".join(character if character.isprintable() else " " for character in value[:limit])


def _whole(request: Mapping[str, Any], name: str) -> int:
    value = request.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise Rejected(400, f"{name} must be a whole number of at least 0")
    return value


def _number(request: Mapping[str, Any], name: str) -> float | None:
    value = request.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Rejected(400, f"{name} must be a number or null")
    try:
        return float(value)
    except OverflowError:
        return math.inf
