"""What Argo CD is told: where to look, what it may apply, and what controllers may change."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlwright import api
from mlwright.emit.kube import kustomize
from mlwright.target import Document
from mlwright_argo import cd

SPEC = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: churn}
storage: {scratch: {type: volume, size: 1Gi}}
steps: {a: {command: [cp, x, "${storage.scratch}"], image: "python:3.12-slim"}}
environments: {prod: {platform: prod.yaml, namespace: {name: ml, create: true}, start: on_change}}
gitops: {repo: "https://git.example.com/acme/churn", revision: release, path: out/manifests}
"""
PLATFORM = """\
apiVersion: mlwright.dev/v1
kind: Platform
orchestrator: kubernetes
kubernetes: "1.36"
"""
Object = dict[str, Any]
Files = dict[str, Object]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def compiled(argo_cd: str = '"3.5"', spec: str = SPEC) -> Files:
    """The YAML files of `prod` by their path below its folder."""
    Path("mlproject.yaml").write_text(spec, "utf-8")
    Path("prod.yaml").write_text(PLATFORM + (f"argo_cd: {argo_cd}\n" if argo_cd else ""), "utf-8")
    result = api.compile()
    assert not [one for one in result.diagnostics if one.severity == "error"], result.diagnostics
    folder = Path("manifests/prod")
    return {
        path.relative_to(folder).as_posix(): yaml.safe_load(path.read_text("utf-8")) for path in folder.rglob("*.yaml")
    }


def application(files: Files) -> Object:
    spec = files["argo/cd/application-churn-prod.yaml"]["spec"]
    assert isinstance(spec, dict)
    return spec


def test_the_source_is_the_environments_folder_in_the_repository_of_the_spec() -> None:
    files = compiled()
    assert files["argo/cd/application-churn-prod.yaml"]["metadata"]["namespace"] == "argocd"
    assert application(files)["source"] == {
        "repoURL": "https://git.example.com/acme/churn",
        "targetRevision": "release",
        "path": "out/manifests/prod",
    }
    assert application(files)["destination"] == {"server": "https://kubernetes.default.svc", "namespace": "ml"}


def test_an_application_is_no_part_of_what_it_applies() -> None:
    files = compiled()
    assert files["kustomization.yaml"]["resources"] == ["kubernetes"]
    assert files["argo/cd/kustomization.yaml"]["resources"] == [
        "application-churn-prod.yaml",
        "appproject-churn-prod.yaml",
    ]
    assert "argo/kustomization.yaml" not in files


def test_the_project_may_apply_what_is_emitted_and_nothing_else() -> None:
    files = compiled()
    found = files["argo/cd/appproject-churn-prod.yaml"]["spec"]
    applied = [data for path, data in files.items() if path.startswith("kubernetes/") and "metadata" in data]
    kinds = {(data["apiVersion"].rpartition("/")[0], data["kind"]) for data in applied}
    assert found["sourceRepos"] == ["https://git.example.com/acme/churn"]
    assert found["destinations"] == [{"server": "https://kubernetes.default.svc", "namespace": "ml"}]
    assert found["clusterResourceWhitelist"] == [{"group": "", "kind": "Namespace"}]
    allowed = {(one["group"], one["kind"]) for one in found["namespaceResourceWhitelist"]}
    assert allowed == kinds - {("", "Namespace")}
    assert ("batch", "Job") in allowed


def test_without_a_namespace_of_its_own_it_may_touch_nothing_of_the_cluster() -> None:
    spec = compiled(spec=SPEC.replace(", create: true", ""))["argo/cd/appproject-churn-prod.yaml"]["spec"]
    assert "clusterResourceWhitelist" not in spec


def test_ops_own_project_is_named_and_not_written() -> None:
    files = compiled('{version: "3.5", project: ml, namespace: delivery, destination: {name: east}}')
    assert application(files)["project"] == "ml"
    assert application(files)["destination"] == {"name": "east", "namespace": "ml"}
    assert files["argo/cd/kustomization.yaml"]["resources"] == ["application-churn-prod.yaml"]
    assert files["argo/cd/application-churn-prod.yaml"]["metadata"]["namespace"] == "delivery"


