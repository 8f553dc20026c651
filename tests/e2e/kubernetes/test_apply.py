"""Everything that is compiled for a cluster is accepted by a real API server as it is, and stays as it was sent."""

from __future__ import annotations

import contextlib
import fnmatch
import json
import re
import shutil
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.e2e.kubernetes import crds, trainers
from tests.e2e.kubernetes.applied import TRAINED, Output, checked, collection, drift, intent, output
from tests.e2e.kubernetes.plane import Plane, Refused
from tests.e2e.programs import TRAINER, Missing

from mlwright import api
from mlwright import environment as environments

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(900)]

REPOSITORY = Path(__file__).parents[3]
GOLDEN = REPOSITORY / "tests" / "golden"
OVERLAY = "environments:\n  plain: {platform: kubernetes, namespace: minimal}\n"
OUTPUTS = [
    *sorted(path.parent.relative_to(GOLDEN).as_posix() for path in GOLDEN.glob("*/*/kustomization.yaml")),
    "minimal/plain",
]

ROOT = {"steps.summary"}
"""Asks for what a restricted namespace refuses: ops keep it in one of another level."""

_OF_JOBS = {"jobset.sigs.k8s.io/jobset-name", "training.kubeflow.org/job-name"}
"""Labels of the pods of training jobs."""
_POD = re.compile(r"^(?!TrainingRuntime)\w+ spec\.(jobTemplate\.spec\.)?template\.")
_ITSELF = "the server alone can write it"
_DEFAULT = "a default outside of lists: neither server-side apply nor Argo CD sees a difference in it"
ALLOWED = {
    "pod metadata.labels.*controller-uid": _ITSELF,
    "pod metadata.labels.*job-name": _ITSELF,
    "Job spec.selector": _ITSELF,
    "Deployment metadata.annotations*": _ITSELF,
    "Namespace metadata.labels.kubernetes.io/metadata.name": _ITSELF,
    "Namespace spec": _ITSELF,
    "PersistentVolumeClaim metadata.finalizers": _ITSELF,
    "Service spec.clusterIP*": _ITSELF,
    "Service spec.ipFamil*": _ITSELF,
    "Deployment spec.replicas": "where an autoscaler decides",
    "pod spec.serviceAccount": "the old name of serviceAccountName",
    "pod spec.*ontainers[[]].terminationMessage*": "merged by the container's name",
    "pod spec.*ontainers[[]].env[[]].valueFrom.fieldRef.apiVersion": "merged by the variable's name",
    **dict.fromkeys(("pod spec.dnsPolicy", "pod spec.schedulerName"), _DEFAULT),
    "TrainingRuntime spec.template.spec.replicatedJobs[[]].groupName": "merged by the job's name",
    "TrainingRuntime spec.template.spec.replicatedJobs[[]].replicas": "merged by the job's name",
    "TrainingRuntime spec.template.spec.failurePolicy.restartStrategy": _DEFAULT,
    **dict.fromkeys(("Job spec.completionMode", "Job spec.completions", "Job spec.parallelism"), _DEFAULT),
    **dict.fromkeys(("Job spec.manualSelector", "Job spec.suspend", "Job spec.podReplacementPolicy"), _DEFAULT),
}
"""What the server fills in and output leaves to it, by `Kind path`, `pod` for every pod template, and why."""


