"""Training jobs: who is told what, by release, launcher and framework; and what their pods have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.targets.kubeflow.training import V1, V2, Json, made, platform, runtime, step, variables

from mlwright import ir
from mlwright.testing import programs

JOB = re.compile(r"\$\(MLWRIGHT_JOBSET\)")


def pods(job: Json) -> Json:
    """The pod templates of a runtime, or of the operator's job, by their group."""
    if "template" in job["spec"]:
        jobs = job["spec"]["template"]["spec"]["replicatedJobs"]
        return {each["name"]: each["template"]["spec"]["template"] for each in jobs}
    (replicas,) = [value for key, value in job["spec"].items() if key.endswith("ReplicaSpecs")]
    return {name: each["template"] for name, each in replicas.items()}


def counts(job: Json) -> dict[str, int]:
    """How many pods an operator's job has of each type."""
    (replicas,) = [value for key, value in job["spec"].items() if key.endswith("ReplicaSpecs")]
    return {name: each["replicas"] for name, each in replicas.items()}


def told(job: Json, beside: list[Json], group: str) -> dict[str, Any]:
    """The variables that pods of a group get from a TrainJob, as Kubernetes makes them for pod 0 of job `j`."""
    if group == "node":
        entries = job["spec"]["trainer"]["env"]
    else:
        (patch,) = job["spec"]["runtimePatches"]
        jobs = patch["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
        (mine,) = [each for each in jobs if each["name"] == group]
        entries = mine["template"]["spec"]["template"]["spec"]["containers"][0]["env"]
    found: dict[str, Any] = {}
    for name, value in variables(entries).items():
        if not isinstance(value, str):
            path = value.get("fieldRef", {}).get("fieldPath", "")
            value = "0" if "completion-index" in path else "j" if "jobset-name" in path else value
        else:
            value = re.sub(r"\$\((\w+)\)", lambda match: str(found[match[1]]), value)
        found[name] = value
    return found


@pytest.mark.parametrize(
    ("version", "field"),
    [
        ("2.0", "podSpecOverrides"),
        ("2.1", "podTemplateOverrides"),
        ("2.2", "runtimePatches"),
        ("2.3", "runtimePatches"),
    ],
)
def test_a_runtime_of_ops_is_patched_in_the_words_of_the_release(version: str, field: str) -> None:
    runtimes = {"runtimes": {"pytorch": {"name": "torch-distributed"}}, "placements": {"p": {"selector": {"a": "b"}}}}
    task = step("pytorch", "torchrun", container={"placement": "p"})
    job, beside = made(task, platform(version, **runtimes))
    assert job["spec"]["runtimeRef"] == {
        "apiGroup": "trainer.kubeflow.org",
        "kind": "ClusterTrainingRuntime",
        "name": "torch-distributed",
    }
    assert not [each for each in beside if each["kind"] == "TrainingRuntime"]
    others = {"podSpecOverrides", "podTemplateOverrides", "runtimePatches"} - {field}
    assert not others & set(job["spec"])
    text = json.dumps(job["spec"][field])
    for wanted in ("/mlwright/runtime", "/mlwright/step.json", '"nodeSelector": {"a": "b"}', '"serviceAccountName"'):
        assert wanted in text
    assert ("mlwright.dev/node" in text) is (version != "2.0")
    assert ("seccompProfile" in text) is (version >= "2.2")
    assert ("terminationGracePeriodSeconds" in text) is (version == "2.3")
    assert "MLWRIGHT_RUN" not in text  # forbidden there, and given to the trainer


def test_ssh_nodes_of_a_runtime_of_ops_get_the_programs_too() -> None:
    runtimes = {"runtimes": {"deepspeed": {"name": "deepspeed-distributed"}}}
    job, _ = made(step("deepspeed", "deepspeed", 3), platform("2.3", **runtimes))
    (patch,) = job["spec"]["runtimePatches"]
    jobs = patch["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
    assert [each["name"] for each in jobs] == ["node", "launcher"]
    assert "MLWRIGHT_SSH" not in variables(job["spec"]["trainer"]["env"])  # the image has its own keys and sshd


@pytest.mark.parametrize(
    ("framework", "launcher", "policy"),
    [
        ("pytorch", "torchrun", {"torch": {}}),
        ("", "accelerate", {"torch": {}}),
        ("jax", "none", {"jax": {}}),
        ("xgboost", "none", {"xgboost": {}}),
        ("tensorflow", "none", {}),
        ("paddle", "none", {}),
        (
            "deepspeed",
            "deepspeed",
            {
                "mpi": {
                    "numProcPerNode": 1,
                    "mpiImplementation": "OpenMPI",
                    "sshAuthMountPath": "/mlwright/ssh",
                    "runLauncherAsNode": True,
                }
            },
        ),
    ],
)
def test_a_runtime_of_the_projects_own_has_the_policy_of_its_launcher_or_framework(
    framework: str, launcher: str, policy: Json
) -> None:
    job, beside = made(step(framework, launcher, 3), platform("2.3"))
    own = runtime(beside)
    assert own["spec"]["mlPolicy"] == {"numNodes": 1 if "mpi" in policy else 3, **policy}
    assert job["spec"]["runtimeRef"]["kind"] == "TrainingRuntime"
    assert job["spec"]["runtimeRef"]["name"] == own["metadata"]["name"]
    assert own["metadata"]["name"].endswith("@hash")
    assert job["spec"]["trainer"]["numNodes"] == 3


@pytest.mark.parametrize("version", [*V2, V1])
def test_the_program_starts_by_the_launcher_and_knows_the_run(version: str) -> None:
    job, _ = made(step("pytorch", "torchrun"), platform(version))
    boxes = (
        [job["spec"]["trainer"]]
        if version != V1
        else [template["spec"]["containers"][0] for template in pods(job).values()]
    )
    for box in boxes:
        assert [*box["command"], *box["args"]] == ["python3", "-S", "/mlwright/runtime/step.py", "/mlwright/step.json"]
        assert variables(box["env"])["MLWRIGHT_RUN"] == ""


def test_pods_meet_wherever_trainer_says_nothing() -> None:
    for version, expected in (("2.1", "j-node-0-0.j:29500"), ("2.3", None)):
        job, beside = made(step("jax"), platform(version))
        found = told(job, beside, "node")
        assert found.get("JAX_COORDINATOR_ADDRESS") == expected
        assert (found["MASTER_ADDR"], found["MASTER_PORT"]) == ("j-node-0-0.j", "29500")
    job, beside = made(step("xgboost", nodes=3), platform("2.0"))
    found = told(job, beside, "node")
    assert (found["DMLC_TRACKER_URI"], found["DMLC_NUM_WORKER"]) == ("j-node-0-0.j", "3")
    job, beside = made(step("xgboost"), platform("2.3"))
    assert not [name for name in told(job, beside, "node") if name.startswith("DMLC_")]  # reserved, and refused


@pytest.mark.parametrize("version", V2)
@pytest.mark.parametrize("runtimes", [{}, {"runtimes": {"paddle": {"name": "ours"}}}], ids=["own", "theirs"])
def test_paddle_is_told_by_us_in_every_release(version: str, runtimes: Json) -> None:
    job, beside = made(step("paddle", nodes=3), platform(version, **runtimes))
    found = told(job, beside, "node")
    assert (found["PADDLE_MASTER"], found["PADDLE_NNODES"], found["PADDLE_JOB_ID"]) == ("j-node-0-0.j:29500", "3", "j")


def test_tensorflow_is_told_of_every_group_and_of_its_own_place() -> None:
    roles = (("ps", 2), ("chief", 1))
    job, beside = made(step("tensorflow", roles=roles), platform("2.3"))
    cluster = {
        "worker": ["j-node-0-0.j:29500", "j-node-0-1.j:29500"],
        "ps": ["j-ps-0-0.j:29500", "j-ps-0-1.j:29500"],
        "chief": ["j-chief-0-0.j:29500"],
    }
    for group, kind in (("node", "worker"), ("ps", "ps"), ("chief", "chief")):
        config = json.loads(told(job, beside, group)["TF_CONFIG"])
        assert config == {"cluster": cluster, "task": {"type": kind, "index": 0}}
    ranks = {group: told(job, beside, group).get("MLWRIGHT_NODE_RANK") for group in ("node", "ps", "chief")}
    assert ranks == {"node": "1", "ps": "1", "chief": None}  # of the chief, which leads, the index says it
    success = runtime(beside)["spec"]["template"]["spec"]["successPolicy"]
    assert success == {"operator": "All", "targetReplicatedJobs": ["chief"]}


def test_programs_of_a_group_that_is_lost_start_together_and_others_end_it() -> None:
    _, beside = made(step("pytorch", "torchrun", max_restarts=7), platform("2.3"))
    spec = runtime(beside)["spec"]["template"]["spec"]
    assert spec["failurePolicy"]["maxRestarts"] == 3  # torchrun counts the program's own
    assert spec["failurePolicy"]["rules"][0]["action"] == "FailJobSet"
    (node,) = spec["replicatedJobs"]
    assert node["template"]["spec"]["backoffLimit"] == 0
    _, beside = made(step("jax", max_restarts=7), platform("2.3"))
    assert runtime(beside)["spec"]["template"]["spec"]["failurePolicy"] == {"maxRestarts": 7}


def test_mpi_logs_into_nodes_that_listen() -> None:
    job, beside = made(step("", "mpirun", 3), platform("2.3"))
    found = pods(runtime(beside))
    assert set(found) == {"node", "launcher"}
    (waiting,) = found["node"]["spec"]["containers"]
    assert waiting["command"] == ["/usr/sbin/sshd"] and "HostKey=/mlwright/ssh/id_rsa" in waiting["args"]
    assert waiting["volumeMounts"] == found["launcher"]["spec"]["containers"][0]["volumeMounts"]
    assert variables(job["spec"]["trainer"]["env"])["MLWRIGHT_SSH"] == "/mlwright/ssh"
    assert told(job, beside, "node")["MASTER_ADDR"] == "j-launcher-0-0.j"
    _, beside = made(step("", "mpirun", 1), platform("2.3"))
    assert set(pods(runtime(beside))) == {"node"}


@pytest.mark.parametrize(
    ("framework", "launcher", "roles", "kind", "groups", "container"),
    [
        ("pytorch", "torchrun", (), "PyTorchJob", {"Master": 1, "Worker": 3}, "pytorch"),
        ("", "none", (), "PyTorchJob", {"Master": 1, "Worker": 3}, "pytorch"),
        ("", "mpirun", (), "MPIJob", {"Launcher": 1, "Worker": 3}, "mpi"),
        ("deepspeed", "deepspeed", (), "MPIJob", {"Launcher": 1, "Worker": 3}, "mpi"),
        ("xgboost", "none", (), "XGBoostJob", {"Master": 1, "Worker": 3}, "xgboost"),
        ("lightgbm", "none", (), "XGBoostJob", {"Master": 1, "Worker": 3}, "xgboost"),
        ("jax", "none", (), "JAXJob", {"Worker": 4}, "jax"),
        ("paddle", "none", (), "PaddleJob", {"Worker": 4}, "paddle"),
        ("paddle", "none", (("ps", 2),), "PaddleJob", {"Worker": 4, "Master": 2}, "paddle"),
        ("tensorflow", "none", (), "TFJob", {"Worker": 4}, "tensorflow"),
        (
            "tensorflow",
            "none",
            (("ps", 2), ("chief", 1), ("evaluator", 1)),
            "TFJob",
            {"Worker": 4, "PS": 2, "Chief": 1, "Evaluator": 1},
            "tensorflow",
        ),
    ],
)
def test_the_operator_gets_the_kind_of_the_launcher_or_framework(
    framework: str, launcher: str, roles: Any, kind: str, groups: dict[str, int], container: str
) -> None:
    job, _ = made(step(framework, launcher, 4, roles=roles), platform(V1))
    assert job["kind"] == kind
    assert counts(job) == groups
    for template in pods(job).values():
        assert [box["name"] for box in template["spec"]["containers"]] == [container]
        assert "restartPolicy" not in template["spec"]


def ranks(job: Json) -> Iterator[tuple[str, Any]]:
    for name, template in pods(job).items():
        yield name, variables(template["spec"]["containers"][0]["env"]).get("MLWRIGHT_NODE_RANK")


INDEX = {"fieldRef": {"fieldPath": "metadata.labels['training.kubeflow.org/replica-index']"}}


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (step("pytorch", "torchrun"), {"Master": None, "Worker": None}),  # RANK
        (step("pytorch", "torchrun", 4, nodes_min=2), {"Worker": INDEX}),
        (step("jax"), {"Worker": INDEX}),
        (step("tensorflow", roles=(("ps", 1),)), {"Worker": INDEX, "PS": "1"}),
        (step("tensorflow", roles=(("ps", 1), ("chief", 1))), {"Worker": "1", "PS": "1", "Chief": INDEX}),
        (step("paddle", roles=(("ps", 1),)), {"Worker": INDEX, "Master": "1"}),
    ],
    ids=["pytorch", "elastic", "jax", "tensorflow", "chief", "paddle"],
)
def test_one_pod_of_an_operators_job_leads(task: ir.Task, expected: Json) -> None:
    job, _ = made(task, platform(V1))
    assert dict(ranks(job)) == expected