def test_changes_wait_for_somebody_where_the_spec_says_so() -> None:
    assert application(compiled())["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}
    spec = SPEC.replace("path: out/manifests", "path: out/manifests, automated: false")
    assert "automated" not in application(compiled(spec=spec))["syncPolicy"]


@pytest.mark.parametrize(
    "changed", [{"argo_cd": ""}, {"spec": SPEC.replace("gitops:", "x-gitops:")}], ids=["no Argo CD", "no gitops"]
)
def test_nothing_is_written_without_both_sides(changed: dict[str, str]) -> None:
    files = compiled(**changed)
    assert not [path for path in files if path.startswith("argo/")]


def test_without_argo_cd_objects_have_none_of_its_annotations() -> None:
    assert "argocd" not in str(compiled(""))


def test_what_runs_need_stays_when_a_newer_commit_has_something_else() -> None:
    files = compiled()
    kept = {
        (path.partition("-")[0], data["metadata"]["annotations"]["argocd.argoproj.io/sync-options"])
        for path, data in files.items()
        if "argocd.argoproj.io/compare-options" in data.get("metadata", {}).get("annotations", {})
        and path.startswith("kubernetes/")
    }
    assert kept == {("kubernetes/configmap", "Prune=false"), ("kubernetes/job", "Prune=false")}


def test_a_volume_that_only_runs_use_holds_up_no_wave() -> None:
    """A claim that waits for its first pod stays Pending, and Argo CD waits for it before the next wave."""
    files = compiled()
    waves = {
        data["kind"]: int(data["metadata"].get("annotations", {}).get("argocd.argoproj.io/sync-wave", "0"))
        for path, data in files.items()
        if path.startswith("kubernetes/") and "metadata" in data
    }
    assert waves["PersistentVolumeClaim"] == waves["Job"] == max(waves.values())
    assert waves["Namespace"] == min(waves.values())
    assert waves["ConfigMap"] < waves["CronJob"]


def test_a_patch_reaches_the_application_and_stays() -> None:
    spec = SPEC + (
        "patches: {loose: {why: nobody looks, on: {node: gitops, kind: Application}, merge: {spec: {"
        "syncPolicy: {retry: {limit: 1}}, ignoreDifferences: [{kind: Secret, jsonPointers: [/data]}]}}}}\n"
    )
    found = application(compiled(spec=spec))
    assert found["syncPolicy"]["retry"]["limit"] == 1
    assert {"kind": "Secret", "jsonPointers": ["/data"]} in found["ignoreDifferences"]


def differences(*objects: Object) -> list[Object]:
    """`ignoreDifferences` where these objects are applied."""
    documents = [Document(path=f"{number}.yaml", data=one) for number, one in enumerate(objects)]
    own = Document(path="cd/a.yaml", data={"kind": "Application", "spec": {"ignoreDifferences": []}})
    (made,) = cd.closed([("kubernetes", [kustomize.kustomization(documents), *documents])], [own])
    assert isinstance(made, Document)
    found = made.data["spec"].get("ignoreDifferences", [])
    assert isinstance(found, list)
    return found


def test_replicas_of_what_is_scaled_are_left_to_the_autoscaler() -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "churn-online"}
    autoscaler = made("autoscaling/v2", "HorizontalPodAutoscaler", spec={"scaleTargetRef": target})
    scaled = made("keda.sh/v1alpha1", "ScaledObject", spec={"scaleTargetRef": {"name": "churn-idle"}})
    deployments = [
        made("apps/v1", "Deployment", f"churn-{name}", spec={"replicas": 2}) for name in ("online", "idle", "fixed")
    ]
    assert differences(autoscaler, scaled, *deployments) == [
        {"group": "apps", "kind": "Deployment", "name": "churn-online", "jsonPointers": ["/spec/replicas"]},
        {"group": "apps", "kind": "Deployment", "name": "churn-idle", "jsonPointers": ["/spec/replicas"]},
    ]


def test_replicas_that_no_manifest_has_differ_from_nothing() -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "churn"}
    autoscaler = made("autoscaling/v2", "HorizontalPodAutoscaler", spec={"scaleTargetRef": target})
    assert differences(autoscaler, made("apps/v1", "Deployment", spec={})) == []


def test_what_kueue_writes_into_a_job_is_left_to_it() -> None:
    queued = made("batch/v1", "Job", labels={"kueue.x-k8s.io/queue-name": "gpu"})
    (found,) = differences(queued, made("batch/v1", "Job", "plain"))
    assert found["name"] == "churn"
    assert ".spec.suspend" in found["jqPathExpressions"]


def test_nothing_is_ignored_where_no_controller_writes() -> None:
    assert differences(made("apps/v1", "Deployment", spec={"replicas": 2}), made("v1", "Service")) == []


def made(api: str, kind: str, name: str = "churn", labels: dict[str, str] | None = None, **body: Any) -> Object:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "labels": labels or {}}, **body}


def test_one_target_alone_leaves_what_stands_above_it_alone() -> None:
    compiled()
    before = Path("manifests/prod/kustomization.yaml").read_bytes()
    assert not [one for one in api.compile(targets=["argo"]).diagnostics if one.severity == "error"]
    assert Path("manifests/prod/kustomization.yaml").read_bytes() == before


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
@pytest.mark.parametrize("folder", ["manifests/prod", "manifests/prod/argo/cd"])
def test_kubectl_renders_what_argo_cd_and_ops_apply(folder: str) -> None:
    compiled()
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True)
    kinds = {one["kind"] for one in yaml.safe_load_all(done.stdout)}
    assert ("Application" in kinds) == (folder != "manifests/prod")
    assert kinds > {"Namespace", "ConfigMap"} or kinds == {"Application", "AppProject"}