@pytest.fixture(scope="module", params=OUTPUTS)
def sent(request: pytest.FixtureRequest, plane: Plane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Output]:
    """An example's output for one environment, applied once in a namespace that admits restricted pods alone."""
    example, environment = str(request.param).split("/")
    project = tmp_path_factory.mktemp("apply") / example
    shutil.copytree(REPOSITORY / "examples" / example, project, ignore=shutil.ignore_patterns(".mlwright", "manifests"))
    if request.param == "minimal/plain":
        with (project / "mlproject.yaml").open("a") as file:
            file.write(OVERLAY)
    result = api.compile([str(project / "mlproject.yaml")], envs=[environment])
    assert not result.failed, result.diagnostics
    found = output(plane, project / "manifests" / environment)
    ops = [yaml.safe_load(path.read_text()) for path in sorted(project.glob("ops/*.yaml"))]
    everything = [*ops, *found.documents, *(each for _, each in found.manifests())]
    try:
        crds.installed(plane, *crds.names(_kinds(everything)))
    except Missing as problem:
        pytest.fail(str(problem), pytrace=False)
    own = {each["metadata"]["name"] for each in found.documents if each["kind"] == "Namespace"}
    spaces = sorted({each["metadata"].get("namespace", "") for each in everything} - {""})
    for name in spaces:
        if name not in own:
            plane.namespace(name)
    found.apply()
    for each in [*ops, *found.needed()]:
        with contextlib.suppress(Refused):  # of the whole cluster, and there since an earlier output
            plane.ask("POST", collection(plane, each), each)
    yield found
    plane.kubectl("delete", "namespace", *spaces)  # environments of one example may have the same


def test_everything_is_accepted_without_a_warning_and_a_second_time_changes_nothing(sent: Output) -> None:
    before = sent.live()
    assert "serverside-applied" in sent.apply()
    assert {place: intent(found) for place, found in sent.live().items()} == {
        place: intent(found) for place, found in before.items()
    }


def test_there_is_no_drift_in_what_has_been_applied(sent: Output) -> None:
    spec, environment = sent.folder.parents[1] / "mlproject.yaml", sent.folder.name
    result, found = environments.drift(str(spec), env=environment, kubeconfig=str(sent.plane.kubeconfig))
    assert found is not None, result.usage_error
    assert (found.compared, found.notes) == (len(sent.documents), ())
    assert [
        one for one in found.objects if one.status != "extra"
    ] == []  # environments of one example may share a space


def test_the_server_changes_nothing_of_what_was_sent_and_adds_little(sent: Output) -> None:
    found = {}
    for document in sent.documents:
        for path, how in drift(document, sent.plane.ask("GET", sent.place(document))):
            key = _POD.sub("pod ", f"{document['kind']} {path}")
            if how[0] != "+" or not any(fnmatch.fnmatchcase(key, each) for each in ALLOWED):
                found[key] = how
    assert not found


def test_kubectl_reads_every_file_as_it_was_meant(sent: Output) -> None:
    every = [path for path in sorted(sent.folder.rglob("*.yaml")) if path.name != "kustomization.yaml"]
    files = [path for path in every if sent.folder / "mlflow" not in path.parents]  # MLflow's own are there
    meant = [yaml.safe_load(path.read_text()) for path in files]
    crds.installed(sent.plane, *crds.names(_kinds(meant)))
    words = ("create", "--dry-run=client", "--validate=false", "-o", "json")
    done = sent.plane.kubectl(*words, *(word for path in files for word in ("-f", str(path))))
    assert not done.stderr
    assert _every(done.stdout) == meant


