"""`examples/breast-cancer` as Kubeflow Pipelines runs it: the compiled pipeline, by the SDK's own local runner, with
each task in a container of its image. Tuning is not part of it: it needs a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests import sdk
from tests.e2e.compose import standins
from tests.e2e.compose.engine import Engine
from tests.e2e.compose.records import records
from tests.e2e.compose.stack import copied
from tests.e2e.compose.test_sqlite import found_by, ran

from mlwright import api

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(1800), sdk.needed]

RUNS = Path(__file__).with_name("runs.py")
OVERLAY = """
  once: {platform: kubeflow, namespace: once, tuning: null}
  here: {platform: local, tuning: null}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = copied("breast-cancer", tmp_path_factory.mktemp("kubeflow"), OVERLAY)
    result = api.compile([str(found / "mlproject.yaml")], envs=["once"])
    assert not result.failed, result.diagnostics
    return found


def test_the_containers_find_what_mlwright_run_finds(
    engine: Engine, project: Path, mlflow_server: str, tmp_path: Path
) -> None:
    version = document(project, "kubeflow/pipelineversion-*.yaml")["spec"]
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in document(project, "kubernetes/configmap-*-runtime.yaml")["data"].items():
        (programs / name).write_text(text)
    images(engine, version, project)
    wanted = {
        "ir": f"{yaml.safe_dump(version['pipelineSpec'])}---\n{yaml.safe_dump(version['platformSpec'])}",
        "programs": str(programs),
        "root": str(tmp_path / "root"),
        "environment": {"MLFLOW_TRACKING_URI": mlflow_server, "HOME": "/tmp"},
        "arguments": {},
    }
    done = sdk.asked(RUNS, wanted, timeout=900, **engine.env)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    there = records(mlflow_server, "once")
    ran(project)
    here = records(f"sqlite:///{project}/.mlwright/mlflow.db", "here")
    assert found_by(there) == found_by(here)
    assert {"training", "evaluation"} <= set(found_by(there))
    (root,) = [run for run in there.runs() if run.data.tags["mlwright.kind"] == "root"]
    assert root.info.status == "FINISHED"


def document(project: Path, pattern: str) -> dict[str, Any]:
    (path,) = (project / "manifests" / "once").glob(pattern)
    return dict(yaml.safe_load(path.read_text()))


def images(engine: Engine, version: dict[str, Any], project: Path) -> None:
    """The images that the pipeline names: the project's own is built as its Dockerfile says."""
    executors = version["pipelineSpec"]["deploymentSpec"]["executors"].values()
    names = {executor["container"]["image"] for executor in executors}
    built = next(name for name in names if name.startswith("breast-cancer:"))
    for name in sorted(names - {built} | {"python:3.11-slim"}):
        standins.provided(engine, name)
    engine.docker("build", "-q", "-t", built, str(project))
