"""Training jobs by the real controllers: a step on two nodes runs, ends, is killed and goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.e2e.kubernetes import trainers
from tests.e2e.kubernetes.conducted import Cluster
from tests.e2e.kubernetes.kubelet import Kubelet, kubelet
from tests.e2e.kubernetes.plane import Plane
from tests.e2e.kubernetes.process import Image

from mlwright import api

pytestmark = [pytest.mark.cluster, pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(600)]

Json = dict[str, Any]

OPERATE = Path(__file__).parents[3] / "compiler" / "mlwright" / "runtime" / "operate.py"
PLATFORM = """\
apiVersion: mlwright.dev/v1
kind: Platform
orchestrator: argo
kubernetes: "1.36"
argo_workflows: "4.1"
kubeflow: {SYSTEM}
"""
PROJECT = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: two}
tracking: {server: {type: external, url: "SERVER"}, experiment: NAME}
storage: {kept: {type: volume, size: 1Gi, mode: ReadWriteMany, class: shared}}
defaults:
  steps: {image: "app:1", resources: {cpu: 100m, memory: 64Mi}, env: {PATH: "/app:PYTHON:/usr/bin:/bin"}}
training:
  framework: FRAMEWORK
  command: [python3, train.py, "${outputs.table}"]
  distributed: DISTRIBUTED
  outputs: {table: {type: file}}
  metrics: {loss: {goal: minimize, pattern: "loss=([0-9.]+)"}}
  checkpoints: {path: "${storage.kept}/ckpt"}
environments: {lab: {platform: cluster.yaml, namespace: NAME}}
"""
TORCHRUN = """\
#!PYTHON/python3
# Stands in for torchrun: one process, which gets the rank of its node and the address of the first.
import os, sys
words = sys.argv[1:]
at = next(i for i, word in enumerate(words) if not word.startswith("--"))
env = dict(os.environ, RANK=os.environ["PET_NODE_RANK"], WORLD_SIZE=os.environ["PET_NNODES"])
env.update(MASTER_ADDR=env.get("PET_MASTER_ADDR") or env["MASTER_ADDR"])
env.update(MASTER_PORT=env.get("PET_MASTER_PORT") or env["MASTER_PORT"])
os.execvpe(words[at], words[at:], env)
"""
TRAIN = """\
# All ranks meet at rank 0 in every epoch. The state of rank 0 is on the shared volume.
import json, os, socket, sys, time
config = json.loads(os.environ.get("TF_CONFIG") or "null")
if config:
    hosts = config["cluster"]["worker"]
    rank, size, place = config["task"]["index"], len(hosts), hosts[0].rsplit(":", 1)
    if config["task"]["type"] != "worker":
        print("serving", hosts, flush=True)
        time.sleep(600)
else:
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    place = [os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"]]
state = os.path.join(os.environ["MLWRIGHT_CHECKPOINT_DIR"], "epoch")
began = int(open(state).read()) if os.path.exists(state) else 0
if rank == 0:
    server = socket.create_server((socket.gethostbyname(socket.gethostname()), int(place[1])))
    peers = [server.accept()[0] for _ in range(size - 1)]
else:
    end = time.monotonic() + 100
    while True:
        try:
            peers = [socket.create_connection((place[0], int(place[1])), timeout=5)]
            break
        except OSError as problem:
            if time.monotonic() > end:
                sys.exit("nobody at %s: %s" % (place, problem))
            time.sleep(0.2)
    peers[0].settimeout(60)
for epoch in range(began, 4):
    if rank == 0:
        for peer in peers:
            peer.sendall(b"%d" % epoch)
            if peer.recv(1) == b"":
                sys.exit("a rank has gone")
        with open(state, "w") as stream:
            stream.write(str(epoch + 1))
    else:
        if not peers[0].recv(1):
            sys.exit("rank 0 has gone")
        if epoch == 2 and began == 0 and os.environ.get("WAITS"):
            time.sleep(300)
        peers[0].sendall(b"k")
    print("loss=%.1f" % (10 - epoch + 100 * rank), flush=True)
if rank == 0:
    open(sys.argv[1], "w").write("began=%d" % began)
"""


@pytest.fixture(scope="module")
def node(plane: Plane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubelet]:
    folder = tmp_path_factory.mktemp("app")
    python = str(Path(sys.executable).parent)
    (folder / "train.py").write_text(TRAIN)
    (folder / "torchrun").write_text(TORCHRUN.replace("PYTHON", python))
    (folder / "torchrun").chmod(0o755)
    with kubelet(plane, {"app:1": Image(folder=folder)}) as found:
        yield found


