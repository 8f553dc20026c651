"""The pods of KServe, whose controller cannot be here: what it makes of an InferenceService is written down from its
source (v0.20, deployment_reconciler.go, service_reconciler.go, storage_initializer_injector.go, agent_injector.go)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
GROUP = "serving.kserve.io"


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
            agent |= {"securityContext": spec["containers"][0]["securityContext"]}
            spec["containers"] = [*spec["containers"], agent]
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
