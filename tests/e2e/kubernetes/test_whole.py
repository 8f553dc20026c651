"""An example as users have it, applied and started on a real control plane: nothing is there that it does not bring."""

from __future__ import annotations

import contextlib
import json
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.kubernetes.applied import output
from tests.e2e.kubernetes.kubelet import Kubelet, kubelet
from tests.e2e.kubernetes.plane import Plane
from tests.e2e.kubernetes.process import Image

from mlwright import api

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(900)]

EXAMPLES = Path(__file__).parents[3] / "examples"
SPACE = "whole"
JOBS = f"/apis/batch/v1/namespaces/{SPACE}/jobs"
OVERLAY = f"environments:\n  cluster: {{platform: kubernetes, namespace: {SPACE}}}\n"


@pytest.fixture(scope="module")
def node(plane: Plane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubelet]:
    """A node on which the smallest example is applied, in a namespace that admits restricted pods alone."""
    project = tmp_path_factory.mktemp("whole") / "minimal"
    shutil.copytree(EXAMPLES / "minimal", project, ignore=shutil.ignore_patterns(".mlwright", "manifests"))
    with (project / "mlproject.yaml").open("a") as file:
        file.write(OVERLAY)
    result = api.compile([str(project / "mlproject.yaml")], envs=["cluster"])
    assert not result.failed, result.diagnostics
    with kubelet(plane, {"minimal:dev": Image(folder=EXAMPLES / "minimal")}) as found:
        plane.namespace(SPACE)
        output(plane, project / "manifests" / "cluster").apply()
        yield found


def test_an_example_runs_with_the_tracking_server_that_it_brings(node: Kubelet) -> None:
    deployment = f"/apis/apps/v1/namespaces/{SPACE}/deployments/minimal-mlflow"
    node.plane.await_(deployment, lambda found: found["status"].get("availableReplicas") == 1, 240)
    node.plane.kubectl("-n", SPACE, "create", "job", "first", "--from=cronjob/minimal-main")
    job = node.plane.await_(f"{JOBS}/first", lambda found: bool(ends(found)), 240)
    assert ends(job) == {"Complete"}, logs(node)
    server = node.pod(SPACE, "app.kubernetes.io/name=mlflow")
    (experiment,) = [each for each in asked(server.address, "experiments/search") if each["name"] == "minimal-cluster"]
    runs = asked(server.address, "runs/search", experiment_ids=[experiment["experiment_id"]])
    assert {run["info"]["status"] for run in runs} == {"FINISHED"}
    steps = {tag["value"] for run in runs for tag in run["data"]["tags"] if tag["key"] == "mlwright.step"}
    assert {"training", "evaluation"} <= steps
    (error,) = [each["value"] for run in runs for each in run["data"].get("metrics", ()) if each["key"] == "error"]
    assert 0 <= error < 0.01


def ends(job: dict[str, Any]) -> set[str]:
    conditions = job["status"].get("conditions", ())
    return {each["type"] for each in conditions if each["status"] == "True"} & {"Complete", "Failed"}


def asked(address: str, what: str, **body: Any) -> list[dict[str, Any]]:
    """What the tracking server has found, asked as pods ask it."""
    headers = {"Content-Type": "application/json", "Host": "minimal-mlflow:5000"}
    url = f"http://{address}:5000/api/2.0/mlflow/{what}"
    data = json.dumps({"max_results": 100, **body}).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data=data, headers=headers), timeout=30) as answer:
        return list(json.load(answer).get(what.partition("/")[0], ()))


def logs(node: Kubelet) -> str:
    """What every container said."""
    found = ""
    for pod in list(node.pods.values()):
        for container in (*pod.inits, *pod.containers):
            with contextlib.suppress(OSError):
                found += f"\n== {pod.name} {container.spec['name']}\n{container.log.read_text()[-2000:]}"
    return found