class Space:
    """A namespace with one compiled project, and the program that makes its training job."""

    def __init__(self, node: Kubelet, server: str, folder: Path, name: str, changes: dict[str, str]) -> None:
        self.node, self.plane, self.server, self.name, self.folder = node, node.plane, server, name, folder
        text = PROJECT.replace("SERVER", server).replace("NAME", name)
        text = text.replace("PYTHON", str(Path(sys.executable).parent))
        platform = PLATFORM
        for word, instead in changes.items():
            text, platform = text.replace(word, instead), platform.replace(word, instead)
        (folder / "mlproject.yaml").write_text(text)
        (folder / "cluster.yaml").write_text(platform)
        result = api.compile([str(folder / "mlproject.yaml")], envs=["lab"])
        assert not result.failed, [item.message for item in result.diagnostics]
        self.plane.namespace(name)
        found = [yaml.safe_load(path.read_text()) for path in (folder / "manifests" / "lab").glob("*/*.yaml")]
        self.objects = [each for each in found if each["kind"] != "Kustomization"]
        kept = [each for each in self.objects if not each["apiVersion"].startswith("argoproj")]
        self.plane.kubectl("apply", "--server-side", "-f", "-", stdin="\n---\n".join(map(json.dumps, kept)))

    def operate(self) -> subprocess.Popen[str]:
        """The program that makes the job, outside of a pod."""
        (config,) = [each for each in self.objects if each["metadata"]["name"].startswith("two-training-operator")]
        (self.folder / "step.json").write_text(config["data"]["step.json"])
        (self.folder / "token").write_text(self.plane.account(self.name, "two-operator"))
        secured = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True}
        secured |= {"seccompProfile": {"type": "RuntimeDefault"}, "runAsUser": 65532}
        box = {"name": "main", "image": "app:1", "command": ["sleep", "600"], "securityContext": secured}
        pod = {"metadata": {"name": "step"}, "spec": {"containers": [box]}}
        self.plane.ask("POST", f"/api/v1/namespaces/{self.name}/pods", pod)
        env = {
            **{name: text for name, text in os.environ.items() if not name.startswith(("MLFLOW_", "MLWRIGHT_"))},
            "MLFLOW_TRACKING_URI": self.server,
            "MLWRIGHT_RUN": "run-1",
            "MLWRIGHT_POD": "step",
            "MLWRIGHT_NAMESPACE": self.name,
            "MLWRIGHT_KUBERNETES": self.plane.url,
            "MLWRIGHT_KUBERNETES_CA": str(self.plane.ca),
            "MLWRIGHT_KUBERNETES_TOKEN": str(self.folder / "token"),
        }
        words = [sys.executable, "-S", str(OPERATE), str(self.folder / "step.json")]
        return subprocess.Popen(words, env=env, stderr=subprocess.PIPE, text=True)

    def ended(self) -> None:
        """Runs the step to its end."""
        process = self.operate()
        try:
            said = process.communicate(timeout=240)[1]
        except subprocess.TimeoutExpired:
            process.kill()
            pytest.fail(self.told(process.communicate()[1]))
        assert process.returncode == 0, self.told(said)

    def told(self, said: str) -> str:
        """What everybody said, for a test that fails."""
        for kind in ("trainjobs.trainer.kubeflow.org", "jobsets", "pytorchjobs", "tfjobs", "jobs", "pods", "events"):
            said += self.plane.kubectl("-n", self.name, "get", kind, "-o", "wide", check=False).stdout
        for pod in self.plane.ask("GET", f"/api/v1/namespaces/{self.name}/pods")["items"]:
            log = self.plane.kubectl("-n", self.name, "logs", pod["metadata"]["name"], check=False)
            said += f"\n== {pod['metadata']['name']}\n{log.stdout[-1500:]}{log.stderr[-500:]}"
        return said

    def said(self, pod: str) -> str:
        """A pod's log, as far as there is one."""
        return self.plane.kubectl("-n", self.name, "logs", pod, check=False).stdout

    def runs(self) -> list[Json]:
        """The step's runs on the tracking server, with the values of `loss` as they came."""
        found = Cluster.runs(self)  # type: ignore[arg-type]
        return [run for run in found if run["mlwright.step"] == "training"]


def losses(space: Space, run: Json) -> list[float]:
    url = f"{space.server}/api/2.0/mlflow/metrics/get-history?run_id={run['id']}&metric_key=loss"
    with urllib.request.urlopen(url) as answer:
        return [each["value"] for each in json.load(answer)["metrics"]]


@pytest.fixture(scope="module")
def jobs(plane: Plane) -> Iterator[None]:
    with trainers.trainer(plane), trainers.operator(plane):
        yield


