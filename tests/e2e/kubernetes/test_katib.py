"""A search by Katib on a real control plane: its trials are Jobs there, and it finds what `mlwright run` finds."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.kubernetes import crds
from tests.e2e.kubernetes.conducted import PLATFORM, Cluster
from tests.e2e.kubernetes.katib import Katib
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
  lab: {platform: plain.yaml, namespace: NAME, tuning: {owner: kubeflow}}
  here: {platform: local, tracking: {experiment: NAME-here}}
params: {x: {type: float, default: 0.5}, kind: {type: string, default: plain}}
defaults: {steps: {image: "app:1", resources: {cpu: 100m, memory: 64Mi}}}
training:
  command: [python3, train.py, "${params.x}", "${params.kind}"]
  metrics:
    score: {goal: maximize, pattern: "(?:^| )reached (\\\\S+)"}
    size: {}
tuning:
  objective: score
  algorithm: grid
  space: {x: {values: [0.1, 0.3, 0.9]}, kind: {values: [plain, 'two "words" $HOME']}}
  trials: {max: 6, parallel: 3}
"""
TRAIN = """\
import sys
x, kind = float(sys.argv[1]), sys.argv[2]
assert kind in ("plain", 'two "words" $HOME'), sys.argv
best = 1 - abs(x - 0.3) + (0.05 if "words" in kind else 0)
print(f"reached {best}", flush=True)
print("size=3")
print(f"reached {best / 2}")
"""
KATIB = 'kubeflow: {katib: "0.19"}\nkatib: {inject_security_context: true}\nimages: {tools: "app:1"}\n'


@pytest.fixture(scope="module")
def node(plane: Plane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubelet]:
    crds.installed(plane, "experiments.kubeflow.org")
    app = tmp_path_factory.mktemp("app")
    (app / "train.py").write_text(TRAIN)
    with kubelet(plane, {"app:1": Image(folder=app)}) as made:
        yield made


def best(runs: list[Any]) -> tuple[dict[str, str], int]:
    """The best parameters of a search, and how many trials it had."""
    (tuning,) = [run for run in runs if run["mlwright.kind"] == "tuning"]
    trials = [run for run in runs if run["mlwright.kind"] == "trial"]
    assert {run["status"] for run in trials} == {"FINISHED"}
    return tuning["params"], len(trials)


def test_katib_finds_what_a_search_on_this_machine_finds(node: Kubelet, mlflow_server: str, tmp_path: Path) -> None:
    cluster = Cluster(node, mlflow_server, tmp_path, PROJECT, PLATFORM + KATIB)
    katib = Katib(node.plane, cluster.name)
    katib.start()
    cluster.start("first")
    assert cluster.ended("first") == "Complete", cluster.logs()
    assert katib.problems == []
    assert cluster.states() == {"tuning": "finished", "training": "finished", "run": "FINISHED"}
    (experiment,) = katib.seen
    found, count = best(cluster.runs())
    assert (len(katib.trials), count) == (6, 6)
    (training,) = [run for run in cluster.runs() if run["mlwright.step"] == "training"]
    assert (training["params"]["x"], training["params"]["kind"]) == (found["best.x"], found["best.kind"])
    assert found == {"best.x": "0.3", "best.kind": 'two "words" $HOME'}
    katib.close()
    cluster.over = True

    (tmp_path / "train.py").write_text(TRAIN)
    env = {**os.environ, "MLFLOW_TRACKING_URI": mlflow_server}
    words = [sys.executable, "-m", "mlwright", "run", "--env", "here"]
    subprocess.run(words, cwd=tmp_path, check=True, timeout=300, env=env)
    cluster.name = f"{cluster.name}-here"
    assert best(cluster.runs()) == (found, count)
    assert experiment["spec"]["objective"]["metricStrategies"][0] == {"name": "score", "value": "max"}


def test_a_search_of_trials_that_fail_fails_and_nothing_is_trained(
    node: Kubelet, mlflow_server: str, tmp_path: Path
) -> None:
    failing = PROJECT.replace("parallel: 3", "parallel: 2, max_failed: 1").replace("python3, train.py", "'false'")
    cluster = Cluster(node, mlflow_server, tmp_path, failing, PLATFORM + KATIB)
    katib = Katib(node.plane, cluster.name)
    katib.start()
    cluster.start("first")
    assert cluster.ended("first") == "Failed", cluster.logs()
    assert cluster.states() == {"tuning": "failed: ExperimentFailed: by the test's Katib", "run": "FAILED"}
    (tuning,) = [run for run in cluster.runs() if run["mlwright.kind"] == "tuning"]
    assert "ExperimentFailed" in tuning["mlwright.reason"]
    assert len(katib.trials) <= 3
    assert cluster.plane.ask("GET", katib.experiments)["items"]
    katib.close()
    cluster.over = True


def test_without_a_training_of_its_own_the_best_trial_is_it(node: Kubelet, mlflow_server: str, tmp_path: Path) -> None:
    text = PROJECT.replace("  objective: score", "  objective: score\n  retrain: false")
    cluster = Cluster(node, mlflow_server, tmp_path, text, PLATFORM + KATIB)
    katib = Katib(node.plane, cluster.name)
    katib.start()
    cluster.start("first")
    assert cluster.ended("first") == "Complete", cluster.logs()
    found, count = best(cluster.runs())
    assert (found["best.x"], count) == ("0.3", 6)
    (training,) = [run for run in cluster.runs() if run["mlwright.step"] == "training"]
    assert training["mlwright.trial"] in katib.trials
    assert (training["params"]["x"], training["status"]) == ("0.3", "FINISHED")
    katib.close()
    cluster.over = True
