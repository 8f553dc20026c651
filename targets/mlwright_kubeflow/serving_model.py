"""Models that a server of KServe's own loads from their store, and a runtime of the project's where it has none."""

from __future__ import annotations

import math
from typing import Any

from mlwright.emit import servedoc
from mlwright.emit.kube import endpoints, kserve, pod, quantity
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.volumes import Volumes
from mlwright.emit.kube.workloads import Workload
from mlwright.ir import Container, Security, Service
from mlwright_kubeflow import serving_pod
from mlwright_kubeflow.serving_pod import MODELS, Object

_PROTOCOLS = {"open-inference-v1": "v1", "open-inference-v2": "v2", "grpc": "grpc-v2"}
_SOMEBODY = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
_RUNTIME = "3"
"""The version of MLflow's format that the project's own runtime says it reads."""


def model(objects: Objects, service: Service, work: Workload, address: str) -> Object:
    """The part of an InferenceService in which a runtime of the platform serves what is at `address`."""
    box = servedoc.with_model(service.container, MODELS)
    volumes = Volumes(objects, service.id, service.origin)
    volumes.service(box)
    name, version = kserve.format_of(service.format or "huggingface")
    runtime, _, release = service.runtime.partition(":")
    words = [*serving_pod.words(objects, box.args), *_parallel(service)]
    asked = quantity.resources(box.resources, objects.context.platform)
    described: Object = {
        "modelFormat": {"name": name, **({"version": version} if version else {})},
        **({"runtime": runtime} if runtime else {}),
        **({"runtimeVersion": release} if release else {}),
        **_protocol(service),
        "storageUri": address,
        **serving_pod.runtime_image(objects, box.image),
        **({"args": words} if words else {}),
        **({"env": found} if (found := serving_pod.variables(objects, box)) else {}),
        **(serving_pod.bounded({"resources": asked}) if asked else {}),
        **_ports(objects, service),
        **({"volumeMounts": mounts} if (mounts := volumes.mounts()) else {}),
        "securityContext": {
            **(_SOMEBODY if kserve.knative(objects.context.platform) else {}),
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    return {**_theirs(serving_pod.spec(objects, service, work, box, volumes, {}), box), "model": described}


def scored(objects: Objects, service: Service, work: Workload, address: str) -> Object:
    """The same with a runtime of the project's: MLflow's scoring server in the project's image, on the folder that
    KServe fills."""
    box = servedoc.with_model(service.container, MODELS)
    volumes = Volumes(objects, service.id, service.origin)
    volumes.service(box)
    command = ["mlflow", "models", "serve", "-m", MODELS, "--env-manager", "local", "-h", "0.0.0.0"]
    command += ["-p", str(service.port)]
    command += ["-t", str(math.ceil(service.request_timeout))] if service.request_timeout else []
    env = endpoints.bare_environment(objects, box)
    more = serving_pod.serves(objects, service.port, servedoc.health_path(service), service.startup)
    start = {"command": command[:1], "args": command[1:]}
    container = pod.user_container(objects, box, volumes, env, start, name=kserve.CONTAINER, more=more)
    found = serving_pod.spec(objects, service, work, box, volumes, container)
    spec = {
        "supportedModelFormats": [{"name": "mlflow", "version": _RUNTIME, "autoSelect": False}],
        "protocolVersions": ["v1"],
        "containers": found.pop("containers"),
        "volumes": found.pop("volumes"),
    }
    kind = "ServingRuntime"
    described = {
        "modelFormat": {"name": "mlflow", "version": _RUNTIME},
        "runtime": objects.add(kind, work.name, {"spec": spec}, as_kind=work.kind(kind), **work.common),
        "protocolVersion": "v1",
        "storageUri": address,
    }
    return {**found, "model": described}


def _protocol(service: Service) -> Object:
    protocol = _PROTOCOLS.get(service.protocols[0], "")
    server = kserve.SERVERS.get(kserve.format_of(service.format)[0])
    if protocol == "grpc-v2" and server and server.first:
        protocol = "grpc-v1"
    return {"protocolVersion": protocol} if protocol else {}


def _ports(objects: Objects, service: Service) -> Object:
    """The port of gRPC, and probes where the specification has a path for them."""
    if service.protocols[0] == "grpc":
        return {"ports": [{"name": "h2c", "containerPort": kserve.model_port(service), "protocol": "TCP"}]}
    health = dict(service.extra).get("health")
    path = health.get("path") if isinstance(health, dict) else None
    if not path:
        return {}
    found = serving_pod.serves(objects, 8080, str(path), service.startup)
    return {key: value for key, value in found.items() if key != "ports"}


def _parallel(service: Service) -> list[str]:
    """How the Hugging Face runtime spreads a model over the GPUs of a pod."""
    parallel = dict(service.extra).get("parallel")
    tensor = parallel.get("tensor", 1) if isinstance(parallel, dict) else 1
    return [f"--tensor-parallel-size={tensor}"] if tensor != 1 else []


def _theirs(found: Object, box: Container) -> Object:
    """The pod's spec for an image that is not the project's: its own user, whoever that is, but never root."""
    kept: dict[str, Any] = {key: value for key, value in found.items() if key not in ("containers", "securityContext")}
    if not kept.get("volumes"):
        kept.pop("volumes", None)
    if box.security != Security():
        return {**kept, **({"securityContext": found["securityContext"]} if "securityContext" in found else {})}
    if "securityContext" in found:
        kept["securityContext"] = _SOMEBODY
    return kept
