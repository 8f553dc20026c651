"""Training jobs of every framework, as the real controllers check them and what they make of them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from tests.e2e.kubernetes import trainers
from tests.e2e.kubernetes.plane import Plane, Refused
from tests.e2e.programs import TRAINER
from tests.unit.targets.kubeflow.training import V1, made, platform, step

from mlwright import ir

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(300)]

Json = dict[str, Any]
SPACE = "churn-prod"
CORE, V2_API = f"/api/v1/namespaces/{SPACE}", f"/apis/trainer.kubeflow.org/v1alpha1/namespaces/{SPACE}"
RUNTIMES = "/apis/trainer.kubeflow.org/v1alpha1/clustertrainingruntimes"
THEIRS = {"pytorch": "torch", "jax": "jax", "xgboost": "xgboost", "deepspeed": "deepspeed", "mlx": "mlx"}


@pytest.fixture(scope="module")
def jobs(plane: Plane) -> Iterator[Plane]:
    """Controllers, the runtimes that come with Trainer, and a namespace."""
    with trainers.trainer(plane), trainers.operator(plane):
        plane.namespace(SPACE)
        for path in (TRAINER.source() / "manifests" / "base" / "runtimes").rglob("*.yaml"):
            for found in yaml.safe_load_all(path.read_text()):
                if found["kind"] == "ClusterTrainingRuntime":
                    plane.put(f"{RUNTIMES}/{found['metadata']['name']}", found)
        yield plane


def sent(plane: Plane, name: str, objects: list[Json]) -> Json:
    """Sends objects, the first one last and not to start anything; it as the server has it."""
    text = json.dumps(objects).replace("@hash", f"-{name}")
    job, *beside = json.loads(text)
    for each in beside:
        if each["kind"] == "TrainingRuntime":
            plane.ask("POST", f"{V2_API}/trainingruntimes", each)
    job["metadata"]["name"] = name
    if job["kind"] == "TrainJob":
        job["spec"]["suspend"] = True
        return plane.ask("POST", f"{V2_API}/trainjobs", job)
    job["spec"]["runPolicy"]["suspend"] = True
    return plane.ask("POST", f"/apis/kubeflow.org/v1/namespaces/{SPACE}/{job['kind'].lower()}s", job)


CASES: dict[str, tuple[ir.Task, dict[str, int]]] = {
    "torch": (step("pytorch", "torchrun", 3, processes=2), {"node": 3}),
    "accelerate": (step("", "accelerate", 3), {"node": 3}),
    "deepspeed": (step("deepspeed", "deepspeed", 3, processes=2), {"node": 2, "launcher": 1}),
    "mpi": (step("", "mpirun", 2), {"node": 1, "launcher": 1}),
    "jax": (step("jax", nodes=3), {"node": 3}),
    "xgboost": (step("xgboost", nodes=3), {"node": 3}),
    "lightgbm": (step("lightgbm", nodes=3), {"node": 3}),
    "tensorflow": (
        step("tensorflow", nodes=3, roles=(("ps", 2), ("chief", 1), ("evaluator", 1))),
        {"node": 3, "ps": 2, "chief": 1, "evaluator": 1},
    ),
    "paddle": (step("paddle", nodes=2, roles=(("ps", 2),)), {"node": 2, "ps": 2}),
    "plain": (step("", nodes=2), {"node": 2}),
    "restarts": (step("jax", nodes=2, max_restarts=5), {"node": 2}),
}


def job_set(plane: Plane, name: str) -> Json:
    """What Trainer made of a job; fails with what it says of it."""
    end = time.monotonic() + 60
    while True:
        try:
            return plane.ask("GET", f"/apis/jobset.x-k8s.io/v1alpha2/namespaces/{SPACE}/jobsets/{name}")
        except Refused:
            job = plane.ask("GET", f"{V2_API}/trainjobs/{name}")
            assert time.monotonic() < end, json.dumps(job.get("status"))
            time.sleep(0.2)


def pods(found: Json) -> dict[str, int]:
    return {each["name"]: each["template"]["spec"]["parallelism"] for each in found["spec"]["replicatedJobs"]}


def variables(found: Json, group: str) -> set[str]:
    (mine,) = [each for each in found["spec"]["replicatedJobs"] if each["name"] == group]
    (box, *_) = mine["template"]["spec"]["template"]["spec"]["containers"]
    names = [entry["name"] for entry in box["env"]]
    assert len(names) == len(set(names))
    return set(names)


@pytest.mark.parametrize("case", CASES)
def test_trainer_takes_a_job_with_a_runtime_of_its_own(jobs: Plane, case: str) -> None:
    task, expected = CASES[case]
    job, beside = made(task, platform("2.3"))
    sent(jobs, f"own-{case}", [job, *beside])
    found = job_set(jobs, f"own-{case}")
    assert pods(found) == expected
    for group in expected:
        assert {"MLWRIGHT_RUN", "MASTER_ADDR"} <= variables(found, group)
    template = found["spec"]["replicatedJobs"][-1]["template"]["spec"]["template"]
    assert template["spec"]["securityContext"]["runAsNonRoot"] is True
    assert template["metadata"]["labels"]["app.kubernetes.io/component"] == "step"


@pytest.mark.parametrize("framework", THEIRS)
def test_trainer_takes_a_job_with_a_runtime_that_comes_with_it(jobs: Plane, framework: str) -> None:
    launcher = {"pytorch": "torchrun", "deepspeed": "deepspeed", "mlx": "mpirun"}.get(framework, "none")
    runtimes = {"runtimes": {framework: {"name": f"{THEIRS[framework]}-distributed"}}}
    job, beside = made(step(framework, launcher, 3), platform("2.3", **runtimes))
    sent(jobs, f"theirs-{framework}", [job, *beside])
    found = job_set(jobs, f"theirs-{framework}")
    assert sum(pods(found).values()) == 3
    for each in found["spec"]["replicatedJobs"]:
        spec = each["template"]["spec"]["template"]["spec"]
        paths = {mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]}
        assert {"/mlwright/runtime", "/mlwright/step.json", "/tmp"} <= paths
        assert spec["serviceAccountName"] == "churn"
    trainer = found["spec"]["replicatedJobs"][-1]["template"]["spec"]["template"]["spec"]["containers"][0]
    assert trainer["args"] == ["/mlwright/runtime/step.py", "/mlwright/step.json"]


def test_trainer_takes_a_job_whose_runtime_fetches_its_data(jobs: Plane) -> None:
    from tests.unit.targets.kubeflow.test_training import with_data

    job, _ = with_data("weights", "texts", initializers=["dataset", "model"])
    job["spec"]["runtimeRef"]["name"] = "torchtune-llama3.2-1b"
    sent(jobs, "initialized", [job])
    found = {each["name"]: each for each in job_set(jobs, "initialized")["spec"]["replicatedJobs"]}
    box = found["model-initializer"]["template"]["spec"]["template"]["spec"]["containers"][0]
    assert {"name": "STORAGE_URI", "value": "hf://acme/llama"} in box["env"]
    assert [entry["name"] for entry in box["env"]] == ["STORAGE_URI", "ACCESS_TOKEN"]


@pytest.mark.parametrize("case", CASES)
def test_the_operator_takes_a_job(jobs: Plane, case: str) -> None:
    task, _ = CASES[case]
    job, _ = made(task, platform(V1))
    kept = sent(jobs, f"v1-{case}", [job])
    path = f"/apis/kubeflow.org/v1/namespaces/{SPACE}/{kept['kind'].lower()}s/v1-{case}"
    jobs.await_(
        path, lambda found: "Suspended" in {each["type"] for each in found.get("status", {}).get("conditions", ())}
    )


def test_elastic_jobs_are_the_operators(jobs: Plane) -> None:
    job, _ = made(step("pytorch", "torchrun", 4, nodes_min=2, max_restarts=3), platform(V1))
    sent(jobs, "elastic", [job])


def test_what_controllers_refuse_is_refused_here(jobs: Plane) -> None:
    """Their checks are at work: a variable that is Trainer's own, a name that is too long, a type that is no kind's."""
    job, beside = made(step("pytorch", "torchrun"), platform("2.3"))
    job["spec"]["trainer"]["env"].append({"name": "PET_NNODES", "value": "9"})
    with pytest.raises(Refused, match="reserved"):
        sent(jobs, "reserved", [job, *beside])
    job, _ = made(step("pytorch", "torchrun"), platform(V1))
    job["spec"]["pytorchReplicaSpecs"]["Chief"] = job["spec"]["pytorchReplicaSpecs"].pop("Worker")
    with pytest.raises(Refused, match="Chief"):
        sent(jobs, "chief", [job])
