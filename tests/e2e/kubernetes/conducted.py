"""A project that is compiled, applied and conducted on a real control plane, and what became of it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import urllib.request
import uuid
from pathlib import Path
from typing import Any

from tests.e2e.kubernetes.kubelet import Kubelet

Json = dict[str, Any]

PLATFORM = """\
apiVersion: mlwright.dev/v1
kind: Platform
orchestrator: kubernetes
kubernetes: "1.36"
"""


class Cluster:
    """One namespace with a project, compiled and applied. Its text has SERVER for the tracking server, NAME for both
    the namespace and the experiment."""

    def __init__(self, node: Kubelet, server: str, folder: Path, project: str, platform: str = PLATFORM) -> None:
        self.node, self.plane, self.server = node, node.plane, server
        self.name = f"t{uuid.uuid4().hex[:8]}"
        self.jobs = f"/apis/batch/v1/namespaces/{self.name}/jobs"
        (folder / "mlproject.yaml").write_text(project.replace("SERVER", server).replace("NAME", self.name))
        (folder / "plain.yaml").write_text(platform)
        words = [sys.executable, "-m", "mlwright", "compile", "--env", "lab"]
        subprocess.run(words, cwd=folder, check=True, timeout=60)
        self.plane.namespace(self.name)
        self.plane.kubectl("apply", "--server-side", "-k", str(folder / "manifests" / "lab"))
        self.added: list[str] = []
        self.over = False
        threading.Thread(target=self._record, daemon=True).start()

    def start(self, run: str) -> None:
        self.plane.kubectl("-n", self.name, "create", "job", run, "--from=cronjob/tiny-main")

    def ended(self, run: str, within: float = 240) -> str:
        """The condition that the Job of the conductor ends with."""

        def over(job: Json) -> bool:
            return bool(conditions(job) & {"Complete", "Failed"})

        return next(iter(conditions(self.plane.await_(f"{self.jobs}/{run}", over, within)) & {"Complete", "Failed"}))

    def _record(self) -> None:
        """Every making of a Job, as the API server tells it."""
        since = self.plane.ask("GET", self.jobs)["metadata"]["resourceVersion"]
        with contextlib.suppress(OSError):  # the control plane has ended
            while not self.over:
                for event in self.plane.watch(self.jobs, since, lambda: self.over):
                    since = event["object"]["metadata"]["resourceVersion"]
                    if event["type"] == "ADDED":
                        self.added.append(event["object"]["metadata"]["name"])

    def made(self, run: str) -> list[str]:
        """The Jobs of a run that were made, sorted, again where one was made again."""
        return sorted(name.removeprefix(f"{run}-") for name in self.added if name.startswith(f"{run}-"))

    def runs(self) -> list[Json]:
        """All runs of the experiment on the tracking server."""
        base = f"{self.server}/api/2.0/mlflow"
        with urllib.request.urlopen(f"{base}/experiments/get-by-name?experiment_name={self.name}") as answer:
            experiment = json.load(answer)["experiment"]["experiment_id"]
        body = json.dumps({"experiment_ids": [experiment], "max_results": 1000}).encode()
        request = urllib.request.Request(f"{base}/runs/search", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return [flat(run) for run in json.load(answer).get("runs", [])]

    def states(self) -> Json:
        """How each node ended, and the run, as the one root run says."""
        (root,) = [run for run in self.runs() if run["mlwright.kind"] == "root"]
        prefix = "mlwright.node."
        nodes = {name.removeprefix(prefix): said for name, said in root.items() if name.startswith(prefix)}
        return {**nodes, "run": root["status"]}

    def conductors(self, run: str) -> list[Json]:
        path = f"/api/v1/namespaces/{self.name}/pods?labelSelector=batch.kubernetes.io/job-name={run}"
        return list(self.plane.ask("GET", path)["items"])

    def log(self, job: str) -> str:
        return self.plane.kubectl("-n", self.name, "logs", f"job/{job}", check=False).stdout

    def logs(self) -> str:
        """What every pod said, for a test that fails."""
        pods = self.plane.ask("GET", f"/api/v1/namespaces/{self.name}/pods")["items"]
        names = [pod["metadata"]["name"] for pod in pods]
        return "\n".join(
            f"== {name}\n{self.plane.kubectl('-n', self.name, 'logs', name, check=False).stdout}" for name in names
        )


def conditions(job: Json) -> set[str]:
    return {each["type"] for each in job["status"].get("conditions", ()) if each["status"] == "True"}


def flat(run: Json) -> Json:
    tags = {tag["key"]: tag["value"] for tag in run["data"].get("tags", [])}
    params = {one["key"]: one["value"] for one in run["data"].get("params", [])}
    return {
        "mlwright.kind": "",
        "mlwright.step": "",
        **tags,
        "params": params,
        "status": run["info"]["status"],
        "id": run["info"]["run_id"],
    }
