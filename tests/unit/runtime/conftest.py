"""Runs the runtime programs as subprocesses, the way a container does, against one real tracking server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import urllib.parse
import urllib.request
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

RUNTIME = Path(__file__).parents[3] / "compiler" / "mlwright" / "runtime"
if str(RUNTIME) not in sys.path:
    sys.path.insert(0, str(RUNTIME))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a program ended; `status` is its status file, `{}` when it wrote none."""

    code: int
    out: bytes
    err: str
    status: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Pipeline:
    """One pipeline run in an experiment of its own."""

    address: str
    folder: Path
    run: str = field(default_factory=lambda: uuid.uuid4().hex)
    experiment: str = field(default_factory=lambda: "e-" + uuid.uuid4().hex)
    environment: dict[str, str] = field(default_factory=dict)

    def another(self) -> Pipeline:
        """Another pipeline run in the same experiment."""
        return Pipeline(
            address=self.address, folder=self.folder, experiment=self.experiment, environment=self.environment
        )

    def document(self, name: str = "step", **fields: Any) -> dict[str, Any]:
        """A step document; a field `program` is Python source, run with the file's path as `sys.argv[0]`."""
        base: dict[str, Any] = {
            "version": 1,
            "kind": "step",
            "project": "churn",
            "environment": "local",
            "experiment": self.experiment,
            "spec_digest": "ab12",
            "step": f"steps.{name}",
            "name": name,
            "image_digest": "",
        }
        if "program" in fields:
            path = self.folder / f"{name}.py"
            path.write_text(textwrap.dedent(fields.pop("program")))
            base["command"] = {"argv": [[sys.executable], [str(path)], *fields.pop("args", [])]}
        return base | fields

    def write(self, document: dict[str, Any]) -> Path:
        """The document as a file."""
        path = self.folder / f"doc-{uuid.uuid4().hex[:8]}.json"
        path.write_text(json.dumps(document))
        return path

    def env(self, **more: str) -> dict[str, str]:
        """The environment of a program in this pipeline run."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "MLWRIGHT_"))}
        own = {"MLFLOW_TRACKING_URI": self.address, "MLWRIGHT_RUN": self.run, "MLFLOW_DISABLE_TELEMETRY": "true"}
        return kept | own | {"MLWRIGHT_WORK": str(self.folder / "work")} | self.environment | more

    def start(self, document: dict[str, Any], program: str = "step.py", **env: str) -> subprocess.Popen[bytes]:
        """Starts a program in the background."""
        words = [sys.executable, "-S", str(RUNTIME / program), str(self.write(document))]
        return subprocess.Popen(words, env=self.env(**env), stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def launch(self, document: dict[str, Any], program: str = "step.py", **env: str) -> Ended:
        """Runs a program to its end."""
        path = self.folder / f"status-{uuid.uuid4().hex[:8]}.json"
        process = self.start(document, program, MLWRIGHT_STATUS_FILE=str(path), **env)
        out, err = process.communicate(timeout=100)
        status = json.loads(path.read_text()) if path.exists() else {}
        return Ended(code=process.returncode, out=out, err=err.decode(), status=status)

    def program(self, name: str, *words: str, **env: str) -> Ended:
        """Runs a program with these words, in a run that only they may name."""
        own = {key: text for key, text in self.env(**env).items() if key != "MLWRIGHT_RUN"}
        command = [sys.executable, "-S", str(RUNTIME / name), *words]
        done = subprocess.run(command, env=own, capture_output=True, check=False, timeout=100)
        return Ended(code=done.returncode, out=done.stdout, err=done.stderr.decode(), status={})

    def rest(self, method: str, path: str, body: dict[str, Any] | None = None, **query: str) -> dict[str, Any]:
        """A call to the tracking server that shares nothing with the programs under test."""
        url = f"{self.address}/api/2.0/mlflow/{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return dict(json.loads(answer.read() or b"{}"))

    def runs(self, **tags: str) -> list[dict[str, Any]]:
        """All runs of the experiment with these `mlwright.` tags: id, status, tags, params, metrics; oldest first."""
        found = self.rest("GET", "experiments/get-by-name", experiment_name=self.experiment)["experiment"]
        body = {"experiment_ids": [found["experiment_id"]], "max_results": 1000}
        answer = self.rest("POST", "runs/search", body)
        runs = [_flat(run) for run in answer.get("runs", [])]
        wanted = {f"mlwright.{k}": v for k, v in tags.items()}
        return sorted((r for r in runs if wanted.items() <= r["tags"].items()), key=lambda r: r["start"])

    def only(self, **tags: str) -> dict[str, Any]:
        """The one run with these tags."""
        (run,) = self.runs(**tags)
        return run

    def make_run(
        self,
        tags: dict[str, str],
        status: str = "FINISHED",
        metrics: dict[str, float] | None = None,
        params: dict[str, str] | None = None,
    ) -> str:
        """A run as some other program would have left it; its id."""
        try:
            experiment = self.rest("POST", "experiments/create", {"name": self.experiment})["experiment_id"]
        except urllib.error.HTTPError:
            found = self.rest("GET", "experiments/get-by-name", experiment_name=self.experiment)
            experiment = found["experiment"]["experiment_id"]
        pairs = [{"key": k, "value": v} for k, v in ({"mlwright.run": self.run} | tags).items()]
        body = {"experiment_id": experiment, "run_name": "made", "start_time": _now(), "tags": pairs}
        run = str(self.rest("POST", "runs/create", body)["run"]["info"]["run_id"])
        points = [{"key": k, "value": v, "timestamp": _now(), "step": 0} for k, v in (metrics or {}).items()]
        given = [{"key": k, "value": v} for k, v in (params or {}).items()]
        self.rest("POST", "runs/log-batch", {"run_id": run, "metrics": points, "params": given})
        self.rest("POST", "runs/update", {"run_id": run, "status": status, "end_time": _now()})
        return run


def _now() -> int:
    import time

    return int(time.time() * 1000)


def _flat(run: dict[str, Any]) -> dict[str, Any]:
    data = run["data"]
    return {
        "id": run["info"]["run_id"],
        "status": run["info"]["status"],
        "start": run["info"]["start_time"],
        "name": run["info"]["run_name"],
        "tags": {t["key"]: t["value"] for t in data.get("tags", [])},
        "params": {p["key"]: p["value"] for p in data.get("params", [])},
        "metrics": {m["key"]: m["value"] for m in data.get("metrics", [])},
    }


@pytest.fixture
def pipeline(mlflow_server: str, tmp_path: Path) -> Pipeline:
    """A fresh pipeline run against the session's tracking server."""
    return Pipeline(address=mlflow_server, folder=tmp_path)
