"""Tuning on a real control plane: a Job that proposes, workers that run trials themselves or make a Job for each."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.kubernetes.conducted import PLATFORM, Cluster
from tests.e2e.kubernetes.kubelet import Kubelet, kubelet
from tests.e2e.kubernetes.plane import Plane
from tests.e2e.kubernetes.pod import Image

pytestmark = [pytest.mark.cluster, pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(900)]

PROJECT = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: tiny}
tracking: {server: {type: external, url: "SERVER"}, experiment: NAME}
environments:
  lab: {platform: plain.yaml, namespace: NAME}
params: {x: {type: float, default: 0.5}, kind: {type: string, default: plain}}
defaults: {steps: {image: "app:1", resources: {cpu: 100m, memory: 64Mi}}}
training:
  command: [python3, train.py, "${params.x}", "${params.kind}"]
  metrics: {score: {goal: maximize, pattern: "score=(\\\\S+)"}}
  distributed: {nodes: NODES, launcher: none}
tuning:
  objective: score
  algorithm: random
  space: {x: {min: 0.0, max: 1.0}, kind: {values: [plain, "two words"]}}
  trials: {max: 3, parallel: 2}
patches:
  packages:
    why: the image of this test has its packages in a folder
    on: {node: tuning, kind: Job}
    ops: [{op: add, path: /spec/template/spec/containers/0/env/-, value: {name: PYTHONPATH, value: /app}}]
"""
TRAIN = """\
import os, sys
assert sys.argv[2] in ("plain", "two words"), sys.argv
print(f"score={1 - abs(float(sys.argv[1]) - 0.3)}")
"""
PACKAGES = ("optuna", "numpy", "colorlog", "sqlalchemy", "alembic", "tqdm", "yaml", "packaging", "mako", "markupsafe")


@pytest.fixture(scope="module")
def node(plane: Plane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubelet]:
    app, tools = tmp_path_factory.mktemp("app"), tmp_path_factory.mktemp("tools")
    (app / "train.py").write_text(TRAIN)
    found = importlib.util.find_spec("numpy")
    assert found and found.origin
    site = Path(found.origin).parent.parent
    for name in (*PACKAGES, "numpy.libs"):
        shutil.copytree(site / name, tools / name, ignore=shutil.ignore_patterns("tests", "__pycache__"))
    shutil.copy(site / "typing_extensions.py", tools)
    with kubelet(plane, {"app:1": Image(folder=app), "tools:1": Image(folder=tools)}) as made:
        yield made


@pytest.mark.parametrize("nodes", [1, 2])
def test_a_search_finds_the_best_parameters_and_leaves_no_worker(
    node: Kubelet, mlflow_server: str, tmp_path: Path, nodes: int
) -> None:
    project = PROJECT.replace("NODES", str(nodes))
    cluster = Cluster(node, mlflow_server, tmp_path, project, PLATFORM + "images: {tools: 'tools:1'}\n")
    cluster.start("first")
    assert cluster.ended("first") == "Complete", cluster.logs()
    assert cluster.states() == {"tuning": "finished", "training": "finished", "run": "FINISHED"}
    runs = cluster.runs()
    trials = [run for run in runs if run["mlwright.kind"] == "trial"]
    assert sorted(run["mlwright.trial"] for run in trials) == ["0", "1", "2"]
    assert {run["status"] for run in trials} == {"FINISHED"}
    (tuning,) = [run for run in runs if run["mlwright.kind"] == "tuning"]
    (training,) = [run for run in runs if run["mlwright.step"] == "training"]
    best = min((float(run["params"]["x"]) for run in trials), key=lambda x: abs(x - 0.3))
    assert float(tuning["params"]["best.x"]) == float(training["params"]["x"]) == best
    made = ["search", "training", "trials"]
    assert cluster.made("first") == made
    each = [name for name in cluster.added if "-t" in name and not name.startswith("first")]
    assert len(each) == (3 if nodes == 2 else 0)
    assert not cluster.plane.ask("GET", f"/api/v1/namespaces/{cluster.name}/services")["items"]
    cluster.over = True