def test_jax_is_told_the_same_by_either_controller() -> None:
    job, _ = made(step("jax", nodes=3), platform(V1))
    found = variables(pods(job)["Worker"]["spec"]["containers"][0]["env"])
    names = {"JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID", "MASTER_ADDR", "MASTER_PORT"}
    assert names <= set(found)
    assert found["JAX_COORDINATOR_ADDRESS"] == "$(MLWRIGHT_TRAINJOB)-worker-0:6666"
    job, beside = made(step("jax", nodes=3), platform("2.1"))
    assert names <= set(told(job, beside, "node"))


def test_elastic_jobs_have_no_master_and_grow() -> None:
    job, _ = made(step("pytorch", "torchrun", 8, nodes_min=2, processes=4, max_restarts=5), platform(V1))
    assert counts(job) == {"Worker": 8}
    assert job["spec"]["nprocPerNode"] == "4"
    assert job["spec"]["elasticPolicy"] == {
        "minReplicas": 2,
        "maxReplicas": 8,
        "rdzvBackend": "c10d",
        "maxRestarts": 5,
    }


@pytest.mark.parametrize(("gang", "policy"), [("volcano", {"minAvailable": 3}), ("kueue", None)])
def test_gangs_of_an_operators_job(gang: str, policy: Json | None) -> None:
    places = {"placements": {"p": {"gang": gang, "queue": "q"}}}
    task = step("tensorflow", roles=(("ps", 1),), timeout=100.0, container={"placement": "p"})
    job, _ = made(task, platform(V1, **places))
    assert job["spec"]["runPolicy"].get("schedulingPolicy") == policy
    assert job["spec"]["runPolicy"]["activeDeadlineSeconds"] == 400
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "q"


