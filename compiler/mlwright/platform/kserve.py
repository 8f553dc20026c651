"""What KServe's own servers load and speak, as its runtimes are written: by format of the model."""

from __future__ import annotations

from collections.abc import Mapping

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
