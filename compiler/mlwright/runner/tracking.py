"""The little of MLflow's REST interface that only the runner needs."""

from __future__ import annotations

import time
import urllib.parse
from dataclasses import dataclass
from typing import Any

from mlwright.remote import client
from mlwright.remote.client import MissingError
from mlwright.remote.http import Http, RemoteError, is_loopback

__all__ = ["Client", "RemoteError", "Run", "ask", "fetch", "is_loopback"]
_ONCE = {"Connection": "close"}


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


def fetch(url: str, *, timeout: float = 10) -> bytes:
    """The body of a GET. Raises RemoteError where nothing answered, or not with a status below 300."""
    parts = urllib.parse.urlsplit(url)
    answer = Http(f"{parts.scheme}://{parts.netloc}", timeout=timeout).send("GET", _target(parts), None, _ONCE)
    if answer.status >= 300:
        raise RemoteError(f"HTTP {answer.status} {answer.reason}")
    return answer.body


def ask(url: str, *, data: bytes, headers: dict[str, str], timeout: float) -> tuple[int, bytes]:
    """(status, body) of a POST, whatever the status. Raises RemoteError where nothing answered."""
    parts = urllib.parse.urlsplit(url)
    server = Http(f"{parts.scheme}://{parts.netloc}", timeout=timeout)
    answer = server.send("POST", _target(parts), data, {**headers, **_ONCE})
    return answer.status, answer.body


def _target(parts: urllib.parse.SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Client(client.Client):
    """The tracking server of a run. Asked once: whoever asks comes again, or does without."""

    patience: float = 0.0

    def experiment(self, name: str) -> str | None:
        """The id of the experiment called `name`, None where there is none."""
        try:
            found = self.call("GET", "experiments/get-by-name", experiment_name=name)
        except MissingError:
            return None
        return str(found["experiment"]["experiment_id"])

    def runs(self, experiment: str, pipeline_run: str) -> tuple[Run, ...]:
        """All MLflow runs of one pipeline run, newest first, the root run among them."""
        condition = f"tags.`mlwright.run` = '{pipeline_run}'"
        body = {"experiment_ids": [experiment], "filter": condition, "max_results": 1000}
        return tuple(_run(item) for item in self.pages("POST", "runs/search", "runs", **body))

    def aliases(self, model: str, version: str) -> tuple[str, ...]:
        """The aliases that point at a version of a registered model now, sorted."""
        found = self.model(model).aliases
        return tuple(sorted(alias for alias, pointed in found.items() if pointed == version))

    def tag(self, run: str, key: str, value: str) -> None:
        """Set one tag of a run."""
        self.call("POST", "runs/set-tag", {"run_id": run, "key": key, "value": value})

    def end(self, run: str, status: str, tags: dict[str, str] | None = None) -> None:
        """Set a run's final status, now, and `tags` before it."""
        for key, value in (tags or {}).items():
            self.tag(run, key, value)
        self.call("POST", "runs/update", {"run_id": run, "status": status, "end_time": int(time.time() * 1000)})


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
