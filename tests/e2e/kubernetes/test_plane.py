"""The control plane refuses what a cluster refuses, and what the tests of output go by notices what they look for."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.e2e.kubernetes import crds
from tests.e2e.kubernetes.applied import Output, checked, drift, intent, output
from tests.e2e.kubernetes.plane import Plane
from tests.e2e.programs import Missing

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

SPACE = "plane"
POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"generateName": "check-", "namespace": SPACE},
    "spec": {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "main",
                "image": "image:1",
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
    },
}
CONFIG: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "namespace": SPACE}}


@pytest.fixture(scope="module", autouse=True)
def space(plane: Plane) -> None:
    plane.namespace(SPACE)


def written(plane: Plane, folder: Path, *documents: dict[str, Any]) -> Output:
    (folder / "all.yaml").write_text(yaml.safe_dump_all(documents))
    (folder / "kustomization.yaml").write_text("resources: [all.yaml]\n")
    return output(plane, folder)


def changed(path: str, value: Any) -> dict[str, Any]:
    pod = copy.deepcopy(POD)
    place: Any = pod
    *way, last = path.split("/")
    for key in way:
        place = place[int(key)] if key.isdigit() else place.setdefault(key, {})
    place[last] = value
    return pod


def test_a_restricted_pod_is_admitted(plane: Plane) -> None:
    assert checked(plane, POD) == []


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("spec/securityContext/runAsUser", 0, 'violates PodSecurity "restricted:latest": runAsUser=0'),
        ("spec/securityContext/seccompProfile", None, "seccompProfile"),
        ("spec/containers/0/securityContext/capabilities", None, "unrestricted capabilities"),
        ("spec/hostNetwork", True, "host namespaces"),
        ("spec/volumes", [{"name": "host", "hostPath": {"path": "/"}}], "hostPath"),
        ("spec/serviceAccountName", "nobody", 'serviceaccount "nobody" not found'),
        ("spec/priorityClassName", "urgent", "no PriorityClass with name urgent"),
        ("spec/containers/0/imagePolicy", "Always", 'unknown field "spec.containers[0].imagePolicy"'),
        ("spec/containers/0/image", "", "image: Required value"),
    ],
)
def test_a_pod_is_refused_with_the_reason(plane: Plane, path: str, value: Any, why: str) -> None:
    (said,) = checked(plane, changed(path, value))
    assert why in said


def test_a_custom_resource_is_refused_by_its_definition(plane: Plane) -> None:
    crds.installed(plane, *crds.names({("kueue.x-k8s.io", "LocalQueue")}))
    queue = {
        "apiVersion": "kueue.x-k8s.io/v1beta2",
        "kind": "LocalQueue",
        "metadata": {"name": "q", "namespace": SPACE},
    }
    assert checked(plane, {**queue, "spec": {"clusterQueue": "main"}}) == []
    assert "spec.queue" in checked(plane, {**queue, "spec": {"queue": "main"}})[0]


def test_a_definition_that_is_nowhere_is_named(plane: Plane) -> None:
    with pytest.raises(Missing, match="no folder of MLWRIGHT_CRDS has a definition of things"):
        crds.installed(plane, "things.example.com")


def test_a_warning_is_as_bad_as_a_refusal(plane: Plane, tmp_path: Path) -> None:
    job: dict[str, Any] = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "rootish", "namespace": SPACE}}
    bad = changed("spec/hostNetwork", True)["spec"] | {"restartPolicy": "Never"}
    plane.ask(
        "PATCH",
        f"/api/v1/namespaces/{SPACE}",
        {"metadata": {"labels": {"pod-security.kubernetes.io/warn": "restricted"}}},
        "application/merge-patch+json",
    )
    with pytest.raises(AssertionError, match="Warning: would violate PodSecurity"):
        written(plane, tmp_path, {**job, "spec": {"template": {"spec": bad}}}).apply("--dry-run=server")


def test_pods_are_found_in_templates_in_plans_and_in_workflows(plane: Plane, tmp_path: Path) -> None:
    template = {"metadata": {"labels": {"app": "a"}}, "spec": {**POD["spec"], "restartPolicy": "Never"}}
    job: dict[str, Any] = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job", "namespace": SPACE}}
    job |= {"spec": {"template": template}}
    plan: dict[str, Any] = {
        **CONFIG,
        "data": {"plan.json": json.dumps({"objects": [{"manifest": job}]}), "notes": "a: [b"},
    }
    flow: dict[str, Any] = {"apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTemplate"}
    flow |= {"metadata": {"name": "flow", "namespace": SPACE}}
    flow |= {
        "spec": {
            "serviceAccountName": "runner",
            "templates": [{"name": "a", "container": {"image": "b:1"}}, {"dag": {}}],
        }
    }
    found = list(written(plane, tmp_path, job, plan, flow).pods())
    assert sorted(origin for origin, _ in found) == ["ConfigMap/held", "Job/job", "WorkflowTemplate/flow"]
    (workflow,) = [pod for origin, pod in found if origin == "WorkflowTemplate/flow"]
    assert workflow["spec"]["serviceAccountName"] == "runner"
    assert workflow["spec"]["containers"] == [{"name": "main", "image": "b:1"}]


def test_what_the_server_writes_otherwise_adds_or_drops_is_told() -> None:
    sent = {"metadata": {"name": "a"}, "spec": {"cpu": "1000m", "ports": [{"port": 80}], "none": None, "same": [1]}}
    live = {
        "metadata": {"name": "a", "uid": "1"},
        "spec": {"cpu": "1", "ports": [{"port": 80, "protocol": "TCP"}], "same": [1]},
    }
    assert list(drift(sent, {**live, "status": {}})) == [
        ("spec.cpu", '~ "1000m" -> "1"'),
        ("spec.ports[].protocol", '+ "TCP"'),
        ("spec.none", "- null"),
    ]
    assert list(drift([1], [1, 2], "spec.list")) == [("spec.list", "~ [1] -> [1, 2]")]


def test_a_change_by_somebody_else_is_seen_and_a_report_is_not(plane: Plane, tmp_path: Path) -> None:
    made = written(plane, tmp_path, {**CONFIG, "data": {"a": "1"}})
    made.apply()
    before = made.live()
    plane.kubectl("-n", SPACE, "patch", "configmap", "held", "-p", '{"data": {"b": "2"}}')
    (was,), (is_now,) = before.values(), made.live().values()
    assert intent(was) != intent(is_now)
    assert intent(was) == intent({**was, "status": {"phase": "new"}})
