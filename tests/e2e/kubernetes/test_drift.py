"""`mlwright drift` on a real API server: nothing where nothing was changed, and exactly what was changed by hand."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.e2e.kubernetes import crds
from tests.e2e.kubernetes.plane import Plane, Refused
from tests.e2e.programs import Missing

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(600)]

REPOSITORY = Path(__file__).parents[3]
SPACE = "drifting"
DEPLOYMENT = "forecasting-online"
MLFLOW = "breast-cancer-mlflow"


class Project:
    """An example's environment, compiled, in a namespace of its own."""

    def __init__(self, plane: Plane, folder: Path, example: str, environment: str, old: str, space: str) -> None:
        self.plane, self.folder, self.environment, self.space = plane, folder / example, environment, space
        shutil.copytree(REPOSITORY / "examples" / example, self.folder, ignore=shutil.ignore_patterns(".mlwright"))
        spec = self.folder / "mlproject.yaml"
        spec.write_text(spec.read_text().replace(old, space))
        self.run("compile", "--env", environment)

    def run(self, *words: str, config: str = "") -> subprocess.CompletedProcess[str]:
        more = ["--kubeconfig", config or str(self.plane.kubeconfig)] if words[0] == "drift" else []
        command = [sys.executable, "-m", "mlwright", *words, *more]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode in (0, 1), done.stderr
        return done

    def apply(self, *words: str) -> None:
        self.plane.kubectl("apply", "--server-side", *words, "-k", str(self.folder / "manifests" / self.environment))

    def hand(self, *words: str) -> None:
        """What somebody does with kubectl."""
        self.plane.kubectl("-n", self.space, *words)

    def drift(self) -> dict[str, Any]:
        """What is found; `found` are (status, kind, name), `fields` path -> (live, wanted, by, stays)."""
        done = self.run("drift", "--env", self.environment, "--format", "json")
        told: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == (1 if told["objects"] else 0)
        fields = {
            ".".join(map(str, one["path"])): (one["live"], one["wanted"], one["by"], one["stays"])
            for each in told["objects"]
            for one in each["fields"]
        }
        return {
            **told,
            "found": {(one["status"], one["kind"], one["name"]) for one in told["objects"]},
            "fields": fields,
        }


