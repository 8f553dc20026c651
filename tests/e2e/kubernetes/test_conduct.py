"""A pipeline on a real control plane: compiled, applied, conducted, its conductor killed; real tracking server, too."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.kubernetes.conducted import Cluster, conditions
from tests.e2e.kubernetes.kubelet import Kubelet, kubelet
from tests.e2e.kubernetes.plane import Plane, Refused
from tests.e2e.kubernetes.pod import Image

pytestmark = [pytest.mark.cluster, pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(900)]

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


@pytest.fixture(scope="module")
def node(plane: Plane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubelet]:
    folder = tmp_path_factory.mktemp("image")
    for name, text in PROGRAMS.items():
        (folder / name).write_text(text)
    with kubelet(plane, {"app:1": Image(folder=folder)}) as found:
        yield found


@pytest.fixture
def cluster(node: Kubelet, mlflow_server: str, tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(node, mlflow_server, tmp_path, PROJECT)
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
    assert cluster.ended("first") == "Complete", cluster.logs()
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
        if len(jobs) > seen + 1 and len(killed) < 3:  # Kubernetes doubles the wait for the next each time
            for pod in cluster.conductors("first"):
                if pod["status"]["phase"] == "Running" and pod["metadata"]["uid"] not in killed:
                    killed.add(pod["metadata"]["uid"])
                    seen = len(jobs)
                    pods = f"/api/v1/namespaces/{cluster.name}/pods"
                    grace = "?gracePeriodSeconds=0" if len(killed) % 2 else ""  # SIGKILL and SIGTERM in turn
                    cluster.plane.ask("DELETE", f"{pods}/{pod['metadata']['name']}{grace}")
        time.sleep(0.2)
    assert len(killed) >= 2
    assert cluster.ended("first") == "Complete", cluster.logs()
    assert cluster.states() == WANTED
    assert cluster.made("first") == JOBS


def test_a_second_run_is_kept_away_and_deleting_the_job_of_the_first_kills_it(cluster: Cluster) -> None:
    cluster.start("first")
    cluster.plane.await_(f"{cluster.jobs}/first-make")
    cluster.start("second")
    assert cluster.ended("second") == "Failed"
    assert "another run is at work: Job first" in cluster.log("second")
    cluster.plane.kubectl("-n", cluster.name, "delete", "job", "first")
    end = time.monotonic() + 90
    while cluster.states()["run"] != "KILLED":
        assert time.monotonic() < end, cluster.states()
        time.sleep(0.5)
    with pytest.raises(Refused):
        cluster.plane.ask("GET", f"{cluster.jobs}/first")
    while any(job["metadata"]["name"] != "second" for job in cluster.plane.ask("GET", cluster.jobs)["items"]):
        assert time.monotonic() < end
        time.sleep(0.5)
