"""One environment on a cluster, from text to objects: what the tests of what stays up start from."""

from __future__ import annotations

from typing import Any

import yaml
from tests.unit.passes.understood import HEAD

from mlwright import build, registry
from mlwright.analysis import analyse
from mlwright.source.files import Memory

PLAIN = """\
apiVersion: mlwright.dev/v1
kind: Platform
orchestrator: kubernetes
kubernetes: "1.36"
"""
FULL = f"""\
{PLAIN}
argo_cd: "3.5"
istio: "1.30"
gateway_api: "1.6"
prometheus_operator: "0.93"
external_secrets: "2.9"
keda: "2.20"
gateway: {{name: public, namespace: gateways, section: https}}
auth_proxy: {{issuer: "https://login.example.com/realms/ml", secret: oauth2-proxy, groups: [ml]}}
secret_store: {{name: vault}}
network:
  allow_from: [gateways, monitoring]
  pod_cidrs: [10.0.0.0/8]
  api_server: [{{cidr: 10.0.0.1/32, port: 6443}}]
monitoring: {{labels: {{release: kps}}, address: "http://prometheus.monitoring:9090"}}
"""
INGRESS = f"{PLAIN}ingress: {{class: nginx, annotations: {{cert-manager.io/cluster-issuer: lab}}}}\n"

TRAINED = """\
defaults: {steps: {image: demo:1}}
training: {command: [python, train.py, "${outputs.model}"], outputs: {model: {type: mlflow-model}}}
registry: {model: m, from: "${training.outputs.model}"}
"""
"""A model that an endpoint can serve."""


def locked(*aliases: str) -> str:
    """A lock that pins these aliases of the model `m`, version 1 and on."""
    lines = ["environments:", "  prod:", "    models:"]
    for number, alias in enumerate(aliases, 1):
        id = str(number) * 32
        lines += [
            f"      m@{alias}:",
            f'        version: "{number}"',
            f"        model_id: m-{id}",
            f'        run_id: "{id}"',
        ]
        lines += [f"        source: models:/m-{id}", f"        uri: mlflow-artifacts:/1/models/m-{id}/artifacts"]
        lines += [f"        digest: sha256:{id * 2}"]
    return "\n".join(lines) + "\n"


def built(text: str, platform: str = PLAIN, *aliases: str, **files: str) -> build.Built:
    """The output of the environment `prod` of a project with the sections of `text`, on `platform`."""
    environment = "environments: {prod: {platform: prod.yaml, namespace: ml}}\n"
    given = {"mlproject.yaml": HEAD + text + environment, "prod.yaml": platform, **files}
    if aliases:
        given["mlproject.lock"] = locked(*aliases)
    tree = Memory(given)
    outcome = analyse(tree, "mlproject.yaml", registry.installed())
    found = outcome.environments[0]
    assert found.ready, "\n".join(f"{item.code} {item.span} {item.message}" for item in found.findings)
    made = build.build(found, registry.installed(), folder="manifests/prod", files=tree)
    assert made.ready, "\n".join(f"{item.code} {item.span} {item.message}" for item in made.findings)
    return made


def objects(text: str, platform: str = PLAIN, *aliases: str, **files: str) -> dict[str, Any]:
    """The objects of that environment by `Kind/name`, as they are written; `NAME-*` for a name that has a digest."""
    made = built(text, platform, *aliases, **files)
    found: dict[str, Any] = {}
    for path, data in made.files.items():
        file = path.rpartition("/")[2]
        if path.startswith("kubernetes/") and path.count("/") == 1 and file != "kustomization.yaml":
            body = yaml.safe_load(data)
            name = str(body["metadata"]["name"])
            stem = file.removeprefix(f"{body['kind'].lower()}-").removesuffix(".yaml")
            found[f"{body['kind']}/{stem if stem == name else stem + '-*'}"] = body
    return found


def codes(text: str, platform: str = PLAIN, *aliases: str, **files: str) -> set[str]:
    """The codes of what stands against that environment."""
    environment = "environments: {prod: {platform: prod.yaml, namespace: ml}}\n"
    given = {"mlproject.yaml": HEAD + text + environment, "prod.yaml": platform, **files}
    if aliases:
        given["mlproject.lock"] = locked(*aliases)
    tree = Memory(given)
    found = analyse(tree, "mlproject.yaml", registry.installed()).environments[0]
    items = list(found.findings)
    if found.ready:
        items += build.build(found, registry.installed(), folder="manifests/prod", files=tree).findings
    return {f"{item.code} {item.at.path[-1]}" for item in items if item.severity == "error"}


def pod(body: dict[str, Any]) -> Any:
    """The spec of an object's pods."""
    return body["spec"]["template"]["spec"]


def container(body: dict[str, Any]) -> Any:
    """Its main container."""
    return next(one for one in pod(body)["containers"] if one["name"] == "main")


def env(box: dict[str, Any]) -> dict[str, Any]:
    """A container's variables: texts, or `secret/key`."""
    found = {}
    for entry in box["env"]:
        ref = entry.get("valueFrom", {}).get("secretKeyRef")
        found[entry["name"]] = f"{ref['name']}/{ref['key']}" if ref else entry.get("value")
    return found