@pytest.fixture(scope="module")
def project(plane: Plane, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The forecasting example, with an autoscaler; nothing of it is there yet."""
    return Project(plane, tmp_path_factory.mktemp("drift"), "forecasting", "staging", "forecasting-staging", SPACE)


def test_before_it_is_applied_everything_is_missing(project: Project) -> None:
    found = project.drift()
    assert found["summary"]["missing"] + found["summary"]["unknown"] == found["compared"]
    assert {one["why"] for one in found["objects"] if one["status"] == "missing"} >= {
        f"the namespace {SPACE} is not there"
    }
    with pytest.raises(Refused):
        project.plane.ask("GET", f"/api/v1/namespaces/{SPACE}")  # it was only asked


def test_once_it_is_applied_there_is_none(project: Project) -> None:
    try:
        crds.installed(project.plane, "prometheusrules.monitoring.coreos.com")
    except Missing as problem:
        pytest.fail(str(problem), pytrace=False)
    project.apply()
    found = project.drift()
    assert (found["found"], found["notes"]) == (set(), [])


def test_what_was_changed_by_hand_is_found_and_nothing_else(project: Project) -> None:
    backtest = next(project.folder.glob("manifests/staging/kubernetes/configmap-forecasting-backtest.yaml"))
    config = yaml.safe_load(backtest.read_text())["metadata"]["name"]
    labels = yaml.safe_load(backtest.read_text())["metadata"]["labels"]
    project.hand("set", "image", f"deployment/{DEPLOYMENT}", "*=acme/hotfix:1")
    project.hand("patch", "deployment", DEPLOYMENT, "-p", '{"spec": {"replicas": 4}}')  # an autoscaler's own
    project.hand("set", "env", f"deployment/{DEPLOYMENT}", "DEBUG=1")
    project.hand("patch", "cronjob", "forecasting-nightly", "-p", '{"spec": {"suspend": true}}')
    project.hand("delete", "configmap", config)
    project.hand("create", "configmap", "left-over")
    project.hand("label", "configmap", "left-over", *(f"{key}={value}" for key, value in labels.items()))
    project.hand("create", "configmap", "somebody-elses")
    found = project.drift()
    assert found["found"] == {
        ("changed", "Deployment", DEPLOYMENT),
        ("changed", "CronJob", "forecasting-nightly"),
        ("missing", "ConfigMap", config),
        ("extra", "ConfigMap", "left-over"),
    }
    image = found["fields"].pop("spec.template.spec.containers.name=main.image")
    assert (image[0], image[2:]) == ("acme/hotfix:1", ("kubectl-set", False))
    assert found["fields"] == {
        "spec.suspend": (True, False, "kubectl-patch", False),
        "spec.template.spec.containers.name=main.env.name=DEBUG": (
            {"name": "DEBUG", "value": "1"}, None, "kubectl-set", True,
        ),
    }  # fmt: skip


def test_looking_changes_nothing(project: Project) -> None:
    where = f"/apis/apps/v1/namespaces/{SPACE}/deployments/{DEPLOYMENT}"
    before = project.plane.ask("GET", where)
    project.drift()
    after = project.plane.ask("GET", where)
    assert after["metadata"]["managedFields"] == before["metadata"]["managedFields"]
    assert after["spec"] == before["spec"]


def test_what_has_changed_in_the_project_is_found_until_it_is_applied(project: Project) -> None:
    spec = project.folder / "mlproject.yaml"
    text = spec.read_text()
    assert "30 1 * * *" in text
    spec.write_text(text.replace("30 1 * * *", "7 7 * * *"))
    try:
        found = project.drift()
    finally:
        spec.write_text(text)
    assert found["fields"]["spec.schedule"] == ("30 1 * * *", "7 7 * * *", "", False)
    assert any("is not what the project compiles to now" in note for note in found["notes"])


def test_applying_again_leaves_what_it_was_said_to_leave(project: Project) -> None:
    project.apply("--force-conflicts")
    found = project.drift()
    assert found["found"] == {("changed", "Deployment", DEPLOYMENT), ("extra", "ConfigMap", "left-over")}
    assert [stays for *_, stays in found["fields"].values()] == [True]
    project.hand("delete", "configmap", "left-over")
    project.hand("set", "env", f"deployment/{DEPLOYMENT}", "DEBUG-")
    assert project.drift()["found"] == set()


def test_what_cannot_be_changed_in_place_is_found(project: Project) -> None:
    (smoke,) = project.folder.glob("manifests/staging/kubernetes/job-*.yaml")
    job = yaml.safe_load(smoke.read_text())
    project.hand("delete", "job", job["metadata"]["name"])
    job["spec"]["template"]["spec"]["containers"][0]["image"] = "acme/other:1"
    project.plane.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(job))
    (one,) = project.drift()["objects"]
    assert (one["status"], one["kind"]) == ("replace", "Job")
    assert "field is immutable" in one["why"]
    assert ("acme/other:1", True) in [(each["live"], each["path"][-1] == "image") for each in one["fields"]]
    project.hand("delete", "job", job["metadata"]["name"])
    project.apply()


def test_replicas_count_where_nobody_scales(plane: Plane, tmp_path: Path) -> None:
    try:
        crds.installed(plane, "prometheusrules.monitoring.coreos.com")
    except Missing as problem:
        pytest.fail(str(problem), pytrace=False)
    other = Project(plane, tmp_path, "breast-cancer", "kubernetes", "breast-cancer-argo", "unused")
    space = yaml.safe_load(
        (other.folder / "manifests/kubernetes/kubernetes/service-breast-cancer-mlflow.yaml").read_text()
    )
    other.space = space["metadata"]["namespace"]
    try:
        plane.namespace(other.space)
    except Refused as problem:
        if problem.code != 409:
            raise
    other.apply("--force-conflicts")
    assert [one for one in other.drift()["objects"] if one["status"] != "extra"] == []
    other.hand("scale", "deployment", MLFLOW, "--replicas=0")
    found = other.drift()
    assert ("changed", "Deployment", MLFLOW) in found["found"]
    assert found["fields"]["spec.replicas"][:2] == (0, 1)
    plane.kubectl("delete", "namespace", other.space, "--wait=false")


def documented() -> list[dict[str, Any]]:
    """The account, its rights and the policy of docs/review.md."""
    text = (REPOSITORY / "docs" / "review.md").read_text()
    block = next(each for each in re.findall(r"^```yaml\n(.*?)^```", text, re.M | re.S) if "mlwright-drift" in each)
    return [each for each in yaml.safe_load_all(block.replace("NAMESPACE", SPACE)) if each]


def test_the_documented_account_may_look_and_can_change_nothing(project: Project, tmp_path: Path) -> None:
    project.plane.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(documented()))
    config = json.loads(project.plane.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": project.plane.account(SPACE, "mlwright-drift")}
    reader = tmp_path / "kubeconfig"
    reader.write_text(json.dumps(config))
    done = project.run("drift", "--env", "staging", config=str(reader))
    assert done.returncode == 0, done.stdout
    words = ["-n", SPACE, "patch", "deployment", DEPLOYMENT, "-p", '{"spec": {"paused": true}}']
    kubectl = [str(project.plane.binaries / "kubectl"), "--kubeconfig", str(reader), *words]
    end = time.monotonic() + 60  # a policy needs a moment to come into force
    while True:
        tried = subprocess.run([*kubectl, "--dry-run=server"], capture_output=True, text=True, check=False)
        assert tried.returncode == 0, tried.stderr
        refused = subprocess.run(kubectl, capture_output=True, text=True, check=False)
        if refused.returncode or time.monotonic() > end:
            break
        time.sleep(1)
    assert "this account may only look" in refused.stderr
