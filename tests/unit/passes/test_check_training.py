"""Training jobs of Kubeflow's controllers: what they cannot do is said at its place, and nothing of other owners."""

from __future__ import annotations

from typing import Any

import pytest

from mlwright import ir
from mlwright.passes.check_training import check_training
from mlwright.testing import programs
from tests.unit.targets.kubeflow.training import platform, step

THEIRS = {"runtimes": {"pytorch": {"name": "torch-distributed"}, "torchtune": {"name": "torchtune-llama3.2-1b"}}}


def found(task: ir.Task, version: str = "2.3", owner: str = "kubeflow", **sections: Any) -> list[str]:
    project = programs.project(task)
    return [each.code for each in check_training(project, platform(version, **sections), {task.id: owner})]


@pytest.mark.parametrize("version", ["2.0", "2.3", "1.9"])
@pytest.mark.parametrize(
    ("framework", "launcher"),
    [
        ("pytorch", "torchrun"),
        ("pytorch", "accelerate"),
        ("pytorch", "none"),
        ("deepspeed", "deepspeed"),
        ("jax", "none"),
        ("jax", "mpirun"),
        ("xgboost", "none"),
        ("lightgbm", "none"),
        ("tensorflow", "mpirun"),
        ("paddle", "none"),
        ("", "mpirun"),
    ],
)
def test_what_can_be_done_is_left_alone(framework: str, launcher: str, version: str) -> None:
    assert found(step(framework, launcher), version, pod_security="baseline") == []


@pytest.mark.parametrize("owner", ["kubeflow", "kubernetes", "compose"])
def test_mxnet_is_retired_everywhere(owner: str) -> None:
    assert found(step("mxnet"), owner=owner) == ["TRAIN001"]
    assert found(step("mxnet"), owner=owner, runtimes={"mxnet": {"name": "our-own"}}) == []


@pytest.mark.parametrize(
    ("framework", "roles", "codes"),
    [
        ("tensorflow", (("ps", 2), ("chief", 1), ("evaluator", 1)), []),
        ("tensorflow", (("chief", 2),), ["TRAIN002"]),
        ("tensorflow", (("server", 1),), ["TRAIN002"]),
        ("paddle", (("ps", 2),), []),
        ("paddle", (("ps", 2), ("chief", 1)), ["TRAIN002"]),
        ("pytorch", (("ps", 1),), ["TRAIN002"]),
        ("jax", (("ps", 1), ("chief", 1)), ["TRAIN002", "TRAIN002"]),
    ],
)
@pytest.mark.parametrize("version", ["2.3", "1.9"])
def test_roles_are_those_of_the_framework(framework: str, roles: Any, codes: list[str], version: str) -> None:
    assert found(step(framework, roles=roles), version, pod_security="baseline") == codes


def test_a_runtime_of_ops_has_groups_of_its_own() -> None:
    runtimes = {"tensorflow": {"name": "tf"}}
    assert found(step("tensorflow", roles=(("ps", 1),)), runtimes=runtimes) == ["TRAIN002"]


@pytest.mark.parametrize("launcher", ["torchrun", "accelerate", "deepspeed"])
@pytest.mark.parametrize("framework", ["jax", "xgboost", "lightgbm", "tensorflow", "paddle"])
def test_launchers_of_pytorch_start_pytorch(framework: str, launcher: str) -> None:
    assert found(step(framework, launcher)) == ["TRAIN003"]
    assert found(step(framework, launcher), owner="kubernetes") == []


@pytest.mark.parametrize(
    ("version", "framework", "launcher", "codes"),
    [
        ("2.0", "pytorch", "torchrun", ["TRAIN004"]),
        ("2.3", "pytorch", "torchrun", ["TRAIN004"]),
        ("1.9", "pytorch", "torchrun", []),
        ("1.9", "paddle", "none", []),
        ("1.9", "pytorch", "none", []),
        ("1.9", "pytorch", "accelerate", ["TRAIN004"]),
        ("1.9", "", "mpirun", ["TRAIN004"]),
        ("1.9", "jax", "none", ["TRAIN004"]),
    ],
)
def test_nodes_come_and_go_under_the_operator_alone(
    version: str, framework: str, launcher: str, codes: list[str]
) -> None:
    assert found(step(framework, launcher, 4, nodes_min=2), version, pod_security="baseline") == codes


