"""`mlwright drift`: what is said of a cluster, which code it exits with, and that nothing is written."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.remote.apiserver import RECORDED, Stub, refusal, served

from mlwright import api, cli

Json = dict[str, Any]
SPEC = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: churn}
tracking: {server: {type: external, url: "https://mlflow.example.com"}}
steps:
  a:
    image: acme/churn:1.0
    command: [python3, -c, "print(1)"]
    env: {LEVEL: info}
pipelines:
  main: {run: [steps.a], schedule: "0 3 * * *"}
environments:
  here: {platform: local, default: true}
  box: {platform: compose}
  prod: {platform: kubernetes, namespace: churn}
"""
OURS = {
    "app.kubernetes.io/managed-by": "mlwright",
    "app.kubernetes.io/instance": "churn-prod",
    "mlwright.dev/environment": "prod",
}


@pytest.fixture
def stub() -> Iterator[Stub]:
    with served() as found:
        yield found


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project and its output."""
    folder = tmp_path_factory.mktemp("compiled")
    (folder / "mlproject.yaml").write_text(SPEC)
    assert not api.compile([str(folder / "mlproject.yaml")], envs=["prod"]).failed
    return folder


@pytest.fixture
def applied(stub: Stub, compiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stub:
    """The project's output, all of it on the cluster; the working directory is the project's."""
    shutil.copytree(compiled, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(stub.kubeconfig(tmp_path)))
    for one in objects():
        stub.has(one)
    return stub


def objects() -> list[Json]:
    folder = Path("manifests/prod/kubernetes")
    names = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    return [yaml.safe_load((folder / name).read_text()) for name in names]


def only(kind: str) -> Json:
    return next(one for one in objects() if one["kind"] == kind)


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int) -> str:
    assert cli.main(["drift", "--env", "prod", *words]) == code
    shown = capsys.readouterr()
    return shown.out if code != 2 else shown.err


def test_a_cluster_that_is_as_compiled_exits_0(applied: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    count = len(objects())
    assert told(capsys, code=0).splitlines() == [
        f"churn/prod, as mlproject.yaml compiles now, on {applied.url} (context prod)",
        "",
        f"{count} of {count} objects as they should be",
    ]
    assert {(method, "dryRun=All" in target) for method, target, _ in applied.asked} == {
        ("GET", False),
        ("PATCH", True),
    }


def test_a_changed_field_is_told_with_its_place_in_the_project(
    applied: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    cronjob = only("CronJob")
    cronjob["spec"]["schedule"] = "1 1 * * *"
    applied.has(cronjob)
    shown = told(capsys, code=1)
    line = next(n for n, text in enumerate(SPEC.splitlines(), 1) if "schedule:" in text)
    assert f"changed: CronJob {cronjob['metadata']['name']} in churn" in shown
    assert '  spec.schedule\n    live:   "1 1 * * *"\n    wanted: "0 3 * * *"' in shown
    assert f"mlproject.yaml:{line}" in shown
    assert "to make it so: kubectl apply --server-side --force-conflicts -k manifests/prod" in shown


def test_what_is_gone_and_what_is_left_over_is_told(applied: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    account = only("ServiceAccount")
    del applied.objects[applied.path(account)]
    old = only("CronJob")
    old["metadata"]["name"] = "churn-weekly"
    applied.has(old)
    shown = told(capsys, code=1)
    assert f"missing: ServiceAccount {account['metadata']['name']} in churn" in shown
    assert "extra: CronJob churn-weekly in churn" in shown
    assert "kubectl delete cronjob churn-weekly -n churn" in shown
    assert "1 missing, 1 extra, " in shown


def test_what_runs_and_controllers_make_is_not_left_over(applied: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    for name, more in (
        ("of-a-run", {"labels": {**OURS, "mlwright.dev/run": "r1"}}),
        ("of-a-cronjob", {"labels": OURS, "ownerReferences": [{"kind": "CronJob", "name": "x"}]}),
        ("on-its-way", {"labels": OURS, "deletionTimestamp": "2026-11-26T21:00:00Z"}),
        ("of-another-environment", {"labels": {**OURS, "mlwright.dev/environment": "dev"}}),
    ):
        applied.has({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": "churn", **more}})
    assert "objects as they should be" in told(capsys, code=0)


def test_what_runs_began_with_is_a_note(applied: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    config = only("ConfigMap")
    config["metadata"]["name"] = config["metadata"]["name"][:-10] + "0123456789"
    applied.has(config)
    assert "note: 1 object of an earlier version is still there" in told(capsys, code=0)


def test_kinds_that_may_not_be_listed_are_a_note(applied: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    applied.refusals["GET", "/apis/batch/v1/namespaces/churn/jobs"] = (403, RECORDED["may not list"])
    assert "note: not looked for what is left over of Job: forbidden" in told(capsys, code=0)


def test_a_namespace_that_is_not_there_is_said_once_for_all_objects(
    applied: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    applied.namespaces.clear()
    applied.objects.clear()
    shown = told(capsys, code=1)
    assert shown.count("the namespace churn is not there") == 1
    assert f"{len(objects())} missing, 0 of {len(objects())} objects" in shown
    assert "kubectl create namespace churn" in shown


def test_what_cannot_be_compared_is_no_success(applied: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    applied.refusals["PATCH", applied.path(only("Role"))] = refusal("may not patch")
    assert "not comparable: Role" in told(capsys, code=1)


def test_a_folder_with_another_output_is_a_note(applied: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    (Path("manifests/prod/kubernetes") / "kustomization.yaml").write_text("resources: []\n")
    shown = told(capsys, code=0)
    assert "note: manifests/prod is not what the project compiles to now (kubernetes/kustomization.yaml)" in shown


def test_what_was_applied_without_the_server_is_a_note(applied: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    role = only("Role")
    entry = {"manager": "kubectl-client-side-apply", "operation": "Update", "fieldsV1": {}}
    applied.has({**role, "metadata": {**role["metadata"], "managedFields": [entry]}})
    assert "note: 1 object was applied without --server-side" in told(capsys, code=0)


def test_the_same_for_programs(applied: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    cronjob = only("CronJob")
    cronjob["spec"]["schedule"] = "1 1 * * *"
    applied.has(cronjob)
    found = json.loads(told(capsys, "--format", "json", code=1))
    assert found["version"] == 1
    assert (found["project"], found["environment"], found["server"]) == ("churn", "prod", applied.url)
    assert found["summary"] == {"missing": 0, "changed": 1, "replace": 0, "extra": 0, "unknown": 0}
    (one,) = found["objects"]
    assert (one["kind"], one["status"], one["file"]) == ("CronJob", "changed", "kubernetes/cronjob-churn-main.yaml")
    (field,) = one["fields"]
    assert (field["path"], field["live"], field["wanted"]) == (["spec", "schedule"], "1 1 * * *", "0 3 * * *")
    assert field["at"].startswith("mlproject.yaml:")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--env", "here"], "'here' is not for a cluster: see what it does with `mlwright run --env here`"),
        (["--env", "box"], "'box' is not for a cluster: see what it does with `mlwright up --env box`"),
        (["--env", "prd"], "prod"),
        (["--context", "prd"], "did you mean `prod`?"),
        (["--kubeconfig", "nowhere"], "there is no kubeconfig at nowhere"),
    ],
)
def test_a_request_that_makes_no_sense_exits_2(
    words: list[str], said: str, applied: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["drift", "--env", "prod", *words]) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.out == ""


def test_credentials_that_have_expired_exit_2(
    applied: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    applied.kubeconfig(tmp_path, token="old")
    shown = told(capsys, code=2)
    assert shown.startswith("mlwright drift: ")
    assert "(401)" in shown


def test_errors_of_the_project_come_first(applied: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    Path("mlproject.yaml").write_text(SPEC.replace("steps.a]", "steps.b]"))
    assert cli.main(["drift", "--env", "prod"]) == 1
    assert "steps.b" in capsys.readouterr().err
    assert applied.asked == []


def test_the_client_is_imported_by_nothing_else() -> None:
    script = (
        "import sys\nfrom mlwright import cli\n"
        "cli.main(['drift', '--help'])\ncli.main(['validate', 'nowhere.yaml'])\n"
        "assert not {'kubernetes', 'urllib3'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