def test_every_pod_is_admitted_where_only_restricted_ones_are(sent: Output) -> None:
    pods = list(sent.pods())
    assert pods
    for space in {pod["metadata"]["namespace"] for _, pod in pods}:
        labels = sent.plane.ask("GET", f"/api/v1/namespaces/{space}")["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    _only_root_is_refused(sent.plane, pods)


def test_every_object_that_a_program_makes_would_be_accepted(sent: Output) -> None:
    _only_root_is_refused(sent.plane, list(sent.manifests()))


def test_argo_cd_would_be_told_of_the_folder(sent: Output) -> None:
    for each in sent.applications():
        crds.installed(sent.plane, *crds.names(_kinds([each])))
        with contextlib.suppress(Refused):  # there since an earlier output
            sent.plane.namespace(each["metadata"]["namespace"])
        assert checked(sent.plane, each) == []


@pytest.fixture(scope="module")
def jobs(plane: Plane) -> Iterator[None]:
    """What makes the pods of training jobs, and Trainer's own runtimes."""
    with trainers.trainer(plane), trainers.operator(plane):
        plane.kubectl(
            "apply", "-f", str(TRAINER.source() / "manifests" / "base" / "runtimes" / "torch_distributed.yaml")
        )
        yield


def test_controllers_make_the_pods_of_training_jobs(sent: Output, request: pytest.FixtureRequest) -> None:
    found = list(sent.trained())
    if not found:
        pytest.skip("no controller of Kubeflow's trains here")
    request.getfixturevalue("jobs")
    for objects in found:
        for each in objects:
            sent.plane.ask("POST", f"{collection(sent.plane, each)}?fieldValidation=Strict", each)
        main = sent.place(next(each for each in objects if each["kind"] in TRAINED))
        assert _ended(sent.plane, main) & {"Complete", "Succeeded"}, main
        for each in objects:
            sent.plane.ask("DELETE", sent.place(each))


def test_controllers_make_the_pods_of_what_runs_at_once(sent: Output) -> None:
    for each in sent.documents:
        if each["kind"] == "Deployment":
            sent.plane.await_(sent.place(each), partial(_has, "replicas", each["spec"].get("replicas", 1)))
        elif each["kind"] == "Job":
            sent.plane.await_(sent.place(each), partial(_has, "active", 1))


def _ended(plane: Plane, job: str) -> set[str]:
    """The conditions of a job that has ended. There is no node: each of its pods is said to have succeeded."""
    space, end = job.partition("/namespaces/")[2].partition("/")[0], time.monotonic() + 120
    while True:
        status = plane.ask("GET", job).get("status") or {}
        held = {each["type"] for each in status.get("conditions") or () if each["status"] == "True"}
        if held & {"Complete", "Succeeded", "Failed"}:
            return held
        events = plane.ask("GET", f"/api/v1/namespaces/{space}/events")["items"]
        said = {f"{each['involvedObject']['name']}: {each['message']}" for each in events if each["type"] == "Warning"}
        assert time.monotonic() < end, f"{job}: {json.dumps(status)}\n" + "\n".join(sorted(said))
        for pod in plane.ask("GET", f"/api/v1/namespaces/{space}/pods")["items"]:
            if _OF_JOBS & pod["metadata"]["labels"].keys() and pod["status"]["phase"] == "Pending":
                path = f"/api/v1/namespaces/{space}/pods/{pod['metadata']['name']}/status"
                with contextlib.suppress(Refused):  # gone meanwhile
                    plane.ask("PATCH", path, {"status": {"phase": "Succeeded"}}, "application/merge-patch+json")
        time.sleep(0.2)


def _only_root_is_refused(plane: Plane, found: list[tuple[str, dict[str, Any]]]) -> None:
    """The server would have all of these, but for pods, and makers of pods, that are to be the root user."""
    for origin, each in found:
        why = " ".join(checked(plane, each))
        if _node(each) in ROOT and '"runAsUser": 0' in json.dumps(each):
            assert "must not set runAsUser=0" in why, origin
        else:
            assert not why, origin


def _node(each: dict[str, Any]) -> str:
    """The part of the project that an object is of."""
    return str(each["metadata"].get("labels", {}).get("mlwright.dev/node"))


def _kinds(documents: list[Any]) -> set[tuple[str, str]]:
    """The groups and kinds of objects."""
    return {(each["apiVersion"].rpartition("/")[0], each["kind"]) for each in documents}


def _every(text: str) -> list[Any]:
    """The JSON documents that stand in a text one after another."""
    found, at = [], 0
    while rest := text[at:].lstrip():
        each, length = json.JSONDecoder().raw_decode(rest)
        found.append(each)
        at = len(text) - len(rest) + length
    return found


def _has(count: str, wanted: int, found: dict[str, Any]) -> bool:
    return bool(found["status"].get(count, 0) == wanted)
