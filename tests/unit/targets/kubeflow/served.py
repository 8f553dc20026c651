"""One environment with KServe, from text to objects: what the tests of endpoints and routes start from."""

from __future__ import annotations

from typing import Any

import yaml
from tests.unit.passes.understood import HEAD
from tests.unit.targets.kubernetes.environments import TRAINED, locked

from mlwright import build, registry
from mlwright.analysis import Analysis, analyse
from mlwright.source.files import Memory

KSERVE = """\
apiVersion: mlwright.dev/v1
kind: Platform
orchestrator: argo
kubernetes: "1.36"
argo_workflows: "4.1"
kubeflow: {kserve: "0.20"}
pod_security: baseline
"""
KNATIVE = f'{KSERVE}knative: "1.23"\nkserve: {{mode: knative}}\n'
FULL = f"""\
{KSERVE}
argo_cd: "3.5"
istio: "1.30"
gateway_api: "1.6"
keda: "2.20"
prometheus_operator: "0.93"
gateway: {{name: public, namespace: gateways, section: https}}
auth_proxy: {{issuer: "https://login.example.com/realms/ml", secret: oauth2-proxy}}
network: {{allow_from: [gateways]}}
monitoring: {{address: "http://prometheus.monitoring:9090"}}
"""
INGRESS = f"{KSERVE}ingress: {{class: nginx}}\n"
LOCKED = TRAINED + 'serving: {online: {model: "${registry.m@champion}"%s}}\n'
"""An endpoint that serves what the lock has, with room for more fields."""
DIRECT = 'serving: {scores: {model: "s3://acme/scores", format: xgboost%s}}\n'
"""An endpoint whose model a server of KServe's own loads."""
TWO = ', variants: {next: {model: "${registry.m@challenger}", traffic: 10}}'


def version(platform: str, release: str) -> str:
    """The platform with another release of KServe."""
    return platform.replace('kserve: "0.20"', f'kserve: "{release}"')


def analysed(text: str, platform: str = KSERVE, *aliases: str, lock: str = "", **files: str) -> tuple[Analysis, Memory]:
    """The environment `prod` of a project with the sections of `text`, on `platform`, and its files."""
    environment = "environments: {prod: {platform: prod.yaml, namespace: ml}}\n"
    given = {"mlproject.yaml": HEAD + text + environment, "prod.yaml": platform, **files}
    if lock or aliases:
        given["mlproject.lock"] = lock or locked(*aliases)
    tree = Memory(given)
    return analyse(tree, "mlproject.yaml", registry.installed()).environments[0], tree


def built(text: str, platform: str = KSERVE, *aliases: str, lock: str = "", **files: str) -> build.Built:
    """Its output, which nothing stands against."""
    found, tree = analysed(text, platform, *aliases, lock=lock, **files)
    assert found.ready, "\n".join(f"{item.code} {item.span} {item.message}" for item in found.findings)
    made = build.build(found, registry.installed(), folder="manifests/prod", files=tree)
    wrong = [f"{item.code} {item.message}" for item in made.findings if item.code.startswith("VER")]
    assert made.ready, "\n".join(f"{item.code} {item.message}" for item in made.findings)
    assert wrong == []
    return made


def objects(
    text: str, platform: str = KSERVE, *aliases: str, target: str = "kubeflow", lock: str = "", **files: str
) -> dict[str, Any]:
    """The objects of a target by `Kind/name`, as they are written; `NAME-*` for a name that has a digest."""
    found: dict[str, Any] = {}
    for path, data in built(text, platform, *aliases, lock=lock, **files).files.items():
        file = path.rpartition("/")[2]
        if path.startswith(f"{target}/") and path.count("/") == 1 and file.endswith(".yaml") and "kustom" not in file:
            body = yaml.safe_load(data)
            name = str(body["metadata"]["name"])
            stem = file.removeprefix(f"{body['kind'].lower()}-").removesuffix(".yaml")
            found[f"{body['kind']}/{stem if stem == name else stem + '-*'}"] = body
    return found


def codes(text: str, platform: str = KSERVE, *aliases: str, **files: str) -> set[str]:
    """The codes of what stands against that environment, with the last part of the place."""
    found, _ = analysed(text, platform, *aliases, **files)
    return {f"{item.code} {item.at.path[-1]}" for item in found.findings if item.severity != "note"}


def predictor(found: dict[str, Any], name: str = "demo-online") -> Any:
    """The predictor of an InferenceService."""
    return found[f"InferenceService/{name}"]["spec"]["predictor"]


def container(part: dict[str, Any]) -> Any:
    """The container of a part of an InferenceService."""
    (box,) = part["containers"]
    return box
