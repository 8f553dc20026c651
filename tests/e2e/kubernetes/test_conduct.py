"""A pipeline on a real control plane: compiled, applied, conducted, its conductor killed; real tracking server, too."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.kubernetes.kubelet import Kubelet, kubelet
from tests.e2e.kubernetes.plane import Plane, Refused

pytestmark = [pytest.mark.cluster, pytest.mark.server, pytest.mark.slow]

Json = dict[str, Any]

PROJECT = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: tiny}
tracking: {server: {type: external, url: "SERVER"}, experiment: NAME}
environments:
  lab: {platform: plain.yaml, namespace: NAME}
defaults:
  steps: {image: "app:1", resources: {cpu: 100m, memory: 64Mi}}
steps:
  make:
    command: [python3, make.py, "${outputs.stores}", "${outputs.rows}"]
    outputs: {stores: {type: json}, rows: {type: int}}
  each:
    command: [python3, count.py, "${each.store}", "${outputs.count}"]
    outputs: {count: {type: json}}
    for_each: {store: "${steps.make.outputs.stores}"}
    max_parallel: 2
  together:
    command: [python3, together.py]
    needs: [steps.make]
    distributed: {nodes: 2, launcher: none}
  rare:
    command: [python3, -c, "print('never')"]
    when: "${steps.make.outputs.rows} > 1000"
  after-rare:
    command: [python3, -c, "print('never')"]
    needs: [steps.rare]
  again:
    command: [python3, again.py]
    needs: [steps.make]
    retries: {limit: 1}
  total:
    command: [python3, total.py, "${steps.each.outputs.count}", "${outputs.total}"]
    needs: [{step: steps.rare, optional: true}, steps.together, steps.again]
    outputs: {total: {type: int}}
    metrics: {total: {goal: maximize, pattern: "total=([0-9]+)"}}
    gates: {enough: {metric: total, min: 1000, on_fail: stop}}
  report:
    command: [python3, -c, "print('never')"]
    needs: [steps.total]
  notify:
    run_if: always
    needs: []
    command: [python3, -c, "import sys; print('status', sys.argv[1])", "${run.status}"]
"""
PLATFORM = """\
apiVersion: mlwright.dev/v1
kind: Platform
orchestrator: kubernetes
kubernetes: "1.36"
"""
PROGRAMS = {
    "make.py": 'import sys; open(sys.argv[1], \'w\').write(\'["oslo", "bergen", "bodø"]\')\n'
    "open(sys.argv[2], 'w').write('3')\n",
    "count.py": "import json, sys; json.dump(len(sys.argv[1]), open(sys.argv[2], 'w'))\n",
    "total.py": "import json, os, sys\n"
    "counts = [json.load(open(os.path.join(sys.argv[1], name))) for name in sorted(os.listdir(sys.argv[1]))]\n"
    "open(sys.argv[2], 'w').write(str(sum(counts))); print(f'total={sum(counts)}')\n",
    "again.py": "import os, sys; sys.exit(0 if os.environ['MLFLOW_RUN_ID'] and ATTEMPT() else 3)\n",
    "together.py": "import os, socket, time\n"
    "rank, place = int(os.environ['JOB_COMPLETION_INDEX']), (os.environ['MASTER_ADDR'], 29500)\n"
    "if rank == 0:\n"
    "    server = socket.create_server(('0.0.0.0', 29500)); peer, _ = server.accept(); print(peer.recv(9))\n"
    "else:\n"
    "    for _ in range(300):\n"
    "        try: socket.create_connection(place, timeout=5).send(b'rank 1'); break\n"
    "        except OSError: time.sleep(0.1)\n"
    "    else: raise SystemExit('nobody there')\n",
}
PROGRAMS["again.py"] = (
    "import json, os, sys, urllib.request\n"
    "url = os.environ['MLFLOW_TRACKING_URI'] + '/api/2.0/mlflow/runs/get?run_id=' + os.environ['MLFLOW_RUN_ID']\n"
    "tags = json.load(urllib.request.urlopen(url))['run']['data']['tags']\n"
    "sys.exit(3 if {'key': 'mlwright.attempt', 'value': '1'} in tags else 0)\n"
)


class Cluster:
    """One namespace with the compiled project in it."""

    def __init__(self, node: Kubelet, server: str, folder: Path) -> None:
        self.node, self.plane, self.server = node, node.plane, server
        self.name = f"t{uuid.uuid4().hex[:8]}"
        self.jobs = f"/apis/batch/v1/namespaces/{self.name}/jobs"
        (folder / "mlproject.yaml").write_text(PROJECT.replace("SERVER", server).replace("NAME", self.name))
        (folder / "plain.yaml").write_text(PLATFORM)
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

    def log(self, run: str) -> str:
        return self.plane.kubectl("-n", self.name, "logs", f"job/{run}", check=False).stdout


