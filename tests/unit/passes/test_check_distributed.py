from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mlwright import ir
from mlwright.passes.check_distributed import check_distributed
from tests.unit.passes.factory import codes, container, only, project, search, task, training


def step(gpus: int = 0, *argv: str, **fields: Any) -> ir.Project:
    made = container(*(argv or ("python", "train.py")), resources=ir.Resources(gpu=ir.Gpu(count=gpus)))
    return project(task(container=made, distributed=ir.Distributed(**fields)))


def test_a_step_on_one_node_is_fine() -> None:
    assert codes(check_distributed, step()) == []


@pytest.mark.parametrize(
    ("gpus", "processes", "launcher", "found"),
    [
        (8, 8, "torchrun", None),
        (0, 4, "torchrun", None),
        (2, 4, "torchrun", "error"),
        (2, 4, "none", "error"),
        (8, 4, "torchrun", "warning"),
        (8, 1, "none", None),
    ],
)
def test_each_process_has_a_gpu_of_its_own(gpus: int, processes: int, launcher: Any, found: str | None) -> None:
    findings = list(check_distributed(step(gpus, processes_per_node=processes, launcher=launcher)))
    assert [finding.severity for finding in findings] == ([found] if found else [])
    assert {finding.code for finding in findings} <= {"STEP006"}


@pytest.mark.parametrize("first", ["python", "python3", "python3.12", "/usr/bin/python3"])
def test_a_launcher_starts_python(first: str) -> None:
    assert codes(check_distributed, step(0, first, "train.py", launcher="torchrun")) == []


@pytest.mark.parametrize("first", ["torchrun", "pythonic", "./train.sh", "bash", "mpirun"])
def test_a_launcher_starts_nothing_else(first: str) -> None:
    finding = only(check_distributed, step(0, first, "train.py", launcher="torchrun"))
    assert (finding.code, finding.at.path) == ("STEP008", ("steps", "a", "command", 0))


def test_mpirun_starts_any_program_but_a_launcher() -> None:
    assert codes(check_distributed, step(0, "./train", launcher="mpirun")) == []
    assert codes(check_distributed, step(0, "mpirun", "./train", launcher="mpirun")) == ["STEP008"]


def test_a_launcher_starts_no_script_and_no_hidden_entry_point() -> None:
    spread = ir.Distributed(nodes_min=2, nodes_max=2, launcher="torchrun")
    script = task(container=ir.Container(script="python train.py"), distributed=spread)
    hidden = task(container=ir.Container(), distributed=spread)
    assert codes(check_distributed, project(script)) == ["STEP007"]
    assert codes(check_distributed, project(hidden)) == ["STEP008"]
    assert codes(check_distributed, project(replace(script, distributed=ir.Distributed()))) == []


def test_a_trial_is_looked_at_only_where_it_differs_from_its_training() -> None:
    gpu = container("python", resources=ir.Resources(gpu=ir.Gpu(count=1)))
    trained = training(container=gpu, distributed=ir.Distributed(processes_per_node=2))
    assert codes(check_distributed, project(search(trial=trained), trained)) == ["STEP006"]
    finding = only(check_distributed, project(search(trial=trained), training()))
    assert finding.at.path == ("tuning", "trial", "distributed", "processes_per_node")