@pytest.mark.parametrize(
    ("version", "gang", "policy"),
    [
        ("2.3", "coscheduling", {"coscheduling": {"scheduleTimeoutSeconds": 120}}),
        ("2.3", "volcano", {"volcano": {}}),
        ("2.0", "volcano", None),
        ("2.3", "kueue", None),
    ],
)
def test_gangs_of_trainer(version: str, gang: str, policy: Json | None) -> None:
    places = {"placements": {"p": {"gang": gang, "topology": "rack"}}}
    _, beside = made(step("pytorch", "torchrun", container={"placement": "p"}), platform(version, **places))
    own = runtime(beside)
    assert own["spec"].get("podGroupPolicy") == policy
    assert "group-name" not in json.dumps(own)  # Trainer's own
    assert pods(own)["node"]["spec"]["affinity"]


DATA = (
    ("weights", "hf://acme/llama", "hub", "download"),
    ("texts", "hf://datasets/acme/alpaca/train", "", "download"),
    ("rows", "s3://acme/rows.csv", "", "download"),
    ("events", "cache://sales/events", "hub", "uri"),
)


def with_data(*names: str, framework: str = "torchtune", **kinds: Any) -> tuple[Json, Json]:
    """The TrainJob of a step that reads these, and its step document's data."""
    sources = tuple(
        ir.DataSource(name=name, source=source, secret=secret, access=access, origin=programs.origin("data", name))  # type: ignore[arg-type]
        for name, source, secret, access in DATA
        if name in names
    )
    secrets = (ir.Secret(name="hub", keys=("HF_TOKEN",)),)
    runtimes = {"runtimes": {"torchtune": {"name": "tune", **kinds}, "pytorch": {"name": "torch"}}}
    task = step(framework, "torchrun", data=names)
    job, beside = made(task, platform("2.3", **runtimes), data=sources, secrets=secrets)
    (config,) = [each for each in beside if each["kind"] == "ConfigMap"]
    return job, config["data"]["step.json"]["data"]


