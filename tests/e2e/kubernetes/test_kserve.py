"""Endpoints on KServe, on a real control plane with KServe's definitions.

Its controller cannot be here: what it makes of an InferenceService is written down from its source (v0.20,
deployment_reconciler.go, service_reconciler.go, storage_initializer_injector.go, agent_injector.go).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.e2e.kubernetes import crds
from tests.e2e.kubernetes.kubelet import kubelet
from tests.e2e.kubernetes.lab import Lab
from tests.e2e.kubernetes.plane import Plane
from tests.unit.targets.kubeflow.served import DIRECT, KSERVE, LOCKED, objects

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

Json = dict[str, Any]
GROUP = "serving.kserve.io"
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


def pods(isvc: Json, runtime: Json | None = None) -> Iterator[tuple[str, Json]]:
    """The pod template of each part of an InferenceService; `runtime` is what serves its model."""
    about = isvc["metadata"]
    for part, body in isvc["spec"].items():
        if not isinstance(body, dict) or not {"containers", "model"} & set(body):
            continue
        name = f"{about['name']}-{part}"
        labels = {**about["labels"], **body.get("labels", {}), f"{GROUP}/inferenceservice": about["name"]}
        labels |= {"component": part, "app": f"isvc.{name}"}
        spec = {key: value for key, value in body.items() if key in POD}
        if "model" in body:
            spec |= _loaded(body["model"], runtime or RUNTIME)
        elif any(entry["name"] == "STORAGE_URI" for entry in body["containers"][0].get("env", ())):
            spec |= {"initContainers": [_initializer(body["containers"][0])]}
        if part != "predictor":
            spec["containers"] = [
                {**box, "args": [*box.get("args", ()), "--model_name", "m"]} for box in spec["containers"]
            ]
        if "batcher" in body or "logger" in body:
            agent = {"name": "agent", "image": "kserve/agent:v0.20.0", "ports": [{"containerPort": 9081}]}
            spec["containers"] += [{**agent, "securityContext": spec["containers"][0]["securityContext"]}]
        yield name, {"metadata": {"labels": labels}, "spec": spec}


POD = frozenset({
    "automountServiceAccountToken", "containers", "enableServiceLinks", "imagePullSecrets", "initContainers",
    "nodeSelector", "priorityClassName", "runtimeClassName", "schedulerName", "securityContext", "serviceAccountName",
    "terminationGracePeriodSeconds", "tolerations", "topologySpreadConstraints", "volumes",
})  # fmt: skip
RUNTIME: Json = {
    "containers": [
        {
            "name": "kserve-container",
            "image": "kserve/xgbserver:v0.20.0",
            "args": ["--model_name=m", "--model_dir=/mnt/models"],
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "privileged": False,
                "runAsNonRoot": True,
                "capabilities": {"drop": ["ALL"]},
            },
            "resources": {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"cpu": "1", "memory": "2Gi"}},
        }
    ]
}
"""A ClusterServingRuntime of KServe's own."""


def _loaded(model: Json, runtime: Json) -> Json:
    """The container of a runtime, overlaid with what the model says, and the one that fetches the model before it."""
    box = dict(runtime["containers"][0])
    for key, value in model.items():
        if key in ("args", "env", "volumeMounts"):
            box[key] = [*box.get(key, ()), *value]
        elif key == "securityContext":
            box[key] = {**box.get(key, {}), **value}
        elif key == "resources":
            box[key] = {what: {**box.get(key, {}).get(what, {}), **amounts} for what, amounts in value.items()}
        elif key in ("image", "imagePullPolicy", "ports", "readinessProbe", "startupProbe", "livenessProbe"):
            box[key] = value
    models = [{"name": "kserve-provision-location", "emptyDir": {}}]
    mount = {"name": "kserve-provision-location", "mountPath": "/mnt/models", "readOnly": True}
    box["volumeMounts"] = [*box.get("volumeMounts", ()), mount]
    volumes = [*models, *runtime.get("volumes", ())]
    return {"containers": [box], "initContainers": [_initializer(box)], "volumes": volumes}


def _initializer(box: Json) -> Json:
    """What fetches a model has the settings of the container that it is for."""
    context = {"securityContext": box["securityContext"]} if "securityContext" in box else {}
    return {"name": "storage-initializer", "image": "kserve/storage-initializer:v0.20.0", **context}


def deployments(isvc: Json) -> Iterator[Json]:
    """The Deployments that KServe makes of it."""
    about = isvc["metadata"]
    for name, template in pods(isvc):
        selector = {"matchLabels": {"app": template["metadata"]["labels"]["app"]}}
        spec = {"replicas": 1, "selector": selector, "template": template}
        yield {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": about["namespace"]},
            "spec": spec,
        }


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
