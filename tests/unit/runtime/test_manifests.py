"""From a document's object to a run's: names by pointers, variables, labels; and how one says that it has ended."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "compiler" / "mlwright" / "runtime"))
import cluster
import manifests

from mlwright.emit.kube import plan

Json = dict[str, Any]


@pytest.mark.parametrize(
    ("pointer", "reached"),
    [
        ("/metadata/name", ["metadata", "name"]),
        ("/spec/a~1b~0c", ["spec", "a/b~c"]),
        ("/spec/list/1", ["spec", "list", 1]),
        ("/spec/env/name=B/value", ["spec", "env", 1, "value"]),
        ("/spec/env/0/value", ["spec", "env", 0, "value"]),
    ],
)
def test_a_pointer_leads_to_one_text(pointer: str, reached: list[str | int]) -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    manifest: Json = {"metadata": {"name": "x"}, "spec": {"a/b~c": "x", "list": ["x", "y"], "env": env}}
    manifests.put(manifest, pointer, "new")
    found: Any = manifest
    for step in reached:
        found = found[step]
    assert found == "new"


@pytest.mark.parametrize("pointer", ["/spec/gone", "/spec/env/name=C/value", "/spec/env/7/value", "/no/where/at/all"])
def test_what_a_patch_took_away_is_not_put_back(pointer: str) -> None:
    manifest: Json = {"spec": {"env": [{"name": "A", "value": "1"}]}}
    manifests.put(manifest, pointer, "new")
    assert manifest == {"spec": {"env": [{"name": "A", "value": "1"}]}}


def test_variables_go_where_the_run_is_and_nowhere_else() -> None:
    run = {"name": "MLWRIGHT_RUN", "value": ""}
    trial = {"spec": {"containers": [{"name": "main", "env": [dict(run)]}, {"name": "other", "env": [{"name": "A"}]}]}}
    manifest = {"apiVersion": "kubeflow.org/v1beta1", "kind": "Experiment", "metadata": {"name": "x"}, "spec": trial}
    names = [{"at": "/metadata/name", "parts": [{"name": "x"}]}]
    maker = manifests.Maker("run", "r-1", None, {"MLWRIGHT_RUN": "r-1"})
    made = maker.make({"names": names, "manifest": manifest}, "-2", {"MLWRIGHT_ITEM": "2"})
    assert made["metadata"]["name"] == "run-x-2"
    main, other = made["spec"]["spec"]["containers"]
    assert main["env"] == [{"name": "MLWRIGHT_RUN", "value": "r-1"}, {"name": "MLWRIGHT_ITEM", "value": "2"}]
    assert other["env"] == [{"name": "A"}]
    assert made["spec"]["metadata"]["labels"] == {"mlwright.dev/run": "r-1"}
    assert manifest["metadata"] == {"name": "x"}  # the document stays as it is


@pytest.mark.parametrize("length", [1, 47, 48, 60, 200])
def test_names_are_short_begin_alike_and_stay_apart(length: int) -> None:
    maker = manifests.Maker("run", "r", None, {})
    name, other = maker.name("a" * length), maker.name("a" * length, "-1")
    assert len(name) <= 50 and len(other) <= 50
    assert name != other
    assert name.startswith("run-a")


@pytest.mark.parametrize("run", ["0b1c-2", "a.b_c"])
def test_a_run_is_its_own_label_where_it_can_be(run: str) -> None:
    assert manifests.mark(run) == run


@pytest.mark.parametrize("run", ["x" * 64, "ends-", "-begins", "with space"])
def test_any_other_run_gets_a_label_by_digest(run: str) -> None:
    assert len(manifests.mark(run)) == 40


def said(*conditions: tuple[str, str]) -> Json:
    listed = [{"type": kind, "status": status, "reason": "R", "message": "m"} for kind, status in conditions]
    return {"metadata": {}, "status": {"conditions": listed}}


@pytest.mark.parametrize(
    ("found", "state"),
    [
        ({"metadata": {}}, "running"),
        (said(), "running"),
        (said(("Suspended", "True")), "running"),
        (said(("FailureTarget", "True")), "running"),  # a Job whose pods are still ending
        (said(("SuccessCriteriaMet", "True")), "running"),
        (said(("SuccessCriteriaMet", "True"), ("Complete", "True")), "succeeded"),  # Job, TrainJob
        (said(("FailureTarget", "True"), ("Failed", "True")), "failed"),
        (said(("StartupPolicyInProgress", "False"), ("Completed", "True")), "succeeded"),  # JobSet
        (said(("Created", "True"), ("Running", "False"), ("Succeeded", "True")), "succeeded"),  # PyTorchJob, Experiment
        (said(("Created", "True"), ("Restarting", "True"), ("Failed", "False")), "running"),
        (said(("Running", "True"), ("Failed", "True")), "failed"),
    ],
)
def test_conditions_say_how_an_object_is_doing(found: Json, state: str) -> None:
    assert manifests.verdict(found) == (state, "R: m" if state == "failed" else "")


def test_who_ended_a_job_from_outside_says_why() -> None:
    found = said(("Failed", "True"))
    found["metadata"] = {"annotations": {manifests.STOPPED: "timed out after 2 s"}}
    assert manifests.verdict(found) == ("failed", "timed out after 2 s")


def waiting(reason: str, where: str = "containerStatuses", phase: str = "Pending") -> Json:
    return {"phase": phase, where: [{"state": {"waiting": {"reason": reason}}}]}


def placed(status: str) -> Json:
    return {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": status, "message": "0/3 nodes"}]}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (waiting("CrashLoopBackOff", phase="Running"), ""),
        (waiting("ContainerCreating"), ""),
        (waiting("ErrImagePull", "initContainerStatuses"), "ErrImagePull"),
        (waiting("CreateContainerConfigError"), "CreateContainerConfigError"),
        (placed("False"), "0/3 nodes"),
        (placed("True"), ""),
    ],
)
def test_only_what_keeps_a_pod_from_starting_is_told(status: Json, words: str) -> None:
    found = manifests.obstacle({"metadata": {"name": "p"}, "status": status})
    assert (words in found and found.startswith("p waits: ")) if words else found == ""


@pytest.mark.parametrize("kind", ["Job", "Service", "TrainJob", "JobSet", "Experiment", "PodGroup", "NetworkPolicy"])
def test_the_compiler_and_the_programs_know_a_kind_by_one_plural(kind: str) -> None:
    assert plan.resource(kind) == cluster.resource(kind)


@pytest.mark.parametrize(
    ("env", "path"),
    [
        ({"MLWRIGHT_KUBERNETES": "http://x:1/"}, "http://x:1"),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "6443"}, "https://10.0.0.1:6443"),
        ({"KUBERNETES_SERVICE_HOST": "fd00::1"}, "https://[fd00::1]:443"),
    ],
)
def test_the_address_is_the_pods_own_unless_another_is_given(env: dict[str, str], path: str) -> None:
    made = cluster.Cluster({**env, "MLWRIGHT_NAMESPACE": "ml"})
    assert made.uri == path
    assert made.path("v1", "Pod", "p") == "/api/v1/namespaces/ml/pods/p"
    assert made.path("batch/v1", "Job") == "/apis/batch/v1/namespaces/ml/jobs"