def test_a_runtimes_initializers_fetch_what_the_step_finds_as_a_folder() -> None:
    job, data = with_data("weights", "texts", initializers=["dataset", "model"])
    key = {"secretKeyRef": {"name": "churn-hub", "key": "HF_TOKEN"}}
    assert job["spec"]["initializer"] == {
        "dataset": {"storageUri": "hf://acme/alpaca"},
        "model": {
            "storageUri": "hf://acme/llama",
            "env": [{"name": "ACCESS_TOKEN", "valueFrom": key}],
            "secretRef": {"name": "churn-hub"},
        },
    }
    assert {name: (each["access"], each["source"]) for name, each in data.items()} == {
        "weights": ("path", "/workspace/model"),
        "texts": ("path", "/workspace/dataset/train"),
    }


@pytest.mark.parametrize(
    ("names", "framework", "kinds"),
    [
        (("weights", "texts"), "torchtune", {}),
        (("weights", "texts"), "pytorch", {"initializers": ["dataset", "model"]}),
        (("texts", "rows"), "torchtune", {"initializers": ["dataset", "model"]}),
        (("weights",), "torchtune", {"initializers": ["dataset"]}),
    ],
    ids=["none", "of another runtime", "which of two", "of another kind"],
)
def test_elsewhere_the_launcher_fetches(names: Any, framework: str, kinds: Any) -> None:
    job, data = with_data(*names, framework=framework, **kinds)
    assert "initializer" not in job["spec"]
    assert {each["access"] for each in data.values()} == {"download"}


