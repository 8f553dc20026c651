"""The little of MLflow's REST interface that the runner needs itself. Standard library only."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import Any

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class UnreachableError(Exception):
    """The server did not answer, or not with what was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One MLflow run; `params` and `metrics` (latest values) by name."""

    id: str
    experiment: str
    status: str
    tags: dict[str, str]
    params: dict[str, str]
    metrics: dict[str, float]
    start: int = 0


def is_loopback(url: str) -> bool:
    return urllib.parse.urlsplit(url).hostname in LOOPBACK


def fetch(url: str, *, data: bytes | None = None, headers: dict[str, str] | None = None, timeout: float = 10) -> bytes:
    """The body of a GET, or of a POST of `data`. A loopback address never goes through a proxy.

    Raises urllib's HTTPError for a status above 299, UnreachableError where nothing answered.
    """
    return _open(url, data, headers or {}, timeout)[1]


def ask(url: str, *, data: bytes, headers: dict[str, str], timeout: float) -> tuple[int, bytes]:
    """(status, body) of a POST, whatever the status. Raises UnreachableError where nothing answered."""
    try:
        return _open(url, data, headers, timeout)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def _open(url: str, data: bytes | None, headers: dict[str, str], timeout: float) -> tuple[int, bytes]:
    proxies = urllib.request.ProxyHandler({} if is_loopback(url) else None)
    request = urllib.request.Request(url, data=data, headers=headers)
    try:
        with urllib.request.build_opener(proxies).open(request, timeout=timeout) as response:
            body = response.read()
            assert isinstance(body, bytes)
            return response.status, body
    except urllib.error.HTTPError:
        raise
    except (OSError, ValueError) as error:
        raise UnreachableError(str(error)) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A tracking server at `url`, with basic credentials where `username` is set."""

    url: str
    username: str = ""
    password: str = field(default="", repr=False)

    def healthy(self, timeout: float = 2) -> bool:
        try:
            fetch(f"{self.url}/health", timeout=timeout)
        except (UnreachableError, urllib.error.HTTPError):
            return False
        return True

    def experiment(self, name: str) -> str | None:
        """The id of the experiment called `name`, None where there is none."""
        query = urllib.parse.urlencode({"experiment_name": name})
        try:
            found = self._call(f"experiments/get-by-name?{query}")
        except UnreachableError as error:
            if "RESOURCE_DOES_NOT_EXIST" in str(error):
                return None
            raise
        return str(found["experiment"]["experiment_id"])

    def runs(self, experiment: str, pipeline_run: str) -> tuple[Run, ...]:
        """All MLflow runs of one pipeline run, newest first, the root run among them."""
        found: list[Run] = []
        token = ""
        while True:
            page = self._call(
                "runs/search",
                {
                    "experiment_ids": [experiment],
                    "filter": f"tags.`mlwright.run` = '{pipeline_run}'",
                    "max_results": 1000,
                    "page_token": token,
                },
            )
            found.extend(_run(item) for item in page.get("runs", ()))
            token = page.get("next_page_token", "")
            if not token:
                return tuple(found)

    def aliases(self, model: str, version: str) -> tuple[str, ...]:
        """The aliases that point at a version of a registered model now, sorted."""
        query = urllib.parse.urlencode({"name": model})
        found = self._call(f"registered-models/get?{query}")["registered_model"].get("aliases", ())
        return tuple(sorted(item["alias"] for item in found if str(item["version"]) == version))

    def tag(self, run: str, key: str, value: str) -> None:
        """Set one tag of a run."""
        self._call("runs/set-tag", {"run_id": run, "key": key, "value": value})

    def end(self, run: str, status: str, tags: dict[str, str] | None = None) -> None:
        """Set a run's final status, now, and `tags` before it."""
        for key, value in (tags or {}).items():
            self.tag(run, key, value)
        self._call("runs/update", {"run_id": run, "status": status, "end_time": int(time.time() * 1000)})

    def _call(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        if self.username:
            pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        data = None if body is None else json.dumps(body).encode()
        try:
            answer = json.loads(fetch(f"{self.url}/api/2.0/mlflow/{path}", data=data, headers=headers, timeout=30))
        except urllib.error.HTTPError as error:
            raise UnreachableError(f"HTTP {error.code}: {error.read(500).decode(errors='replace')}") from error
        except ValueError as error:
            raise UnreachableError(f"not an MLflow server: {error}") from error
        assert isinstance(answer, dict)
        return answer


def _run(item: dict[str, Any]) -> Run:
    info, data = item["info"], item.get("data", {})
    return Run(
        id=info["run_id"],
        experiment=info["experiment_id"],
        status=info["status"],
        tags={tag["key"]: tag["value"] for tag in data.get("tags", ())},
        params={param["key"]: param["value"] for param in data.get("params", ())},
        metrics={metric["key"]: float(metric["value"]) for metric in data.get("metrics", ())},
        start=int(info.get("start_time", 0)),
    )
