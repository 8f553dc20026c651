"""Endpoints on KServe, on a real control plane with KServe's definitions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.e2e.kubernetes import crds
from tests.e2e.kubernetes.kserve import GROUP, deployments, pods
from tests.e2e.kubernetes.kubelet import kubelet
from tests.e2e.kubernetes.lab import Lab
from tests.e2e.kubernetes.plane import Plane
from tests.unit.targets.kubeflow.served import DIRECT, KSERVE, LOCKED, objects

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

Json = dict[str, Any]
KINDS = ("inferenceservices", "inferencegraphs", "llminferenceservices", "servingruntimes")
SPACE = "kserve-restricted"
PROJECT = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: demo}
secrets: {user: {keys: [username, password]}, boss: {keys: [username, password]}}
tracking:
  auth: {type: basic, secret: user, admin: boss}
  options: {allowed_hosts: ["127.*"]}
defaults: {steps: {image: "app:1"}}
training: {command: [python3, train.py, "${outputs.model}"], outputs: {model: {type: mlflow-model}}}
registry: {model: m, from: "${training.outputs.model}"}
serving:
  online:
    model: "${registry.m@champion}"
    owner: kubeflow
    smoke_test: {request: request.json}
    resources: {cpu: 100m, memory: 1Gi}
environments: {lab: {platform: lab.yaml, namespace: NAMESPACE}}
"""
PLATFORM = """\
apiVersion: mlwright.dev/v1
kind: Platform
orchestrator: kubernetes
kubernetes: "1.36"
kubeflow: {kserve: "0.20"}
"""


@pytest.fixture(scope="module")
def served(plane: Plane) -> Plane:
    crds.installed(plane, *(f"{kind}.{GROUP}" for kind in KINDS))
    plane.namespace(SPACE)
    return plane


@pytest.fixture
def lab(served: Plane, tmp_path: Path) -> Iterator[Lab]:
    with kubelet(served, {}) as node:
        yield Lab(node, tmp_path, PROJECT, **{"lab.yaml": PLATFORM})


def test_the_pod_of_an_inference_service_fetches_what_is_locked_and_answers(lab: Lab) -> None:
    lab.locked()
    lab.apply()
    path = f"/apis/{GROUP}/v1beta1/namespaces/{lab.name}/inferenceservices/demo-online"
    (deployment,) = deployments(lab.plane.ask("GET", path))
    lab.plane.ask("POST", f"/apis/apps/v1/namespaces/{lab.name}/deployments", deployment)
    lab.available("demo-online-predictor")
    lab.complete("demo-online-smoke")
    assert lab.answer("online") == {"predictions": [3.0, 4.0]}


BESIDE = ', transformer: {command: [python, t.py]}, explainer: {image: "e:1", command: [e]}, batcher: {max_size: 3}'
SCORED = 'serving: {online: {model: "s3://b/m", format: mlflow, storage: direct, image: "a:1"}}\n'
STORED = 'serving: {online: {model: "s3://b/m", storage: direct, image: "a:1", command: [serve]}}\n'
OWN = 'serving: {online: {image: "a:1", command: [serve]}}\n'


@pytest.mark.parametrize(
    "text",
    [LOCKED % "", DIRECT.replace("scores:", "online:") % BESIDE, SCORED, STORED, OWN],
    ids=["launched", "loaded", "scored", "stored", "own"],
)
def test_every_pod_that_kserve_would_make_is_admitted_where_only_restricted_ones_are(served: Plane, text: str) -> None:
    found = objects(text, KSERVE, "champion")
    runtime = found.get("ServingRuntime/demo-online", {}).get("spec")
    made = list(pods(found["InferenceService/demo-online"], runtime))
    assert made
    for name, template in made:
        labels = template["metadata"]["labels"]
        spec = {**template["spec"], "serviceAccountName": "default"}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec}
        served.ask("POST", f"/api/v1/namespaces/{SPACE}/pods?dryRun=All", body)


def test_a_router_of_kserves_is_not_admitted_there(served: Plane) -> None:
    settings = {
        "privileged": False,
        "runAsNonRoot": True,
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    box = {"name": "router", "image": "kserve/router:v0.20.0", "securityContext": settings}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "router"}, "spec": {"containers": [box]}}
    with pytest.raises(Exception, match="seccompProfile"):
        served.ask("POST", f"/api/v1/namespaces/{SPACE}/pods?dryRun=All", body)


def test_the_api_server_takes_what_is_written_as_it_is(served: Plane) -> None:
    text = (
        LOCKED % ""
        + """\
  scores: {model: "s3://b/m", format: xgboost, replicas: {min: 1, max: 3, target: {memory: 70}}}
  chat: {model: "hf://acme/chat", protocols: [openai], parallel: {tensor: 2}}
  both: {type: route, mode: sequence, to: [serving.online, {service: serving.scores, required: true}]}
"""
    )
    text = text.replace(
        'serving: {online: {model: "${registry.m@champion}"}}', 'serving:\n  online: {model: "${registry.m@champion}"}'
    )
    for body in objects(text, KSERVE, "champion").values():
        if body["apiVersion"].startswith(GROUP):
            body["metadata"]["namespace"] = SPACE
            words = ("create", "--dry-run=server", "--validate=strict", "-f", "-", "-o", "json")
            kept = json.loads(served.kubectl(*words, stdin=yaml.safe_dump(body)).stdout)
            assert kept["spec"] == body["spec"]