def test_a_framework_is_known_or_a_runtime() -> None:
    assert found(step("pytroch")) == ["TRAIN005"]
    assert found(step("torchtune")) == ["TRAIN005"]
    assert found(step("torchtune"), **THEIRS) == []
    assert found(step("torchtune"), "1.9", **THEIRS) == ["TRAIN005"]  # runtimes are Trainer's
    assert found(step("torchtune"), owner="kubernetes") == []


@pytest.mark.parametrize(
    ("task", "codes"),
    [
        (step("pytorch", "torchrun"), ["TRAIN006"]),
        (step("", "mpirun"), ["TRAIN006"]),
        (step("", "mpirun", 1), []),
        (step("pytorch", "torchrun", 4, nodes_min=2), []),
        (step("tensorflow"), []),
        (step("jax"), []),
    ],
)
def test_restricted_namespaces_do_not_admit_what_the_operator_adds(task: ir.Task, codes: list[str]) -> None:
    assert found(task, "1.9") == codes
    assert found(task, "1.9", pod_security="baseline") == []


def test_a_runtime_of_ops_decides_who_schedules_it() -> None:
    gang = {"placements": {"p": {"gang": "volcano", "priority_class": "high"}}}
    task = step("pytorch", "torchrun", container={"placement": "p"})
    assert found(task, **gang) == []
    assert found(task, **gang, **THEIRS) == ["TRAIN007"]
    assert found(task, **THEIRS, placements={"p": {"selector": {"pool": "gpu"}, "queue": "q"}}) == []


@pytest.mark.parametrize(
    ("framework", "access", "owner", "codes"),
    [
        ("cached", "uri", "kubeflow", []),
        ("cached", "download", "kubeflow", ["TRAIN008"]),
        ("pytorch", "uri", "kubeflow", ["TRAIN008"]),
        ("cached", "uri", "kubernetes", ["TRAIN008"]),
    ],
)
def test_a_cache_is_started_by_a_runtime(framework: str, access: Any, owner: str, codes: list[str]) -> None:
    task = step(framework, "torchrun", data=("events",))
    source = ir.DataSource(
        name="events", source="cache://sales/events", access=access, origin=programs.origin("data", "events")
    )
    runtimes = {"runtimes": {"cached": {"name": "torch-distributed-with-cache", "initializers": ["dataset"]}}}
    project = programs.project(task, data=(source,))
    owners = {task.id: owner}
    assert [each.code for each in check_training(project, platform("2.3", **runtimes), owners)] == codes


@pytest.mark.parametrize(
    ("texts", "version", "codes"),
    [
        ("hf://datasets/tatsu-lab/alpaca", "2.3", []),
        ("hf://tatsu-lab/alpaca", "2.3", ["TRAIN009"]),
        ("hf://tatsu-lab/alpaca", "1.9", ["TRAIN005"]),
    ],
)
def test_a_runtime_fetches_one_model(texts: str, version: str, codes: list[str]) -> None:
    sources = {"texts": texts, "weights": "hf://meta-llama/Llama-3.2-1B"}
    data = tuple(
        ir.DataSource(name=name, source=source, origin=programs.origin("data", name))
        for name, source in sources.items()
    )
    runtimes = {"runtimes": {"torchtune": {"name": "tune", "initializers": ["dataset", "model"]}}}
    project = programs.project(step("torchtune", data=tuple(sources)), data=data)
    found = check_training(project, platform(version, **runtimes), {"training": "kubeflow"})
    assert [each.code for each in found] == codes
