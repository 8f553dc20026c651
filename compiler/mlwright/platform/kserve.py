"""What KServe's own servers load and speak, as its runtimes are written: by format of the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from mlwright.ir import Route, Service
from mlwright.platform.profile import Profile
from mlwright.record import dataclass


@dataclass(frozen=True, slots=True)
class Server:
    """`protocols` of the specification, first the usual one; `grpc` is the port of gRPC, 0 without one, which is its
    first version where `first` says so."""

    protocols: tuple[str, ...]
    grpc: int = 0
    first: bool = False


_BOTH = ("open-inference-v1", "open-inference-v2")
_SECOND = ("open-inference-v2",)

SERVERS: Mapping[str, Server] = {
    "sklearn": Server((*_BOTH, "grpc"), 8081),
    "xgboost": Server((*_BOTH, "grpc"), 8081),
    "lightgbm": Server((*_BOTH, "grpc"), 8081),
    "catboost": Server(_BOTH),
    "predictiveserver": Server(_BOTH),
    "autogluon": Server(_BOTH),
    "pmml": Server(_BOTH),
    "paddle": Server(_BOTH),
    "mlflow": Server((*_SECOND, "grpc"), 9000),
    "tensorflow": Server(("open-inference-v1", "grpc"), 9000, first=True),
    "pytorch": Server((*_BOTH, "grpc"), 7070),
    "triton": Server((*_SECOND, "grpc"), 9000),
    "tensorrt": Server((*_SECOND, "grpc"), 9000),
    "onnx": Server((*_SECOND, "grpc"), 9000),
    "openvino": Server((*_SECOND, "grpc"), 9000),
    "huggingface": Server((*_BOTH, "openai")),
    "vllm": Server(("openai",)),
}
"""Format of the model -> what loads it where nobody names a runtime."""

FETCHED = ("s3", "gs", "http", "https", "hf", "pvc", "oci", "oci+native", "oci+fetch", "hdfs", "webhdfs")
"""Schemes of the addresses that KServe reads models from."""


def format_of(text: str) -> tuple[str, str]:
    """`mlflow:2` as name and version."""
    name, _, version = text.partition(":")
    return name, version


def elsewhere(format: str) -> bool:
    """Whether only a server of KServe's own loads such a model: MLflow's scoring server reads MLflow's."""
    name, _ = format_of(format)
    return name in SERVERS and name != "mlflow"


def knative(profile: Profile) -> bool:
    """Whether Knative makes the pods of endpoints."""
    return profile.file.kserve is not None and profile.file.kserve.mode == "knative"


def language_models(profile: Profile) -> bool:
    """Whether LLMInferenceService is there."""
    said = profile.file.kserve
    return profile.has("kserve_language_models") and (said is None or said.language_models)


Served = Literal["image", "launched", "stored", "scored", "model", "language"]
"""Who serves: a container that brings its own model; one that fetches it through the tracking server; one that finds it
in a folder that KServe fills; MLflow's scoring server on such a folder; a server of KServe's own; its servers of large
language models."""


def has_own(service: Service) -> bool:
    """Whether a program of the project's serves; arguments alone are those of the platform's server where it loads the
    model."""
    box = service.container
    theirs = elsewhere(service.format) or service.runtime or "engine" in dict(service.extra)
    return bool(box.argv or box.script or (box.args and not theirs))


def served_as(service: Service, platform: Profile) -> Served:
    """Who serves an endpoint's model."""
    own = has_own(service)
    if "openai" in service.protocols and not own and not service.runtime and language_models(platform):
        return "language"
    if service.source.kind == "none":
        return "image"
    if service.storage == "proxied":
        return "launched"
    if own:
        return "stored"
    return "scored" if service.format == "mlflow" and service.container.image.ref and not service.runtime else "model"


def front(service: Service) -> str:
    """The part of an endpoint that gets its requests."""
    return "transformer" if dict(service.components).get("transformer") else "predictor"


def is_split(service: Service, platform: Profile) -> bool:
    """Whether a router of KServe's shares the requests of an endpoint among its variants: where neither a Gateway nor
    the mesh does."""
    if not any(variant.traffic for variant in service.variants):
        return False
    if knative(platform) or not platform.has("gateway_api"):
        return True
    straight = service.expose.scope == "host" and service.expose.auth == "none"
    return platform.file.gateway is None if straight else not platform.has("istio")


def is_weighed(route: Route, services: Iterable[Service], platform: Profile) -> bool:
    """Whether a Gateway or the mesh shares the requests of a route; else a router of KServe's does."""
    known = {service.id: service for service in services}
    plain = all(leg.to in known and served_as(known[leg.to], platform) != "language" for leg in route.legs)
    if route.mode != "split" or knative(platform) or not platform.has("gateway_api") or not plain:
        return False
    straight = route.expose.scope == "host" and route.expose.auth == "none"
    return platform.file.gateway is not None if straight else platform.has("istio") and route.expose.scope != "host"
