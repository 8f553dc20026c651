"""`examples/breast-cancer` as Kubeflow Pipelines runs it: the compiled pipeline, by the SDK's own local runner, with
each task in a container of its image. Tuning is not part of it: it needs a cluster."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlflow import MlflowClient
from tests import sdk
from tests.e2e.compose import standins
from tests.e2e.compose.engine import Engine
from tests.e2e.compose.records import Records, records
from tests.e2e.compose.stack import copied
from tests.e2e.compose.test_sqlite import found_by, ran

from mlwright import api
from mlwright.testing.programs import NAUGHTY

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(1800), sdk.needed]

MLFLOW = "ghcr.io/mlflow/mlflow:v3.17.2-full"
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
    built(engine, project)
    done = started(engine, project, mlflow_server, [MLFLOW])
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    there = records(mlflow_server, "once")
    ran(project)
    here = records(f"sqlite:///{project}/.mlwright/mlflow.db", "here")
    assert found_by(there) == found_by(here)
    assert {"training", "evaluation"} <= set(found_by(there))
    (root,) = [run for run in there.runs() if run.data.tags["mlwright.kind"] == "root"]
    assert root.info.status == "FINISHED"


FLOW = """
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: flow}
defaults: {steps: {image: "python:3.11-slim"}}
params:
  text: {type: string, default: a}
  lr: {type: float, default: 0.00001}
  n: {type: int, default: 10}
  flag: {type: bool, default: false}
  many: {type: json, default: [1.0, {b: null}]}
steps:
  make:
    command: [python3, -c, "import sys, json; json.dump(['x', 'y z'], open(sys.argv[1], 'w')); print(sys.argv[2:])",
              "${outputs.names}", "${params.text}", "${params.lr}", "${params.n}", "${params.flag}", "${params.many}"]
    outputs: {names: {type: json}}
  known: {needs: [steps.make], for_each: {part: [a, b, c]}, command: [echo, "${each.part}"]}
  found: {for_each: {name: "${steps.make.outputs.names}"}, max_parallel: 1, command: [echo, "${each.name}"]}
  kept: {needs: [steps.make], when: "not ${params.flag}", resources: {gpu: 1}, command: [echo, kept]}
  left: {needs: [steps.make], when: "${params.flag}", resources: {gpu: 1}, command: [echo, left]}
  after: {needs: [{step: steps.left, optional: true}, steps.kept], command: [echo, after]}
  bad: {needs: [steps.make], command: ["false"]}
  never: {needs: [steps.bad], command: [echo, never]}
  alarm: {run_if: failed, command: [echo, alarm]}
  clean: {needs: [steps.bad], run_if: always, command: [echo, clean]}
environments:
  once: {platform: kubeflow, namespace: once}
  here: {platform: local}
"""


def test_conditions_loops_failures_and_late_steps_mean_what_they_mean_here(
    engine: Engine, mlflow_server: str, tmp_path: Path
) -> None:
    (tmp_path / "mlproject.yaml").write_text(FLOW)
    result = api.compile([str(tmp_path / "mlproject.yaml")], envs=["once"])
    assert not result.failed, result.diagnostics
    done = started(engine, tmp_path, mlflow_server, ["python:3.11-slim", MLFLOW])
    assert "alarm" in done.stdout, (done.stdout + done.stderr)[-6000:]
    there = Records(MlflowClient(mlflow_server), "flow-once", "")
    env = {name: text for name, text in os.environ.items() if not name.startswith(("MLFLOW_", "MLWRIGHT_"))}
    command = [sys.executable, "-m", "mlwright", "run", "--env", "here"]
    assert subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, check=False, timeout=600).returncode
    store = f"sqlite:///{tmp_path}/.mlwright/mlflow.db"
    here = Records(MlflowClient(store, store), "flow-here", "")
    assert ends(there) == ends(here)
    assert ends(there)["steps.after"] == [("FINISHED", "", "")]
    assert ends(there)["run"][0][0] == "FAILED"


def ends(known: Records) -> dict[str, list[tuple[str, str, str]]]:
    """By step: how each of its runs ended, whether it was skipped, and of which item it was. The local runner has no
    names of nodes, by which a launcher knows that it is started anew: there, what failed has several runs."""
    found: dict[str, set[tuple[str, str, str]]] = {}
    for run in known.runs():
        tags = run.data.tags
        entry = (run.info.status, tags.get("mlwright.status", ""), tags.get("mlwright.item", ""))
        found.setdefault(tags["mlwright.step"], set()).add(entry)
    return {step: sorted(entries) for step, entries in found.items()}


def test_text_that_somebody_gives_arrives_as_it_is(engine: Engine, mlflow_server: str, tmp_path: Path) -> None:
    texts = {f"p{number}": text for number, text in enumerate(NAUGHTY) if "{{$" not in text}
    show = "import sys; print(*(f'<{word.encode().hex()}>' for word in sys.argv[1:]))"
    project = {
        "apiVersion": "mlwright.dev/v1",
        "kind": "MLProject",
        "metadata": {"name": "say"},
        "params": {name: {"type": "string", "default": "a"} for name in texts},
        "steps": {
            "show": {
                "image": "python:3.11-slim",
                "command": ["python3", "-c", show, *(f"${{params.{name}}}" for name in texts)],
            }
        },
        "environments": {"once": {"platform": "kubeflow", "namespace": "once"}},
    }
    (tmp_path / "mlproject.yaml").write_text(yaml.safe_dump(project))
    result = api.compile([str(tmp_path / "mlproject.yaml")], envs=["once"])
    assert not result.failed, result.diagnostics
    done = started(engine, tmp_path, mlflow_server, ["python:3.11-slim", MLFLOW], **texts)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    assert " ".join(f"<{text.encode().hex()}>" for text in texts.values()) in done.stdout


def started(
    engine: Engine, project: Path, server: str, images: Sequence[str], **arguments: Any
) -> subprocess.CompletedProcess[str]:
    """Run a compiled pipeline with these arguments, in these images."""
    version = document(project, "kubeflow/pipelineversion-*.yaml")["spec"]
    programs = project / "programs"
    programs.mkdir(exist_ok=True)
    for name, text in document(project, "kubernetes/configmap-*-runtime.yaml")["data"].items():
        (programs / name).write_text(text)
    for name in images:
        standins.provided(engine, name)
    wanted = {
        "ir": f"{yaml.safe_dump(version['pipelineSpec'])}---\n{yaml.safe_dump(version['platformSpec'])}",
        "programs": str(programs),
        "root": str(project / "root"),
        "environment": {"MLFLOW_TRACKING_URI": server, "HOME": "/tmp"},
        "arguments": arguments,
    }
    return sdk.asked(RUNS, wanted, timeout=900, **engine.env)


def document(project: Path, pattern: str) -> dict[str, Any]:
    (path,) = (project / "manifests" / "once").glob(pattern)
    return dict(yaml.safe_load(path.read_text()))


def built(engine: Engine, project: Path) -> None:
    """The project's own image, as its Dockerfile says."""
    standins.provided(engine, "python:3.11-slim")
    engine.docker("build", "-q", "-t", "breast-cancer:dev", str(project))
