"""Small programs, written by hand in the IR."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlwright import ir
from mlwright.runner.folder import Folder
from mlwright.runner.plan import Plan

ORIGIN = ir.Origin(path=("here",))


def _task(name: str = "train", **fields: Any) -> ir.Task:
    fields.setdefault("container", ir.Container(argv=(("true",),)))
    return ir.Task(id=fields.pop("id", name), name=name, origin=ORIGIN, **fields)


def _project(*nodes: ir.Node, **fields: Any) -> ir.Project:
    fields.setdefault("pipelines", (ir.Pipeline(name="main", nodes=tuple(node.id for node in nodes), origin=ORIGIN),))
    fields.setdefault("environment", ir.Environment(name="local", platform="local", origin=ORIGIN))
    fields.setdefault("artifacts", ir.Storage(name="artifacts", type="mlflow", origin=ORIGIN))
    fields.setdefault("tracking", ir.Tracking(experiment="demo-local", origin=ORIGIN))
    return ir.Project(name="demo", nodes=nodes, **fields)


def _search(trial: ir.Task, **fields: Any) -> ir.Search:
    values: dict[str, Any] = {"id": "tuning", "name": "tuning", "training": "train", "objective": "auc", **fields}
    return ir.Search(trial=trial, goal="maximize", origin=ORIGIN, **values)


@pytest.fixture
def task() -> Callable[..., ir.Task]:
    """A step that runs `true`."""
    return _task


@pytest.fixture
def search() -> Callable[..., ir.Search]:
    """Tuning of `train` for `auc`, around a trial."""
    return _search


@pytest.fixture
def project() -> Callable[..., ir.Project]:
    """A project of these nodes with one pipeline, `main`."""
    return _project


@pytest.fixture
def plan_of() -> Callable[..., Plan]:
    """The plan of a project's first pipeline."""
    return lambda made: Plan(project=made, pipeline=made.pipelines[0], nodes=made.nodes)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """The state folder of an empty project."""
    made = Folder(tmp_path)
    made.prepare()
    return made