def test_one_file_is_found_by_its_name() -> None:
    job, data = with_data("rows", initializers=["dataset"])
    assert job["spec"]["initializer"]["dataset"]["storageUri"] == "s3://acme/rows.csv"
    assert data["rows"]["source"] == "/workspace/dataset/rows.csv"


@pytest.mark.parametrize("version", [*V2, V1])
def test_nothing_in_a_job_is_one_runs_alone_but_its_name(version: str) -> None:
    """Katib makes many of one: only the name has a mark for the run's."""
    for task in (step("pytorch", "torchrun"), step("tensorflow", roles=(("ps", 1),)), step("", "mpirun")):
        job, beside = made(task, platform(version))
        marked = [path for path, text in _texts(job, ()) if hasattr(text, "parts")]
        assert marked == [("metadata", "name")]
        assert not [path for each in beside for path, text in _texts(each, ()) if hasattr(text, "parts")]


def _texts(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], str]]:
    if isinstance(value, str):
        yield path, value
    for key, below in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _texts(below, (*path, key))


def test_a_cache_is_an_address_of_the_program_and_of_the_initializer() -> None:
    job, data = with_data("events", initializers=["dataset"])
    assert job["spec"]["initializer"]["dataset"]["storageUri"] == "cache://sales/events"
    assert data["events"] == {"source": "cache://sales/events", "access": "uri", "uri": "cache://sales/events"} | {
        "secret": "hub"
    }


def test_a_runtime_of_ops_starts_as_many_processes_as_the_step_says() -> None:
    runtimes = {"runtimes": {"flux": {"name": "flux-runtime"}}}
    job, _ = made(step("flux", processes=4), platform("2.3", **runtimes))
    assert job["spec"]["trainer"]["numProcPerNode"] == 4


def test_a_name_leaves_room_for_the_pods_of_a_jobset() -> None:
    theirs = {"runtimes": {"pytorch": {"name": "torch-distributed", "initializers": ["dataset"]}}}
    for sections, most in (({}, 40), (theirs, 33)):
        job, _ = made(step("pytorch", "torchrun"), platform("2.3", **sections))
        (part,) = job["metadata"]["name"].parts
        assert part["limit"] == most
        assert most + len("-dataset-initializer-0-0-abcde" if sections else "-evaluator-0-0-abcde") <= 63
