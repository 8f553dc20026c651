"""Endpoints and routes against KServe's own definitions: every format, protocol, mode, measure and release; and what
Knative takes of their pods."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.targets.kubeflow.served import FULL, INGRESS, KNATIVE, KSERVE, built, version

from mlwright.platform.kserve import SERVERS
from mlwright.target import Document
from mlwright.verify import schemas
from mlwright.verify.manifest import gather

CRDS = os.environ.get("MLWRIGHT_CRDS", "")
pytestmark = [
    pytest.mark.skipif(not CRDS, reason="MLWRIGHT_CRDS names no folder with CRD files"),
    pytest.mark.timeout(300),
]
RELEASES = ("0.15", "0.16", "0.18", "0.20", "0.21")
PLATFORMS = {"standard": KSERVE, "knative": KNATIVE, "gateway": FULL, "ingress": INGRESS}
MEASURES = {
    "standard": ("1", "3", "{min: 1, max: 4, target: {cpu: 70}}", "{min: 2, max: 4, target: {memory: 70}}"),
    "knative": (
        "{min: 0, max: 1}",
        "{min: 0, max: 4, target: {concurrency: 7}}",
        "{min: 1, max: 4, target: {rps: 9}}",
        "{min: 1, max: 2, target: {cpu: 70}}",
    ),
    "gateway": ("1", "{min: 1, max: 4, target: {rps: 2.5}}", "{min: 0, max: 4, target: {concurrency: 3}}"),
    "ingress": ("2", "{min: 1, max: 4}"),
}
PARTS = (
    "",
    ', transformer: {image: "t:1", command: [t], port: 8081, replicas: 2}',
    ', explainer: {image: "e:1", command: [e]}, log: {to: "http://c.ml/"}, concurrency: 3, request_timeout: 30s',
)


def services(mode: str) -> Iterator[str]:
    """An endpoint for every format and protocol, measures and parts in turn."""
    measures, parts = itertools.cycle(MEASURES[mode]), itertools.cycle(PARTS)
    for format, server in SERVERS.items():
        for protocol in server.protocols:
            if protocol != "openai":
                name = f"{format}-{protocol}".replace("open-inference-", "")
                fields = f'model: "s3://b/{name}", storage: direct, format: {format}, protocols: [{protocol}]'
                yield f"  {name}: {{{fields}, replicas: {next(measures)}{next(parts)}}}"
    yield '  scored: {model: "gs://b/m", format: mlflow, storage: direct, image: "a:1"}'
    yield '  stored: {model: "pvc://c/m", storage: direct, image: "a:1", command: [serve]}'
    yield '  own: {image: "a:1", command: [serve], port: 9000, protocols: [http]}'
    yield '  launched: {model: "hf://a/b", image: "a:1", command: [serve, "${params.n}"], env: {N: "${params.n}"}}'
    yield '  chat: {model: "hf://a/chat", protocols: [openai], replicas: 2, resources: {gpu: 1}}'
    yield "  sequence: {type: route, mode: sequence, to: [serving.own, {service: serving.scored, required: true}]}"
    yield "  ensemble: {type: route, mode: ensemble, to: [serving.own, serving.sequence]}"
    yield '  switch: {type: route, mode: switch, to: [{service: serving.own, condition: "a"}, serving.scored]}'
    yield "  split: {type: route, mode: split, to: ["
    yield "    {service: serving.own, weight: 1}, {service: serving.scored, weight: 99}]}"
    host = ", expose: {host: m.example.com}" if mode != "standard" else ""
    variants = 'variants: {next: {model: "s3://b/2", traffic: 20}}'
    yield f'  shared: {{model: "s3://b/1", format: xgboost, {variants}{host}}}'


@cache
def emitted(mode: str, release: str) -> dict[str, dict[str, Any]]:
    """Every object of that project by file."""
    text = "params: {n: 3}\nserving:\n" + "\n".join(services(mode)) + "\n"
    files = built(text, version(PLATFORMS[mode], release)).files
    texts = {path: data for path, data in files.items() if path.startswith("kubeflow/") and path.endswith(".yaml")}
    return {path: yaml.safe_load(data) for path, data in texts.items() if "kustomization" not in path}


@pytest.fixture(scope="session")
def found() -> schemas.Schemas:
    pytest.importorskip("kubernetes_validate", reason="the extra `crds` is not installed")
    return schemas.definitions(str(Path(CRDS))).of("1.36")


@pytest.mark.parametrize(("mode", "release"), itertools.product(PLATFORMS, RELEASES))
def test_every_object_is_what_its_definition_allows(found: schemas.Schemas, mode: str, release: str) -> None:
    documents = [Document(path=path, data=data) for path, data in emitted(mode, release).items()]
    assert len(documents) > 40
    manifests = gather([("kubeflow", documents)], frozenset())
    assert [f"{item.message}" for item in found.check(manifests)] == []


@pytest.mark.parametrize("release", RELEASES)
def test_knative_takes_every_pod(found: schemas.Schemas, release: str) -> None:
    """A pod of a part, as KServe puts it into a Knative Service, whose definition lists what Knative takes."""
    pods = 0
    for path, data in emitted("knative", release).items():
        for part in ("predictor", "transformer", "explainer") if data["kind"] == "InferenceService" else ():
            body = data["spec"].get(part, {})
            if "containers" not in body:
                continue
            spec = {key: value for key, value in body.items() if key in TAKEN}
            assert set(body) - set(spec) <= SAID, path
            template = {"metadata": {"labels": body["labels"]}, "spec": spec}
            service = {
                "apiVersion": "serving.knative.dev/v1",
                "kind": "Service",
                "metadata": {"name": "x", "namespace": "ml"},
                "spec": {"template": template},
            }
            manifests = gather([("kubeflow", [Document(path=path, data=service)])], frozenset())
            assert [item.message for item in found.check(manifests)] == [], path
            for box in spec["containers"]:
                assert all(port["name"] in ("http1", "h2c") for port in box["ports"])
                assert box["securityContext"]["runAsNonRoot"] is True
            pods += 1
    assert pods > 20


TAKEN = {
    "serviceAccountName",
    "automountServiceAccountToken",
    "enableServiceLinks",
    "imagePullSecrets",
    "containers",
    "volumes",
}
"""What Knative takes of a pod without a feature flag."""
SAID = {
    "labels", "annotations", "minReplicas", "maxReplicas", "scaleMetric", "scaleTarget", "containerConcurrency",
    "timeout", "logger", "batcher",
}  # fmt: skip
"""What KServe itself reads."""


@pytest.mark.parametrize("release", RELEASES)
def test_large_language_models_are_of_the_api_that_the_release_has(release: str) -> None:
    kinds = {data["kind"]: data["apiVersion"] for data in emitted("gateway", release).values()}
    known = {"0.15": None, "0.16": "serving.kserve.io/v1alpha1"}
    assert kinds.get("LLMInferenceService") == known.get(release, "serving.kserve.io/v1alpha2")