V2 = 'trainer: "2.3"'
V1 = 'training_operator: "1.9"'
CASES = {
    "torch": (V2, "pytorch", "{nodes: 2, launcher: torchrun}"),
    "tensorflow": (V2, "tensorflow", "{nodes: 2, launcher: none, roles: {ps: {nodes: 1}}}"),
    "pytorchjob": (V1, "pytorch", "{nodes: 2, launcher: torchrun}"),
    "tfjob": (V1, "tensorflow", "{nodes: 2, launcher: none, roles: {ps: {nodes: 1}}}"),
}


@pytest.mark.parametrize("case", CASES)
def test_ranks_meet_and_the_first_alone_is_tracked(
    node: Kubelet, jobs: None, mlflow_server: str, tmp_path: Path, case: str
) -> None:
    changes = dict(zip(("SYSTEM", "FRAMEWORK", "DISTRIBUTED"), CASES[case], strict=True))
    space = Space(node, mlflow_server, tmp_path, f"meet-{case}", changes)
    space.ended()
    (run,) = space.runs()
    assert run["status"] == "FINISHED"
    assert losses(space, run) == [10, 9, 8, 7]
    assert "mlwright.output.table" in run


@pytest.mark.parametrize(
    ("case", "retries", "pod"),
    [("torch", 0, "-node-0-1-"), ("torch", 1, "-node-0-1-"), ("pytorchjob", 1, "-worker-0")],
    ids=["by the JobSet", "by either", "by the launcher"],
)
def test_a_job_that_lost_a_pod_goes_on_where_it_was(
    node: Kubelet, jobs: None, mlflow_server: str, tmp_path: Path, case: str, retries: int, pod: str
) -> None:
    changes = dict(zip(("SYSTEM", "FRAMEWORK", "DISTRIBUTED"), CASES[case], strict=True))
    changes['env: {PATH: "'] = f'retries: {{limit: {retries}, backoff: 1s}}, env: {{WAITS: "1", PATH: "'
    space = Space(node, mlflow_server, tmp_path, f"lost-{case}-{retries}", changes)
    process = space.operate()
    path = f"/api/v1/namespaces/{space.name}/pods"
    end, waiting = time.monotonic() + 120, ""
    while not waiting or space.said(waiting).count("loss=") < 2:
        assert time.monotonic() < end and process.poll() is None, space.told("")
        time.sleep(0.5)
        names = [each["metadata"]["name"] for each in space.plane.ask("GET", path)["items"]]
        waiting = next((name for name in names if pod in name), "")
    space.plane.kubectl("-n", space.name, "delete", "pod", waiting, "--wait=false")
    said = process.communicate(timeout=240)[1]
    assert process.returncode == 0, space.told(said)
    last = space.runs()[0]
    assert last["status"] == "FINISHED"
    assert losses(space, last) == [8, 7]  # the epochs that were left


PIPELINE = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: tiny}
tracking: {server: {type: external, url: "SERVER"}, experiment: NAME}
storage: {kept: {type: volume, size: 1Gi, mode: ReadWriteMany, class: shared}}
defaults: {steps: {image: "app:1", resources: {cpu: 100m, memory: 64Mi}}}
training:
  framework: tensorflow
  owner: kubeflow
  command: [python3, train.py, "${outputs.table}"]
  distributed: {nodes: 2, roles: {ps: {nodes: 1}}}
  outputs: {table: {type: file}}
  metrics: {loss: {goal: minimize, pattern: "loss=([0-9.]+)"}}
  checkpoints: {path: "${storage.kept}/ckpt"}
evaluation:
  command: [python3, -c, "import sys; print(open(sys.argv[1]).read())", "${training.outputs.table}"]
  metrics: {began: {goal: minimize, pattern: "began=([0-9]+)"}}
  gates: {anew: {metric: began, max: 0}}
environments: {lab: {platform: plain.yaml, namespace: NAME}}
"""
PLAIN = PLATFORM.replace("orchestrator: argo", "orchestrator: kubernetes").replace('argo_workflows: "4.1"\n', "")


def test_a_conductor_has_trainer_run_one_step_of_a_pipeline(
    node: Kubelet, jobs: None, mlflow_server: str, tmp_path: Path
) -> None:
    cluster = Cluster(node, mlflow_server, tmp_path, PIPELINE, PLAIN.replace("SYSTEM", V2))
    cluster.start("first")
    assert cluster.ended("first") == "Complete", cluster.logs()
    assert cluster.states() == {
        "training": "finished",
        "evaluation": "finished",
        "evaluation.gates": "finished",
        "run": "FINISHED",
    }
