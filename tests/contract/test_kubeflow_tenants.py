"""Notebooks, Workspaces, Profiles and PodDefaults of generated environments, held strictly to the cluster's schemas.

MLWRIGHT_CRDS names a folder with the CRD files of Kubeflow and Istio.
"""

from __future__ import annotations

import itertools
import os
from functools import cache

import pytest
from tests.unit.passes.understood import HEAD
from tests.unit.targets.kubeflow.tenants import OWNED, PLATFORM, second

from mlwright import build, registry
from mlwright.analysis import analyse
from mlwright.source.files import Memory
from mlwright.verify import schemas

CRDS = os.environ.get("MLWRIGHT_CRDS", "")
pytestmark = pytest.mark.skipif(not CRDS, reason="MLWRIGHT_CRDS names no folder with CRD files")

FIELDS = (
    ("", "image: acme/x:1", "image: acme/x:1, command: 'exec jupyter lab'"),
    ("", "resources: {cpu: 500m, memory: 2Gi, gpu: {count: 2, model: a100}}, placement: gpu"),
    ("", "mounts: {/home: {disk: 20Gi}, /fast: {memory: 1Gi}, /tmp/x: {disk: 1Gi}, /in: '${data.table}'}"),
    ("", "env: {A: b, T: '${secrets.hub.T}'}, annotations: {a: b}, labels: {team: x}"),
)
BOOKS = [", ".join(field for field in fields if field) for fields in itertools.product(*FIELDS)]
NAMESPACES = (
    OWNED,
    "namespaces: {ml: {owner: a@x, contributors: {b@x: edit, c@x: view, d@x: admin}, quota: {hard: {cpu: 1.5}}}}\n",
)
MORE = "gpus: {a100: {}}\nplacements: {gpu: {selector: {pool: a}, tolerations: [{key: k, effect: NoSchedule}]}}\n"
CLOUD = "identities: {x: {service_account: default-editor, annotations: {eks.amazonaws.com/role-arn: arn}}}\n"


@cache
def definitions() -> schemas.Definitions:
    return schemas.definitions(CRDS)


def complaints(text: str, platform: str) -> list[str]:
    """What stands against the environment's objects."""
    environment = "environments: {prod: {platform: prod.yaml, namespace: ml}}\n"
    spec = f"{HEAD}secrets: {{hub: {{keys: [T]}}}}\ndata: {{table: {{source: table.csv}}}}\n{text}{environment}"
    tree = Memory({"mlproject.yaml": spec, "prod.yaml": platform, "table.csv": "a,b\n"})
    found = analyse(tree, "mlproject.yaml", registry.installed()).environments[0]
    assert found.ready, [item.message for item in found.findings]
    made = build.build(found, registry.installed(), folder="manifests/prod", files=tree, crds=definitions())
    return [f"{item.code} {item.message}" for item in made.findings if item.code.startswith("VER")]


@pytest.mark.parametrize("namespace", NAMESPACES, ids=["owned", "shared"])
@pytest.mark.parametrize("version", [1, 2])
def test_every_combination_of_fields_is_accepted(version: int, namespace: str) -> None:
    books = "\n".join(f"  n{position}: {{{book}}}" for position, book in enumerate(BOOKS))
    platform = PLATFORM + namespace + MORE + CLOUD
    assert complaints(f"notebooks:\n{books}\n", platform if version == 1 else second(platform)) == []


@pytest.mark.parametrize(
    ("kind", "node", "change", "said"),
    [
        ("Notebook", "notebooks.n", "spec: {template: {spec: {hostNetworks: true}}}", "hostNetworks"),
        ("Notebook", "notebooks.n", "spec: {template: {metadata: {labels: {a: b}}}}", "metadata"),
        ("MlflowPodDefault", "cluster", "spec: {sidecar: []}", "sidecar"),
        ("PipelinesPodDefault", "cluster", "spec: {env: [{name: A, values: b}]}", "values"),
        ("Profile", "namespace", "spec: {resourceQuotaSpec: {soft: {cpu: 1}}}", "soft"),
        ("AuthorizationPolicy", "namespace", "spec: {action: ALLOWED}", "ALLOWED"),
        ("RoleBinding", "namespace", "subjects: [{name: x}]", "kind"),
    ],
)
def test_a_slip_in_a_patch_is_told(kind: str, node: str, change: str, said: str) -> None:
    patch = f"patches: {{p: {{why: a test, on: {{node: {node}, kind: {kind}}}, merge: {{{change}}}, all: true}}}}\n"
    platform = PLATFORM + NAMESPACES[1]
    assert complaints("notebooks: {n: {}}\n", platform) == []
    assert any(said in item for item in complaints("notebooks: {n: {}}\n" + patch, platform))


def test_a_slip_in_a_workspace_is_told() -> None:
    change = "spec: {podTemplate: {options: {podConfigs: x}}}"
    patch = f"patches: {{p: {{why: a test, on: {{node: notebooks.n, kind: Workspace}}, merge: {{{change}}}}}}}\n"
    assert any("podConfigs" in item for item in complaints("notebooks: {n: {}}\n" + patch, second(PLATFORM + OWNED)))
