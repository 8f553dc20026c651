"""Trials of every kind, filled in as Katib does it: strictly what the schemas of their kind say they are."""

from __future__ import annotations

import itertools
import json
import os
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from tests.contract.katib import generator, rules, typed
from tests.unit.targets.kubeflow.searches import AUC, DEPTH, LR, objects, profile, project, search

from mlwright import ir
from mlwright.emit.kube import operated
from mlwright.testing import programs
from mlwright.verify import schemas

CRDS = os.environ.get("MLWRIGHT_CRDS", "")
V2 = ("kubeflow.trainer=2.0", "kubeflow.trainer=2.1", "kubeflow.trainer=2.2", "kubeflow.trainer=2.3")
V1 = "kubeflow.training_operator=1.9"
CHIEF, SERVERS = (("chief", 1), ("ps", 2)), (("ps", 2),)
KINDS: dict[tuple[str, str, tuple[tuple[str, int], ...]], tuple[str, str, dict[str, str]]] = {
    ("pytorch", "torchrun", ()): ("PyTorchJob", "pytorch", {"training.kubeflow.org/job-role": "master"}),
    ("tensorflow", "none", CHIEF): ("TFJob", "tensorflow", {"training.kubeflow.org/job-role": "master"}),
    ("tensorflow", "none", ()): (
        "TFJob",
        "tensorflow",
        {"training.kubeflow.org/replica-type": "worker", "training.kubeflow.org/replica-index": "0"},
    ),
    ("", "mpirun", ()): ("MPIJob", "mpi", {"training.kubeflow.org/replica-type": "launcher"}),
    ("deepspeed", "deepspeed", ()): ("MPIJob", "mpi", {"training.kubeflow.org/replica-type": "launcher"}),
    ("xgboost", "none", ()): ("XGBoostJob", "xgboost", {"training.kubeflow.org/job-role": "master"}),
    ("jax", "none", ()): (
        "JAXJob",
        "jax",
        {"training.kubeflow.org/replica-type": "worker", "training.kubeflow.org/replica-index": "0"},
    ),
    ("paddle", "none", SERVERS): (
        "PaddleJob",
        "paddle",
        {"training.kubeflow.org/replica-type": "worker", "training.kubeflow.org/replica-index": "0"},
    ),
}
"""(framework, launcher, roles) -> the training operator's kind, the primary container, its pod's labels."""
GROUPS = {"deepspeed": "launcher", "mpirun": "launcher"}


def tuned(framework: str, launcher: str, roles: tuple[tuple[str, int], ...] = (), nodes: int = 2) -> ir.Search:
    spread = ir.Distributed(nodes_min=nodes, nodes_max=nodes, launcher=launcher, roles=roles)  # type: ignore[arg-type]
    fields = {"metrics": (AUC,), "framework": framework, "distributed": spread}
    return search(LR, DEPTH, trial=programs.task("training", "python", "train.py", **fields))


def made(node: ir.Search, system: str, **settings: Any) -> tuple[Any, list[Any]]:
    """The Experiment, and what is beside it."""
    settings.setdefault("pod_security", "baseline")
    collected = objects(project(node), profile(system, **settings), "kubeflow")
    (experiment,) = operated.manifests(collected, collected.project.pipelines[0], node)
    beside = [document.data for document in collected.items() if document.data["kind"] != "Kustomization"]
    return json.loads(json.dumps(experiment).replace("@hash", "-0123456789")), beside


def kinds(systems: tuple[str, ...]) -> list[Any]:
    return [
        pytest.param(*key, system, id=f"{key[0] or 'none'}-{key[1]}-{len(key[2])}-{system.rpartition('=')[2]}")
        for key, system in itertools.product(KINDS, systems)
    ]


@pytest.mark.parametrize(("framework", "launcher", "roles", "system"), kinds((V1,)))
def test_a_trial_is_the_job_of_the_training_operator(
    framework: str, launcher: str, roles: tuple[tuple[str, int], ...], system: str
) -> None:
    experiment, _ = made(tuned(framework, launcher, roles), system)
    template = experiment["spec"]["trialTemplate"]
    kind, container, labels = KINDS[framework, launcher, roles]
    assert (template["trialSpec"]["kind"], template["primaryContainerName"]) == (kind, container)
    assert template["primaryPodLabels"] == labels
    assert 'type=="Succeeded"' in template["successCondition"]
    unknown = [] if kind in rules.REGISTERED else [f"trialSpec.kind: {kind} is not among Katib's trial resources"]
    assert list(rules.problems(experiment)) == unknown
    assert len(experiment["metadata"]["name"]) <= 63


