"""Namespaces and notebooks of Kubeflow on a real API server: its controllers cannot be here, so the test does their
part as their sources do it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.kubernetes import crds
from tests.e2e.kubernetes.applied import Output, checked, drift, intent, output
from tests.e2e.kubernetes.plane import Plane
from tests.e2e.programs import Missing
from tests.unit.targets.kubeflow.tenants import PLATFORM, admitted, second

from mlwright import api

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(900)]

Json = dict[str, Any]
SPEC = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: demo, owners: [ann@example.com]}
secrets: {hub: {keys: [TOKEN]}}
data: {table: {source: table.csv}}
storage: {shared: {type: volume, size: 1Gi}}
tracking: {server: {type: external, url: "https://mlflow.example.com"}}
notebooks:
  explore:
    env: {A: "$(B) c", TOKEN: "${secrets.hub.TOKEN}"}
    mounts: {/home/jovyan: {disk: 1Gi}, /in: "${data.table}", /fast: {memory: 1Gi}, /shared: "${storage.shared}"}
environments:
  one: {platform: one.yaml, namespace: team-one}
  two: {platform: two.yaml, namespace: team-two}
"""
NAMESPACES = """\
namespaces:
  NAME:
    owner: ann@example.com
    contributors: {bob@example.com: edit, carl@example.com: view}
    quota: {hard: {cpu: "20"}}
    limits: {default: {memory: 1Gi}}
"""
ROLES = {"kubeflow-edit": ["create", "get"], "kubeflow-view": ["get"]}
PREFIX = "/notebook/{namespace}/{name}"


@pytest.fixture(scope="module", params=["one", "two"])
def sent(request: pytest.FixtureRequest, plane: Plane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Output]:
    """An environment with Profiles, applied as Kubeflow leaves it: the namespace and its accounts are there."""
    folder = tmp_path_factory.mktemp("tenants")
    (folder / "mlproject.yaml").write_text(SPEC)
    (folder / "table.csv").write_text("a,b\n")
    (folder / "one.yaml").write_text(PLATFORM + NAMESPACES.replace("NAME", "team-one"))
    (folder / "two.yaml").write_text(second(PLATFORM) + NAMESPACES.replace("NAME", "team-two"))
    result = api.compile([str(folder / "mlproject.yaml")], envs=[str(request.param)])
    assert not result.failed, result.diagnostics
    found = output(plane, Path(folder, "manifests", str(request.param)))
    try:
        kinds = {(each["apiVersion"].rpartition("/")[0], each["kind"]) for each in found.documents}
        crds.installed(plane, *crds.names(kinds))
    except Missing as problem:
        pytest.fail(str(problem), pytrace=False)
    profile = next(each for each in found.documents if each["kind"] == "Profile")
    space = profile["metadata"]["name"]
    plane.namespace(space)
    for name in ("default-editor", "default-viewer"):
        plane.ask("POST", f"/api/v1/namespaces/{space}/serviceaccounts", {"metadata": {"name": name}})
    for name, verbs in ROLES.items():
        rules = [{"apiGroups": ["kubeflow.org"], "resources": ["notebooks"], "verbs": verbs}]
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}}
        plane.kubectl("apply", "-f", "-", stdin=json.dumps({**role, "rules": rules}))
    found.apply()
    yield found
    plane.kubectl("delete", "namespace", space)
    plane.kubectl("delete", "profile", space)


def space(sent: Output) -> str:
    return str(next(each for each in sent.documents if each["kind"] == "Profile")["metadata"]["name"])


def of_kind(sent: Output, kind: str) -> list[Json]:
    return [each for each in sent.documents if each["kind"] == kind]


def test_everything_is_accepted_stays_as_it_was_sent_and_a_second_time_changes_nothing(sent: Output) -> None:
    before = sent.live()
    assert "serverside-applied" in sent.apply()
    assert {place: intent(found) for place, found in sent.live().items()} == {
        place: intent(found) for place, found in before.items()
    }
    custom = [each for each in sent.documents if "kubeflow.org" in each["apiVersion"] or "istio" in each["apiVersion"]]
    assert {each["kind"] for each in custom} >= {"Profile", "PodDefault", "AuthorizationPolicy"}
    assert not [found for each in custom for found in drift(each, sent.plane.ask("GET", sent.place(each)))]


