"""Training jobs against what their controllers say they are: schemas of each release, and typed models.

`trainer/` has TrainJob's definitions of earlier releases, without prose; MLWRIGHT_CRDS the current ones.
"""

from __future__ import annotations

import itertools
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.targets.kubeflow.training import V1, V2, made, platform, step

from mlwright.diag import Diagnostic
from mlwright.target import Document
from mlwright.verify import schemas
from mlwright.verify.manifest import gather

HERE = Path(__file__).parent / "trainer"
CRDS = os.environ.get("MLWRIGHT_CRDS", "")

needs_crds = pytest.mark.skipif(not CRDS, reason="MLWRIGHT_CRDS names no folder with CRD files")
pytestmark = needs_crds

LAUNCHERS = {
    "pytorch": ("torchrun", "accelerate", "none", "mpirun"),
    "deepspeed": ("deepspeed", "mpirun", "torchrun"),
    "jax": ("none",),
    "xgboost": ("none",),
    "lightgbm": ("none",),
    "tensorflow": ("none", "mpirun"),
    "paddle": ("none",),
    "": ("none", "mpirun"),
}
ROLES = {"tensorflow": (("ps", 2), ("chief", 1), ("evaluator", 1)), "paddle": (("ps", 2),)}
PLACES = {
    "near": {"placements": {"p": {"selector": {"pool": "gpu"}, "tolerations": [{"key": "x"}], "queue": "q"}}},
    "volcano": {"placements": {"p": {"gang": "volcano", "topology": "rack", "scheduler": "volcano"}}},
    "coscheduling": {"placements": {"p": {"gang": "coscheduling", "scheduler": "scheduler-plugins-scheduler"}}},
}
THEIRS = {"runtimes": {name: {"name": f"{name}-distributed"} for name in LAUNCHERS if name}}
CASES = [
    pytest.param(framework, launcher, nodes, version, id=f"{framework or 'none'}-{launcher}-{nodes}-{version}")
    for framework, launchers in LAUNCHERS.items()
    for launcher, nodes, version in itertools.product(launchers, (1, 3), (*V2, V1))
    if nodes > 1 or version in ("2.3", V1)
]


@cache
def definitions(folder: Path) -> schemas.Definitions:
    return schemas.definitions(str(folder))


@cache
def current(version: str, folder: Path) -> schemas.Definitions:
    """The definitions of a release: TrainJob's own, and what did not change since."""
    if version not in V2[:3]:
        return definitions(Path(CRDS))
    folder.mkdir(exist_ok=True)
    (folder / "trainjob.json").write_text((HERE / f"trainjob-{version}.json").read_text())
    runtimes = Path(CRDS) / "kubeflow-trainer-v2" / "trainer.kubeflow.org_trainingruntimes.yaml"
    (folder / "runtimes.yaml").write_text(runtimes.read_text())
    return definitions(folder)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("releases")


def problems(found: schemas.Definitions, objects: list[dict[str, Any]]) -> list[str]:
    """What the schemas say of objects, as they are once they are in a cluster."""
    plain = [json.loads(json.dumps(each).replace("@hash", "-0123456789")) for each in objects]
    documents = [Document(path=f"{number}.yaml", data=data) for number, data in enumerate(plain)]
    said: list[Diagnostic] = list(found.of("1.36").check(gather([("argo", documents)], frozenset())))
    return [item.message for item in said]


@pytest.mark.parametrize(("framework", "launcher", "nodes", "version"), CASES)
def test_jobs_are_what_the_release_takes(framework: str, launcher: str, nodes: int, version: str, place: Path) -> None:
    found = current(version, place / version)
    task = step(framework, launcher, nodes, processes=2, timeout=60.0)
    job, beside = made(task, platform(version))
    assert problems(found, [job, *beside]) == []
    if version != V1 and framework:
        job, beside = made(task, platform(version, **THEIRS))
        assert not [each for each in beside if each["kind"] == "TrainingRuntime"]
        assert problems(found, [job, *beside]) == []


@pytest.mark.parametrize("version", [*V2, V1])
@pytest.mark.parametrize("framework", ROLES)
def test_jobs_with_roles_are_what_the_release_takes(framework: str, version: str, place: Path) -> None:
    job, beside = made(step(framework, roles=ROLES[framework]), platform(version))
    assert problems(current(version, place / version), [job, *beside]) == []


@pytest.mark.parametrize("version", [*V2, V1])
@pytest.mark.parametrize("gang", PLACES)
def test_jobs_in_a_gang_are_what_the_release_takes(gang: str, version: str, place: Path) -> None:
    task = step("pytorch", "torchrun", container={"placement": "p"})
    job, beside = made(task, platform(version, **PLACES[gang]))
    assert problems(current(version, place / version), [job, *beside]) == []


def test_elastic_jobs_are_what_the_operator_takes() -> None:
    job, beside = made(step("pytorch", "torchrun", 4, nodes_min=2, max_restarts=3), platform(V1))
    assert problems(definitions(Path(CRDS)), [job, *beside]) == []


@pytest.mark.parametrize("version", V2[:2])
def test_a_field_of_another_release_is_found(version: str, place: Path) -> None:
    job, _ = made(step(), platform("2.3"))
    assert any("runtimePatches" in said for said in problems(current(version, place / version), [job]))


@pytest.mark.parametrize("theirs", [{}, THEIRS], ids=["own", "theirs"])
@pytest.mark.parametrize("framework", LAUNCHERS)
def test_typed_models_keep_all_of_it(framework: str, theirs: dict[str, Any]) -> None:
    models = pytest.importorskip("kubeflow_trainer_api.models")
    roles = () if theirs else ROLES.get(framework, ())
    task = step(framework, LAUNCHERS[framework][0], roles=roles, timeout=60.0)
    job, beside = made(task, platform("2.3", **theirs))
    kinds = {
        "TrainJob": models.TrainerV1alpha1TrainJob,
        "TrainingRuntime": models.TrainerV1alpha1TrainingRuntime,
    }
    for each in [job, *beside]:
        if each["kind"] in kinds:
            plain = json.loads(json.dumps(each))
            assert kinds[each["kind"]].from_dict(plain).to_dict() == plain


def test_the_runtime_that_ops_make_for_an_example_has_what_its_platform_file_says() -> None:
    folder = Path(__file__).parents[2] / "examples/llm-finetune"
    runtime = yaml.safe_load((folder / "ops/runtime.yaml").read_text("utf-8"))
    listed = yaml.safe_load((folder / "platforms/hub.yaml").read_text("utf-8"))["runtimes"]["pytorch"]
    assert problems(definitions(Path(CRDS)), [runtime]) == []
    assert listed["name"] == runtime["metadata"]["name"]
    jobs = runtime["spec"]["template"]["spec"]["replicatedJobs"]
    steps = [job["template"]["metadata"]["labels"]["trainer.kubeflow.org/trainjob-ancestor-step"] for job in jobs]
    assert steps == [*(f"{kind}-initializer" for kind in listed["initializers"]), "trainer"]
    for job in jobs[:-1]:  # a TrainJob says it of the last one alone
        pod = job["template"]["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["seccompProfile"]
        (box,) = pod["containers"]
        assert box["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    jobs[0]["template"]["spec"]["template"]["spec"]["containers"][0]["imagePullSecret"] = "x"
    assert len(problems(definitions(Path(CRDS)), [runtime])) == 1
