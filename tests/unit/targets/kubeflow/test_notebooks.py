"""Notebooks of Kubeflow: what its controller, its webhook and its gateway go by, in version 1 and 2."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.targets.kubeflow import tenants
from tests.unit.targets.kubeflow.tenants import OWNED, PLATFORM, admitted, files, kinds, objects, second
from tests.unit.targets.kubernetes import environments

BOOK = """\
secrets: {hub: {keys: [TOKEN]}}
storage: {shared: {type: volume, size: 5Gi, mode: ReadWriteMany}}
notebooks:
  explore:
    image: acme/notebook:1
    resources: {cpu: 2, memory: 8Gi, gpu: 1}
    env: {A: "$(HOME) b", TOKEN: "${secrets.hub.TOKEN}"}
    mounts: {/home/jovyan: {disk: 20Gi}, /fast: {memory: 1Gi}, /shared: "${storage.shared}"}
"""
BESIDE = (
    "tracking: {auth: {type: basic, admin: users, secret: users}}\nsecrets: {users: {keys: [username, password]}}\n"
)
PLACED = "placements: {gpu: {selector: {pool: gpu}, tolerations: [{key: gpu}]}}\n"


def spec(body: dict[str, Any]) -> Any:
    return body["spec"]["template"]["spec"]


def variables(pod: dict[str, Any]) -> dict[str, Any]:
    return environments.env(pod["containers"][0])


def test_the_controller_finds_the_container_and_its_port_where_it_looks() -> None:
    book = objects(BOOK)["Notebook/demo-explore"]
    (box,) = spec(book)["containers"]
    assert book["apiVersion"] == "kubeflow.org/v1" and box["name"] == "demo-explore"
    assert box["ports"][0]["containerPort"] == 8888 and box["workingDir"] == "/home/jovyan"
    assert box["image"] == "acme/notebook:1"
    assert box["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert not any(entry["name"] in ("NB_PREFIX", "JUPYTER_TOKEN") for entry in box["env"]), (
        "the gateway asks who it is"
    )
    assert kinds(objects(BOOK), "Deployment", "Service") == ["Deployment/demo-mlflow", "Service/demo-mlflow"]


def test_the_pod_is_restricted_and_its_volumes_belong_to_the_group_of_kubeflow_s_images() -> None:
    pod = spec(objects(BOOK)["Notebook/demo-explore"])
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "runAsGroup": 100,
        "fsGroup": 100,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    (box,) = pod["containers"]
    assert box["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": False,
    }
    assert (pod["serviceAccountName"], pod["automountServiceAccountToken"]) == ("default-editor", False)


def test_another_user_keeps_its_number_and_root_has_its_reason() -> None:
    own = BOOK.replace("image:", "security: {run_as_user: 2000}\n    image:")
    context = spec(objects(own)["Notebook/demo-explore"])["securityContext"]
    assert (context["runAsUser"], context["runAsGroup"], context["fsGroup"]) == (2000, 2000, 100)
    root = BOOK.replace("image:", "security: {run_as_root: {reason: apt}}\n    image:")
    book = objects(root, PLATFORM + OWNED + "pod_security: privileged\n")["Notebook/demo-explore"]
    assert spec(book)["securityContext"]["runAsUser"] == 0
    assert book["metadata"]["annotations"]["mlwright.dev/run-as-root"] == "apt"


def test_disks_are_claims_that_stay_and_the_home_is_where_programs_start() -> None:
    found = objects(BOOK)
    claim = found["PersistentVolumeClaim/demo-explore"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "20Gi"
    assert claim["metadata"]["annotations"]["argocd.argoproj.io/sync-options"] == "Prune=false"
    pod = spec(found["Notebook/demo-explore"])
    places = {mount["mountPath"]: mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert volumes[places["/home/jovyan"]]["persistentVolumeClaim"]["claimName"] == "demo-explore"
    assert volumes[places["/shared"]]["persistentVolumeClaim"]["claimName"] == "demo-shared"
    assert volumes[places["/fast"]]["emptyDir"] == {"medium": "Memory", "sizeLimit": "1Gi"}
    bare = spec(objects("notebooks: {n: {}}\n")["Notebook/demo-n"])["containers"][0]
    assert bare["workingDir"] == "/mlwright/home" and "notebook-servers" in bare["image"]


def test_variables_and_secrets_arrive_as_they_are() -> None:
    env = variables(spec(objects(BOOK)["Notebook/demo-explore"]))
    assert env["A"] == "$$(HOME) b", "Kubernetes would put its own there"
    assert env["TOKEN"] == "demo-hub/TOKEN"


def test_the_webhook_adds_mlflow_and_a_token_for_pipelines_and_contradicts_nothing() -> None:
    found = objects(BOOK)
    book = found["Notebook/demo-explore"]
    labels = book["metadata"]["labels"]
    assert labels["access-ml-pipeline"] == "true" and labels["app.kubernetes.io/component"] == "notebook"
    pod = admitted(labels, spec(book), found)
    env = variables(pod)
    assert env["MLFLOW_TRACKING_URI"] == "http://demo-mlflow:5000"
    path = env["KF_PIPELINES_SA_TOKEN_PATH"]
    (mount,) = [one for one in pod["containers"][0]["volumeMounts"] if path.startswith(one["mountPath"] + "/")]
    (volume,) = [one for one in pod["volumes"] if one["name"] == mount["name"]]
    (source,) = volume["projected"]["sources"]
    assert source["serviceAccountToken"]["audience"] == "pipelines.kubeflow.org"


def test_people_s_own_notebooks_get_mlflow_by_the_one_label_that_the_dashboard_sets() -> None:
    found = objects("tracking: {server: {type: external, url: 'https://mlflow.example.com'}}\nnotebooks: {n: {}}\n")
    for key in kinds(found, "PodDefault"):
        (value,) = found[key]["spec"]["selector"]["matchLabels"].values()
        assert value == "true" and found[key]["spec"]["desc"]
    label = next(iter(found["PodDefault/demo-mlflow"]["spec"]["selector"]["matchLabels"]))
    pod = admitted({label: "true"}, {"containers": [{"name": "x"}]}, found)
    assert variables(pod) == {"MLFLOW_TRACKING_URI": "https://mlflow.example.com"}


def test_a_notebook_that_uses_another_server_is_not_refused() -> None:
    found = objects("notebooks: {n: {env: {MLFLOW_TRACKING_URI: 'http://other'}}}\n")
    book = found["Notebook/demo-n"]
    labels = book["metadata"]["labels"]
    assert variables(admitted(labels, spec(book), found))["MLFLOW_TRACKING_URI"] == "http://other"
    labels |= found["PodDefault/demo-mlflow"]["spec"]["selector"]["matchLabels"]
    with pytest.raises(ValueError, match="other"):
        admitted(labels, spec(book), found)


def test_kubeflow_s_gateway_and_controller_reach_notebooks_and_these_reach_pipelines() -> None:
    found = objects(BOOK)
    policy = found["NetworkPolicy/demo-notebook"]["spec"]
    assert policy["podSelector"]["matchLabels"].items() <= found["Notebook/demo-explore"]["metadata"]["labels"].items()
    (rule,) = policy["ingress"]
    names = [one["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for one in rule["from"]]
    assert names == ["istio-system", "kubeflow"]
    assert [port["port"] for rule in policy["egress"] for port in rule["ports"]][-2:] == [3000, 8888]
    plain = objects(BOOK.replace("image:", "owner: kubernetes\n    image:"))
    assert "ingress" not in plain["NetworkPolicy/demo-notebook"]["spec"]
    assert kinds(plain, "Notebook", "Deployment") == ["Deployment/demo-explore", "Deployment/demo-mlflow"]


def test_without_profiles_nobody_reads_poddefaults_and_the_account_is_the_project_s() -> None:
    found = objects(BOOK, PLATFORM.replace(', profiles: "2.0"', ""))
    book = found["Notebook/demo-explore"]
    assert kinds(found, "PodDefault", "Profile") == []
    assert spec(book)["serviceAccountName"] == "demo" and "access-ml-pipeline" not in book["metadata"]["labels"]
    assert variables(spec(book))["MLFLOW_TRACKING_URI"] == "http://demo-mlflow:5000"


def test_annotations_for_the_controller_are_the_notebook_s() -> None:
    note = '"notebooks.kubeflow.org/http-rewrite-uri": /'
    book = objects(BOOK.replace("image:", f"annotations: {{{note}}}\n    image:"))["Notebook/demo-explore"]
    assert book["metadata"]["annotations"]["notebooks.kubeflow.org/http-rewrite-uri"] == "/"


def test_placements_and_identities_are_the_platform_s() -> None:
    text = "notebooks: {n: {placement: gpu, identity: lake}}\n"
    more = PLACED + "identities: {lake: {service_account: lake-reader}}\n"
    pod = spec(objects(text, PLATFORM + OWNED + more)["Notebook/demo-n"])
    assert pod["nodeSelector"] == {"pool": "gpu"} and pod["serviceAccountName"] == "lake-reader"
    assert pod["tolerations"] == [{"key": "gpu", "operator": "Exists"}]


SMALL = "\n".join(line for line in BOOK.splitlines() if "image:" not in line and "resources:" not in line) + "\n"


def test_a_workspace_has_the_kind_s_options_and_the_project_s_volumes() -> None:
    found = objects(SMALL.replace("env:", "placement: gpu\n    env:"), second(PLATFORM + OWNED + PLACED))
    book = found["Workspace/demo-explore"]
    assert book["apiVersion"] == "kubeflow.org/v1beta1" and kinds(found, "Notebook") == []
    assert book["spec"]["kind"] == "jupyterlab" and book["spec"]["paused"] is False
    template = book["spec"]["podTemplate"]
    assert template["options"] == {"imageConfig": "scipy", "podConfig": "big"}
    assert template["volumes"] == {
        "home": "demo-explore",
        "data": [{"pvcName": "demo-shared", "mountPath": "/shared", "readOnly": False}],
    }


def test_a_workspace_s_pod_gets_variables_secrets_and_files_by_poddefaults() -> None:
    found = objects(SMALL, second(PLATFORM + OWNED))
    labels = found["Workspace/demo-explore"]["spec"]["podTemplate"]["podMetadata"]["labels"]
    pod = admitted(labels, {"containers": [{"name": "main"}]}, found)
    env = variables(pod)
    assert env["TOKEN"] == "demo-hub/TOKEN" and env["MLFLOW_TRACKING_URI"] == "http://demo-mlflow:5000"
    assert "KF_PIPELINES_SA_TOKEN_PATH" in env
    assert "/fast" in [mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]]
    policy = found["NetworkPolicy/demo-notebook"]["spec"]
    assert policy["podSelector"]["matchLabels"].items() <= labels.items()
    quiet = objects("notebooks: {n: {}}\n", second(PLATFORM + OWNED))
    assert kinds(quiet, "PodDefault") == ["PodDefault/demo-mlflow", "PodDefault/demo-pipelines"]


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("image: acme/x:1", "image"),
        ("command: [jupyter, lab]", "command"),
        ("port: 9999", "port"),
        ("resources: {cpu: 2}", "resources"),
        ("security: {run_as_user: 1000}", "security"),
        ("identity: lake", "identity"),
        ("placement: cpu", "placement"),
        ("placement: gpu", ""),
        ("env: {A: b}", ""),
        ("mounts: {/data: {disk: 1Gi}}", ""),
    ],
)
def test_what_a_workspace_s_kind_decides_is_told_at_its_line(field: str, told: str) -> None:
    more = "placements: {gpu: {}, cpu: {}}\nidentities: {lake: {service_account: lake}}\n"
    found = tenants.told(f"notebooks: {{n: {{{field}}}}}\n", second(PLATFORM + OWNED + more), "BOOK001")
    assert found == ([told] if told else [])


def test_a_workspace_without_a_kind_is_refused() -> None:
    platform = (PLATFORM + OWNED).replace('notebooks: "1.11"', 'notebooks: "2.0"')
    assert {found.partition(" ")[0] for found in environments.codes("notebooks: {n: {}}\n", platform)} == {"PLAT007"}
    assert environments.codes("notebooks: {n: {owner: kubernetes}}\n", platform) == set()


@pytest.mark.parametrize("platform", [PLATFORM + OWNED, second(PLATFORM + OWNED)], ids=["v1", "v2"])
def test_many_notebooks_share_no_name(platform: str) -> None:
    names = ["mlflow", "pipelines", "notebook", "notebook-mlflow"]
    books = ", ".join(f"{name}: {{env: {{A: b}}, mounts: {{/a: {{disk: 1Gi}}, /b: {{disk: 1Gi}}}}}}" for name in names)
    outside = "tracking: {server: {type: external, url: 'https://mlflow.example.com'}}\n"
    found = objects(f"{outside}notebooks: {{{books}}}\n", platform)
    assert len(kinds(found, "Notebook", "Workspace")) == 4 and len(kinds(found, "PersistentVolumeClaim")) == 8
    assert "kubeflow/kustomization.yaml" in files(f"{outside}notebooks: {{{books}}}\n", platform)
