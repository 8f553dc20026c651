"""Namespaces as Profiles: what ops say of a namespace, once, as Kubeflow's own parts would have written it."""

from __future__ import annotations

import pytest
from tests.unit.targets.kubeflow import tenants
from tests.unit.targets.kubeflow.tenants import OWNED, PLATFORM, files, kinds, objects
from tests.unit.targets.kubernetes import environments

from mlwright_kubeflow.profiles import binding

STEP = "defaults: {steps: {image: demo:1}}\nsteps: {a: {command: [python, a.py]}}\n"
FULL = """\
namespaces:
  ml:
    owner: ann@example.com
    contributors: {Bob.B+x@Example.com: edit, carl@example.com: view, ann@example.com: admin, dora: admin}
    quota: {hard: {cpu: 20, requests.nvidia.com/gpu: "2"}}
    limits: {default: {memory: 1Gi}}
"""


def test_the_profile_is_the_namespace_with_its_owner_and_quota_and_comes_first() -> None:
    profile = objects(STEP, PLATFORM + FULL)["Profile/ml"]
    assert profile["apiVersion"] == "kubeflow.org/v1" and "namespace" not in profile["metadata"]
    assert profile["spec"] == {
        "owner": {"kind": "User", "name": "ann@example.com"},
        "resourceQuotaSpec": {"hard": {"cpu": "20", "requests.nvidia.com/gpu": "2"}},
    }
    assert profile["metadata"]["annotations"] == {
        "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
        "argocd.argoproj.io/sync-wave": "-30",
    }, "with a Profile goes everything in its namespace"


def test_quota_and_roles_are_written_once_and_a_container_s_limits_still() -> None:
    found = objects(STEP, PLATFORM + FULL)
    assert kinds(found, "Namespace", "ResourceQuota") == []
    assert kinds(found, "LimitRange") == ["LimitRange/demo"]
    people = [
        key for key in kinds(found, "RoleBinding") if "clusterrole" in key or key.endswith(("/demo-edit", "-view"))
    ]
    assert people == [
        "RoleBinding/user-bob-b-x-example-com-clusterrole-edit",
        "RoleBinding/user-carl-example-com-clusterrole-view",
        "RoleBinding/user-dora-clusterrole-admin",
    ], "the owner is let in by the Profile's controller"


def test_a_contributor_is_what_the_dashboard_would_have_written() -> None:
    found = objects(STEP, PLATFORM + FULL)
    name = "user-bob-b-x-example-com-clusterrole-edit"
    role, way = found[f"RoleBinding/{name}"], found[f"AuthorizationPolicy/{name}"]
    for body in (role, way):
        assert body["metadata"]["namespace"] == "ml"
        assert {key: body["metadata"]["annotations"][key] for key in ("user", "role")} == {
            "user": "Bob.B+x@Example.com",
            "role": "edit",
        }
    user = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "Bob.B+x@Example.com"}
    assert role["subjects"] == [user]
    assert role["roleRef"] == {"apiGroup": user["apiGroup"], "kind": "ClusterRole", "name": "kubeflow-edit"}
    assert way["spec"] == {
        "rules": [
            {
                "from": [
                    {
                        "source": {
                            "principals": [
                                "cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account",
                                "cluster.local/ns/kubeflow/sa/ml-pipeline-ui",
                            ]
                        }
                    }
                ],
                "when": [{"key": "request.headers[kubeflow-userid]", "values": ["Bob.B+x@Example.com"]}],
            }
        ]
    }


@pytest.mark.parametrize(
    ("person", "role", "name"),
    [
        ("ann@example.com", "edit", "user-ann-example-com-clusterrole-edit"),
        ("Ann.Lee@Example.com", "view", "user-ann-lee-example-com-clusterrole-view"),
        ("a..b+c@x", "admin", "user-a-b-c-x-clusterrole-admin"),
        ("élise@x", "edit", "user-lise-x-clusterrole-edit"),
        ("ann@", "edit", "user-ann-clusterrole-edit"),
    ],
)
def test_names_of_contributors_are_kubeflow_s(person: str, role: str, name: str) -> None:
    assert binding(person, role) == name


def test_without_a_mesh_a_contributor_is_a_role_alone() -> None:
    found = objects(STEP, PLATFORM.replace('istio: "1.30"\n', "") + FULL)
    assert kinds(found, "AuthorizationPolicy") == [] and len(kinds(found, "RoleBinding")) >= 3