@pytest.mark.parametrize(
    ("person", "verb", "may"),
    [
        ("bob@example.com", "create", True),
        ("bob@example.com", "get", True),
        ("carl@example.com", "get", True),
        ("carl@example.com", "create", False),
        ("dora@example.com", "get", False),
        ("bob-example-com", "get", False),
    ],
)
def test_contributors_may_do_what_their_role_says(sent: Output, person: str, verb: str, may: bool) -> None:
    words = ("auth", "can-i", verb, "notebooks.kubeflow.org", "-n", space(sent), "--as", person)
    done = sent.plane.kubectl(*words, check=False)
    assert done.stdout.strip() == ("yes" if may else "no"), done.stderr
    elsewhere = sent.plane.kubectl(*words[:4], "-n", "default", "--as", person, check=False)
    assert elsewhere.stdout.strip() == "no"


def test_the_pod_that_the_controllers_make_is_admitted_and_has_all_of_it(sent: Output) -> None:
    labels, spec = made(sent)
    found = {f"{each['kind']}/{each['metadata']['name']}": each for each in sent.documents}
    pod = admitted(labels, spec, found)
    box = pod["containers"][0]
    assert {entry["name"] for entry in box["env"]} >= {
        "A",
        "TOKEN",
        "MLFLOW_TRACKING_URI",
        "KF_PIPELINES_SA_TOKEN_PATH",
    }
    places = {mount["mountPath"] for mount in box["volumeMounts"]}
    assert places >= {"/home/jovyan", "/in", "/fast", "/shared", "/var/run/secrets/kubeflow/pipelines"}
    metadata = {"name": "check", "namespace": space(sent), "labels": labels}
    whole = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod}
    assert checked(sent.plane, whole) == []
    sent.plane.ask("POST", f"/api/v1/namespaces/{space(sent)}/pods", whole)
    (policy,) = [each for each in of_kind(sent, "NetworkPolicy") if each["metadata"]["name"] == "demo-notebook"]
    selector = ",".join(f"{key}={value}" for key, value in policy["spec"]["podSelector"]["matchLabels"].items())
    names = sent.plane.kubectl("get", "pods", "-n", space(sent), "-l", selector, "-o", "name").stdout
    assert names.split() == ["pod/check"]


def made(sent: Output) -> tuple[Json, Json]:
    """Labels and spec of the pod: as the Notebook's controller makes it, or the Workspace's with a restricted kind."""
    if found := of_kind(sent, "Notebook"):
        (book,) = found
        name = book["metadata"]["name"]
        spec = book["spec"]["template"]["spec"]
        box = spec["containers"][0]
        assert box["name"] == name and box["workingDir"] and box["ports"]
        prefix = {"name": "NB_PREFIX", "value": PREFIX.format(namespace=space(sent), name=name)}
        box = {**box, "env": [*box["env"], prefix]}
        return {"statefulset": name, "notebook-name": name, **book["metadata"]["labels"]}, {**spec, "containers": [box]}
    (book,) = of_kind(sent, "Workspace")
    template = book["spec"]["podTemplate"]
    disks = [
        {"pvcName": template["volumes"]["home"], "mountPath": "/home/jovyan", "readOnly": False},
        *template["volumes"]["data"],
    ]
    box = {
        "name": "main",
        "image": "scipy",
        "resources": {"requests": {"cpu": "1"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": f"d{at}", "mountPath": disk["mountPath"]} for at, disk in enumerate(disks)],
    }
    volumes = [
        {"name": f"d{at}", "persistentVolumeClaim": {"claimName": disk["pvcName"]}} for at, disk in enumerate(disks)
    ]
    user = {"runAsNonRoot": True, "runAsUser": 1000, "fsGroup": 100, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {
        "serviceAccountName": "default-editor",
        "securityContext": user,
        "containers": [box],
        "volumes": volumes,
    }
    return template["podMetadata"]["labels"], spec
