"""Clients that log runs to a tracking server for a while, as MLflow's own client does, by nothing but REST.

usage: python load.py URL EXPERIMENT CLIENTS START END      (START and END in seconds of the clock)

Prints JSON: `runs` that were logged completely, `milliseconds` of every request, `failed` requests by reason, and when
it `ended`. A failed request is not repeated and ends its run; MLflow's client would hide it by trying again.
"""

from __future__ import annotations

import collections
import http.client
import json
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator
from typing import Any

STEPS, PARAMS = 5, 10


class Client(threading.Thread):
    """Logs one run after another over one connection."""

    def __init__(self, url: str, experiment: str, name: str, until: float) -> None:
        super().__init__()
        self._at, self._experiment, self._name, self._until = urllib.parse.urlsplit(url), experiment, name, until
        self._connection = self._connected()
        self.runs = 0
        self.milliseconds: list[float] = []
        self.failed: collections.Counter[str] = collections.Counter()

    def run(self) -> None:
        while time.time() < self._until:
            try:
                for path, body in self._requests():
                    self._post(path, body)
            except ConnectionError:
                continue
            self.runs += 1

    def _requests(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """A training's: made, its parameters and tags at once, a metric after each step, ended."""
        now, name = int(time.time() * 1000), f"{self._name}-{self.runs}"
        tags = [{"key": f"mlflow.{key}", "value": key} for key in ("user", "source.name", "source.type")]
        yield "runs/create", {"experiment_id": self._experiment, "start_time": now, "run_name": name, "tags": tags}
        run = self._answer["run"]["info"]["run_id"]
        params = [{"key": f"param-{number}", "value": str(number)} for number in range(PARAMS)]
        metrics = [{"key": f"first-{number}", "value": number, "timestamp": now, "step": 0} for number in range(3)]
        batch = {"run_id": run, "params": params, "metrics": metrics, "tags": [{"key": "stage", "value": "bench"}]}
        yield "runs/log-batch", batch
        for step in range(STEPS):
            point = {"key": "loss", "value": 1 / (step + 1), "timestamp": now + step, "step": step}
            yield "runs/log-metric", {"run_id": run, **point}
        yield "runs/update", {"run_id": run, "status": "FINISHED", "end_time": int(time.time() * 1000)}

    def _post(self, path: str, body: dict[str, Any]) -> None:
        text, start = json.dumps(body), time.perf_counter()
        try:
            self._connection.request("POST", f"/api/2.0/mlflow/{path}", text, {"Content-Type": "application/json"})
            answer = self._connection.getresponse()
            data = answer.read()
        except (OSError, http.client.HTTPException) as problem:
            self._connection.close()
            self._connection = self._connected()
            self.failed[f"{path}: {type(problem).__name__}"] += 1
            raise ConnectionError from None
        self.milliseconds.append((time.perf_counter() - start) * 1000)
        if answer.status != http.HTTPStatus.OK:
            self.failed[f"{path}: {answer.status} {data[:120].decode(errors='replace')}"] += 1
            raise ConnectionError
        self._answer = json.loads(data)

    def _connected(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(str(self._at.hostname), self._at.port, timeout=60)


def main(words: list[str]) -> int:
    url, experiment, count, start, end = words
    name = f"{time.time():.3f}"
    clients = [Client(url, experiment, f"{name}-{number}", float(end)) for number in range(int(count))]
    time.sleep(max(0.0, float(start) - time.time()))
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    failed: collections.Counter[str] = sum((client.failed for client in clients), collections.Counter())
    milliseconds = [value for client in clients for value in client.milliseconds]
    runs = sum(client.runs for client in clients)
    print(json.dumps({"runs": runs, "milliseconds": milliseconds, "failed": failed, "ended": time.time()}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
