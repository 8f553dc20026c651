"""Programs in a pretended cluster: their documents, and how to run them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from api import JOBS, Api
from jsonschema import Draft202012Validator

RUNTIME = Path(__file__).parents[3] / "compiler" / "mlwright" / "runtime"
SCHEMA = Path(__file__).parents[3] / "schemas" / "step.v1.schema.json"
Json = dict[str, Any]


def own(at: str, name: str, *around: str) -> Json:
    before, after = around or ("", "")
    return {"at": at, "parts": [part for part in (before, {"name": name}, after) if part]}


def job(name: str, *, main: bool = True, **spec: Any) -> Json:
    env = [{"name": "MLWRIGHT_RUN", "value": ""}, {"name": "KEPT", "value": "$(X)"}]
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "x", "env": env}]}
    body = {"template": {"metadata": {"labels": {"app": "x"}}, "spec": pod}, **spec}
    manifest = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": f"churn-{name}"}, "spec": body}
    return {"main": main, "names": [own("/metadata/name", name)], "manifest": manifest}


def service(name: str) -> Json:
    spec = {"selector": {"batch.kubernetes.io/job-name": f"churn-{name}"}}
    names = [own("/metadata/name", name), own("/spec/selector/batch.kubernetes.io~1job-name", name)]
    manifest = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": f"churn-{name}"}, "spec": spec}
    return {"main": False, "names": names, "manifest": manifest}


def node(name: str, *needs: str, **fields: Any) -> Json:
    """`a?` is an optional need."""
    edges = [{"step": f"steps.{need.rstrip('?')}", "optional": need.endswith("?")} for need in needs]
    return {"id": f"steps.{name}", "name": name, "needs": edges, "objects": [job(name)], **fields}


def fitting(document: Json) -> Json:
    """A document that the published schema allows."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert [error.message for error in Draft202012Validator(schema).iter_errors(document)] == []
    return document


class Cluster:
    """The conductor as a process in the Job `run`, against the pretended API and a real tracking server."""

    def __init__(self, api: Api, pipeline: Any) -> None:
        self.api, self.pipeline = api, pipeline
        self.own = api.add(JOBS, {"metadata": {"name": "run"}, "status": {}})
        self.said = ""

    def env(self, **more: str) -> dict[str, str]:
        own = {"MLWRIGHT_KUBERNETES": self.api.url, "MLWRIGHT_NAMESPACE": "ml", "MLWRIGHT_JOB": "run"}
        return self.pipeline.env(**own | {"MLWRIGHT_API_PATIENCE": "20"} | more)  # type: ignore[no-any-return]

    def plan(self, *nodes: Json, **fields: Any) -> Json:
        head = {k: v for k, v in self.pipeline.document("main").items() if k != "image_digest"}
        plan = {**head, "kind": "conduct", "step": "run", "lease": "churn-main", "nodes": list(nodes), **fields}
        return fitting(plan)

    def start(self, plan: Json, program: str = "conduct.py", **env: str) -> subprocess.Popen[str]:
        words = [sys.executable, "-S", str(RUNTIME / program), str(self.pipeline.write(plan))]
        return subprocess.Popen(words, env=self.env(**env), stderr=subprocess.PIPE, text=True)

    def ended(self, process: subprocess.Popen[str]) -> int:
        self.said = process.communicate(timeout=60)[1]
        return process.returncode

    def conduct(self, *nodes: Json, fields: Json | None = None, **env: str) -> int:
        return self.ended(self.start(self.plan(*nodes, **(fields or {})), **env))

    @property
    def root(self) -> Json:
        return self.pipeline.only(kind="root")  # type: ignore[no-any-return]

    @property
    def states(self) -> dict[str, str]:
        """How the nodes ended, as the root run tells."""
        prefix = "mlwright.node.steps."
        tags = self.root["tags"].items()
        return {name.removeprefix(prefix): said for name, said in tags if name.startswith(prefix)}


def until(reached: Any, within: float = 30.0) -> None:
    end = time.monotonic() + within
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.02)
