"""Environments on platforms with Kubeflow's Profiles: what the tests of notebooks and namespaces start from."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from tests.unit.passes.understood import HEAD
from tests.unit.targets.kubernetes import environments

from mlwright import registry
from mlwright.analysis import analyse
from mlwright.source.files import Memory

PLATFORM = """\
apiVersion: mlwright.dev/v1
kind: Platform
orchestrator: argo
kubernetes: "1.36"
argo_workflows: "4.1"
argo_cd: "3.5"
istio: "1.30"
kubeflow: {pipelines: "2.17", notebooks: "1.11", profiles: "2.0", dashboard: "2.0"}
images: {tools: registry.example.com/tools:1}
"""
OWNED = "namespaces: {ml: {owner: ann@example.com}}\n"
WORKSPACES = "workspaces: {kind: jupyterlab, image: scipy, pod: small, placements: {gpu: big}}\n"


def second(platform: str) -> str:
    """The same platform with version 2 of Notebooks."""
    return platform.replace('notebooks: "1.11"', 'notebooks: "2.0"') + WORKSPACES


def files(text: str, platform: str = PLATFORM + OWNED, *aliases: str) -> dict[str, str]:
    """The environment's files by path."""
    made = environments.built(text, platform, *aliases)
    return {path: data.decode() if isinstance(data, bytes) else data for path, data in made.files.items()}


def objects(text: str, platform: str = PLATFORM + OWNED, *aliases: str) -> dict[str, Any]:
    """The objects of every target that `kustomization.yaml` lists, by `Kind/name`; no name is there twice."""
    made = files(text, platform, *aliases)
    found: dict[str, Any] = {}
    for target in yaml.safe_load(made["kustomization.yaml"])["resources"]:
        for path in yaml.safe_load(made[f"{target}/kustomization.yaml"])["resources"]:
            body = yaml.safe_load(made[f"{target}/{path}"])
            key = f"{body['kind']}/{body['metadata']['name']}"
            assert key not in found, key
            found[key] = body
    return found


def told(text: str, platform: str, code: str) -> list[Any]:
    """Where the findings of a code are, by the last part of their paths."""
    environment = "environments: {prod: {platform: prod.yaml, namespace: ml}}\n"
    tree = Memory({"mlproject.yaml": HEAD + text + environment, "prod.yaml": platform})
    found = analyse(tree, "mlproject.yaml", registry.installed()).environments[0].findings
    return [item.at.path[-1] for item in found if item.code == code]


def kinds(found: dict[str, Any], *wanted: str) -> list[str]:
    """The names of the objects of some kinds, with them."""
    return sorted(key for key in found if key.partition("/")[0] in wanted)


def admitted(labels: Mapping[str, str], pod: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """The pod as Kubeflow's webhook leaves it: what PodDefaults contradict is refused. Raises ValueError."""
    made = copy.deepcopy(pod)
    chosen = [
        found[key]["spec"]
        for key in kinds(found, "PodDefault")
        if found[key]["spec"]["selector"]["matchLabels"].items() <= labels.items()
    ]
    for one in chosen:
        made["volumes"] = merged(made.get("volumes", []), one.get("volumes", []), "name")
        for box in made["containers"]:
            box["env"] = merged(box.get("env", []), one.get("env", []), "name")
            mounts = merged(box.get("volumeMounts", []), one.get("volumeMounts", []), "name")
            box["volumeMounts"] = merged(mounts, one.get("volumeMounts", []), "mountPath")
    return made


def merged(there: list[Any], more: Iterable[Any], key: str) -> list[Any]:
    known = {entry[key]: entry for entry in there}
    for entry in more:
        if known.setdefault(entry[key], entry) != entry:
            raise ValueError(f"{entry} is not {known[entry[key]]}")
    return list(known.values())