def test_two_projects_of_one_namespace_write_the_same_words() -> None:
    def shared(name: str) -> dict[str, str]:
        made = files(STEP.replace("demo:1", f"{name}:1"), PLATFORM + FULL)
        names = ("profile", "rolebinding-user", "authorizationpolicy-user")
        return {path: data for path, data in made.items() if path.partition("/")[2].startswith(names)}

    assert len(shared("one")) == 7
    for path, data in shared("one").items():
        assert "demo" not in data and "prod" not in data, path
    assert shared("one") == shared("two")


def test_an_identity_that_is_kubeflow_s_own_account_becomes_a_plugin_and_no_account() -> None:
    cloud = (
        "identities:\n"
        '  aws: {service_account: default-editor, annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::1:role/x"}}\n'
        "  gcp: {service_account: default-editor, annotations: {iam.gke.io/gcp-service-account: x@p.example.com}}\n"
    )
    text = STEP.replace("command:", "identity: aws, command:")
    found = objects(text, PLATFORM + OWNED + cloud)
    assert found["Profile/ml"]["spec"]["plugins"] == [
        {"kind": "AwsIamForServiceAccount", "spec": {"awsIamRole": "arn:aws:iam::1:role/x", "annotateOnly": True}},
        {"kind": "WorkloadIdentity", "spec": {"gcpServiceAccount": "x@p.example.com"}},
    ]
    assert "ServiceAccount/default-editor" not in found
    other = objects(text, PLATFORM + OWNED + cloud.replace("default-editor", "reader"))
    assert "plugins" not in other["Profile/ml"]["spec"] and "ServiceAccount/reader" in other


def test_what_networks_let_in_the_profile_s_policy_does_not_keep_out() -> None:
    found = objects(STEP, PLATFORM + OWNED)
    body = found["AuthorizationPolicy/demo-mlflow"]
    assert body["spec"]["action"] == "ALLOW"
    assert body["spec"]["rules"] == [{"to": [{"operation": {"ports": ["5000"]}}]}]
    pods = found["Deployment/demo-mlflow"]["spec"]["template"]["metadata"]["labels"]
    assert body["spec"]["selector"]["matchLabels"].items() <= pods.items()
    plain = objects(STEP, PLATFORM.replace(', profiles: "2.0"', "") + OWNED)
    assert kinds(plain, "AuthorizationPolicy", "Profile", "PodDefault") == []


@pytest.mark.parametrize(
    ("platform", "code"),
    [
        ("namespaces: {ml: {quota: {hard: {cpu: 1}}}}", "PLAT012"),
        ("namespaces: {ml: {owner: a@x, contributors: {b.c@x: edit, b-c@x: edit}}}", "PLAT013"),
        ("namespaces: {ml: {owner: a@x, contributors: {b.c@x: edit, b-c@x: view}}}", ""),
        ("namespaces: {other: {quota: {hard: {cpu: 1}}}}", ""),
    ],
)
def test_a_namespace_of_nobody_and_two_people_of_one_name_are_refused(platform: str, code: str) -> None:
    codes = environments.codes(STEP, f"{PLATFORM}{platform}\n")
    assert {found.partition(" ")[0] for found in codes} == ({code} if code else set())


def test_the_application_waits_for_the_controller_that_makes_the_namespace() -> None:
    text = STEP + "gitops: {repo: https://git.example.com/x.git, revision: main, path: manifests}\n"
    made = files(text, PLATFORM + OWNED)
    (application,) = (data for path, data in made.items() if path.startswith("argo/cd/application-"))
    assert "SkipDryRunOnMissingResource=true" in application and "limit: 5" in application
    assert "CreateNamespace" not in application
    (project,) = (data for path, data in made.items() if path.startswith("argo/cd/appproject-"))
    assert "clusterResourceWhitelist:\n    - group: kubeflow.org\n      kind: Profile\n" in project


@pytest.mark.parametrize(("labels", "told"), [("labels: {team: x}, ", ["labels"]), ("", [])])
def test_labels_that_the_controller_does_not_set_are_told(labels: str, told: list[str]) -> None:
    platform = f"{PLATFORM}namespaces: {{ml: {{{labels}owner: a@x}}}}\n"
    assert tenants.told(STEP, platform, "PLAT014") == told