def conditions(job: Json) -> set[str]:
    return {each["type"] for each in job["status"].get("conditions", ()) if each["status"] == "True"}


def flat(run: Json) -> Json:
    tags = {tag["key"]: tag["value"] for tag in run["data"].get("tags", [])}
    return {"mlwright.kind": "", "mlwright.step": "", **tags, "status": run["info"]["status"]}


@pytest.fixture(scope="module")
def node(bare: Plane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubelet]:
    from tests.e2e.kubernetes.pod import Image

    folder = tmp_path_factory.mktemp("image")
    for name, text in PROGRAMS.items():
        (folder / name).write_text(text)
    with kubelet(bare, {"app:1": Image(folder=folder)}) as found:
        yield found


@pytest.fixture
def cluster(node: Kubelet, mlflow_server: str, tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(node, mlflow_server, tmp_path)
    yield made
    made.over = True


WANTED = {
    "steps.make": "finished",
    "steps.each": "finished",
    "steps.together": "finished",
    "steps.rare": "skipped: its condition is false",
    "steps.again": "finished",
    "steps.total": "finished",
    "steps.total.gates": "stopped",
    "steps.notify": "finished",
    "run": "FINISHED",
}
JOBS = ["again", "each", "make", "notify", "together", "total", "total-gates"]


def test_a_pipeline_of_every_kind_of_step_runs_without_an_engine(cluster: Cluster) -> None:
    cluster.start("first")
    assert cluster.ended("first") == "Complete", cluster.log("first")
    assert cluster.states() == WANTED
    assert cluster.made("first") == JOBS
    each = cluster.plane.ask("GET", f"{cluster.jobs}/first-each")
    assert (each["spec"]["completions"], each["spec"]["parallelism"], each["status"]["succeeded"]) == (3, 2, 3)
    attempts = [run["status"] for run in cluster.runs() if run["mlwright.step"] == "steps.again"]
    assert sorted(attempts) == ["FAILED", "FINISHED"]
    assert "total=14" in cluster.log("first-total")
    assert "status succeeded" in cluster.log("first-notify")
    path = f"/api/v1/namespaces/{cluster.name}/services"
    assert not [
        item for item in cluster.plane.ask("GET", path)["items"] if item["metadata"]["name"].startswith("first")
    ]
    cluster.plane.kubectl("-n", cluster.name, "delete", "job", "first")
    end = time.monotonic() + 60
    while cluster.plane.ask("GET", cluster.jobs)["items"]:
        assert time.monotonic() < end, "the children stay"
        time.sleep(0.5)


def test_a_conductor_that_is_killed_again_and_again_makes_every_child_once_and_ends_the_same(cluster: Cluster) -> None:
    cluster.start("first")
    killed: set[str] = set()
    end = time.monotonic() + 300
    seen = 0
    while not conditions(cluster.plane.ask("GET", f"{cluster.jobs}/first")) & {"Complete", "Failed"}:
        assert time.monotonic() < end, cluster.log("first")
        jobs = [item["metadata"]["name"] for item in cluster.plane.ask("GET", cluster.jobs)["items"]]
        if len(jobs) > seen + 1 and len(killed) < 5:
            for pod in cluster.conductors("first"):
                if pod["status"]["phase"] == "Running" and pod["metadata"]["uid"] not in killed:
                    killed.add(pod["metadata"]["uid"])
                    seen = len(jobs)
                    pods = f"/api/v1/namespaces/{cluster.name}/pods"
                    cluster.plane.ask("DELETE", f"{pods}/{pod['metadata']['name']}?gracePeriodSeconds=0")
        time.sleep(0.2)
    assert len(killed) >= 2
    assert cluster.ended("first") == "Complete", cluster.log("first")
    assert cluster.states() == WANTED
    assert cluster.made("first") == JOBS


def test_deleting_the_job_of_a_run_kills_the_run(cluster: Cluster) -> None:
    cluster.start("first")
    cluster.plane.await_(f"{cluster.jobs}/first-make")
    cluster.plane.kubectl("-n", cluster.name, "delete", "job", "first")
    end = time.monotonic() + 90
    while cluster.states()["run"] != "KILLED":
        assert time.monotonic() < end, cluster.states()
        time.sleep(0.5)
    with pytest.raises(Refused):
        cluster.plane.ask("GET", f"{cluster.jobs}/first")
    while cluster.plane.ask("GET", cluster.jobs)["items"]:
        assert time.monotonic() < end
        time.sleep(0.5)