@pytest.mark.parametrize(("framework", "launcher", "roles", "system"), kinds(V2))
def test_a_trial_is_a_trainjob(framework: str, launcher: str, roles: tuple[tuple[str, int], ...], system: str) -> None:
    experiment, beside = made(tuned(framework, launcher, roles), system)
    template = experiment["spec"]["trialTemplate"]
    group = GROUPS.get(launcher) or ("chief" if roles == CHIEF else "node")
    assert template["trialSpec"]["kind"] == "TrainJob"
    assert template["primaryPodLabels"]["jobset.sigs.k8s.io/replicatedjob-name"] == group
    assert 'type=="Complete"' in template["successCondition"]
    assert list(rules.problems(experiment)) == []
    assert typed.lost(experiment) == []
    (runtime,) = [item for item in beside if item["kind"] == "TrainingRuntime"]
    replicated = {item["name"]: item for item in runtime["spec"]["template"]["spec"]["replicatedJobs"]}
    inside = replicated[group]["template"]["spec"]["template"]["spec"]["containers"]
    assert template["primaryContainerName"] in {item["name"] for item in inside}


def test_a_runtime_of_ops_for_mpi_starts_from_its_launcher() -> None:
    runtimes = {"deepspeed": {"name": "deepspeed-distributed"}}
    experiment, _ = made(tuned("deepspeed", "deepspeed", nodes=1), V2[-1], runtimes=runtimes)
    template = experiment["spec"]["trialTemplate"]
    assert template["trialSpec"]["spec"]["runtimeRef"]["name"] == "deepspeed-distributed"
    assert template["primaryPodLabels"]["jobset.sigs.k8s.io/replicatedjob-name"] == "launcher"
    assert template["primaryContainerName"] == "node"


def test_every_program_of_a_trial_knows_the_trial_and_its_parameters() -> None:
    experiment, _ = made(tuned("tensorflow", "none", CHIEF), V1)
    job = generator.run_spec(experiment, "t-1", {"lr": "0.1", "depth": "3"})
    assert set(job["spec"]["tfReplicaSpecs"]) == {"Chief", "PS", "Worker"}
    for replica in job["spec"]["tfReplicaSpecs"].values():
        (container,) = replica["template"]["spec"]["containers"]
        found = {entry["name"]: entry.get("value") for entry in container["env"]}
        assert (found["MLWRIGHT_TRIAL"], found["MLWRIGHT_PARAM_LR"], found["MLWRIGHT_PARAM_DEPTH"]) == (
            "t-1",
            "0.1",
            "3",
        )
    assert job["metadata"]["name"] == "t-1"


def test_no_sidecar_of_the_mesh_keeps_katib_waiting() -> None:
    for native in (False, True):
        settings: Any = {"mesh": {"native_sidecars": native}}
        collected = objects(project(search()), profile("istio=1.30", pod_security="baseline", **settings))
        (experiment,) = operated.manifests(collected, collected.project.pipelines[0], search())
        labels = experiment["spec"]["trialTemplate"]["trialSpec"]["spec"]["template"]["metadata"]["labels"]
        assert labels["sidecar.istio.io/inject"] == "false"


@cache
def definitions() -> schemas.Schemas:
    return schemas.definitions(CRDS).of("1.36")


@pytest.mark.skipif(not CRDS, reason="MLWRIGHT_CRDS names no folder with CRD files")
@pytest.mark.parametrize("nodes", [1, 2])
@pytest.mark.parametrize(("framework", "launcher", "roles", "system"), kinds((V1, V2[-1])))
def test_the_schemas_of_its_kind_have_nothing_against_a_trial(
    framework: str, launcher: str, roles: tuple[tuple[str, int], ...], system: str, nodes: int
) -> None:
    from mlwright.target import Document
    from mlwright.verify.manifest import gather

    experiment, _ = made(tuned(framework, launcher, roles, nodes), system)
    job = generator.run_spec(experiment, "t-1", {"lr": "0.1", "depth": "3"})
    whole = [Document(path="0.yaml", data=experiment), Document(path="1.yaml", data=job)]
    found = gather([("argo", whole)], frozenset())
    assert [item.kind for item in found] == ["Experiment", job["kind"], job["kind"]]
    assert [item.message for item in definitions().check(found)] == []
    if job["kind"] == "TrainJob":
        assert typed.lost(job) == []


def test_amounts_of_a_job_are_as_the_api_writes_them() -> None:
    """Katib converts a Job to its own types and back, and refuses one that comes out otherwise."""
    node = tuned("", "none")
    box = ir.Container(
        mounts=(
            ir.Mount(target="/fast", kind="memory", size=3 * 1024**2),
            ir.Mount(target="/s", kind="disk", size=1000),
        ),
        resources=ir.Resources(cpu=1500, memory=3 * 1024**3, disk=5 * 1024**3),
    )
    node = replace(node, trial=replace(node.trial, container=box))
    collected = objects(project(node), profile(pod_security="baseline"))
    made_, *_ = operated.manifests(collected, collected.project.pipelines[0], node)
    volumes = made_["spec"]["trialTemplate"]["trialSpec"]["spec"]["template"]["spec"]["volumes"]
    sizes = [item["emptyDir"]["sizeLimit"] for item in volumes if "sizeLimit" in item.get("emptyDir", {})]
    assert sizes == ["3Mi", "1k", "2Gi"]
