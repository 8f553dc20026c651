"""Braces of the user's: refused where they would stand in a workflow, welcome everywhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from mlwright import ir
from mlwright.passes.check_argo import check_argo
from mlwright.platform import BUILTIN
from mlwright.testing import programs

TEXT = "{{workflow.name}}"


def step(contract: Any = "launcher", **fields: Any) -> ir.Task:
    box = replace(programs.container(), **fields)
    return replace(programs.task("steps.x"), container=box, contract=contract)


def found(task: ir.Task, platform: str = "argo", params: Mapping[str, ir.Json] | None = None) -> list[str]:
    project = programs.project(task)
    pipeline = replace(project.pipelines[0], params=tuple((params or {}).items()))
    project = replace(project, pipelines=(pipeline,))
    return ["/".join(map(str, item.at.path)) for item in check_argo(project, BUILTIN[platform])]


@pytest.mark.parametrize(
    ("task", "path"),
    [
        (step(annotations=(("a/b", TEXT),)), "steps/x/annotations/a/b"),
        (step(mounts=(ir.Mount(target=f"/{TEXT}", kind="memory"),)), f"steps/x/mounts/{'/' + TEXT}"),
        (step("bare", argv=(("run",), (TEXT,))), "steps/x/command/1"),
        (step("bare", args=((f"a{TEXT}",),)), "steps/x/args/0"),
        (step("bare", argv=(), script=f"echo {TEXT}"), "steps/x/command"),
        (step("bare", env=(("A", (TEXT,)),)), "steps/x/env/A"),
    ],
)
def test_braces_that_would_stand_in_the_workflow_are_refused(task: ir.Task, path: str) -> None:
    assert found(task) == [path]
    assert found(task, "kubernetes") == []


@pytest.mark.parametrize(
    "task",
    [
        step(argv=(("run",), (TEXT,))),
        step(argv=(), script=f"echo {TEXT}"),
        step(env=(("A", (TEXT,)),)),
        step(annotations=(("a/b", "{ {x} }"),)),
        step("bare", args=(("$(X) ${Y} }} %}",),)),
    ],
)
def test_what_the_launcher_carries_and_other_braces_are_welcome(task: ir.Task) -> None:
    assert found(task) == []


def test_a_value_that_a_pipeline_gives_is_looked_into() -> None:
    assert found(step(), params={"a": ["x", {"b": TEXT}], "c": "{"}) == ["pipelines/main/params/a"]
