"""`mlflow run` on what was compiled: MLflow's own command, its environments, and what it leaves on the server."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from mlwright import api

EXAMPLES = Path(__file__).parents[2] / "examples"
BIN = Path(sys.executable).parent
TINY = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: tiny}
defaults: {steps: {image: "python:3.12-slim"}}
params: {text: {type: string, default: "it's $HOME {x}"}, count: 3}
steps:
  load:
    command: [python, -c, "import sys; open(sys.argv[1], 'w').write(repr([sys.prefix, *sys.argv[2:]]))",
              "${outputs.seen}", "${params.text}", "${params.count}"]
    outputs: {seen: {type: string}}
tracking: {project: {type: python, requirements: requirements.txt}}
environments: {here: {platform: compose}}
"""

pytestmark = [pytest.mark.server, pytest.mark.slow]


def compiled(folder: Path, environment: str = "here") -> Path:
    """The MLproject's folder of the project in `folder`."""
    result = api.compile([str(folder / "mlproject.yaml")], envs=[environment])
    assert not result.failed, result.diagnostics
    return folder / "manifests" / environment / "mlflow"


def mlflow_run(server: str, *words: str, home: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """`mlflow run` as a user starts it, from an activated environment."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("MLFLOW_", "MLWRIGHT_"))}
    own = {"MLFLOW_TRACKING_URI": server, "MLFLOW_DISABLE_TELEMETRY": "true", "HOME": str(home)}
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    return subprocess.run(
        [str(BIN / "mlflow"), "run", *words],
        env={**kept, **own, "PATH": path, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=250,
        check=False,
    )


def rest(server: str, path: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{server}/api/2.0/mlflow/{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def runs(server: str, experiment: str) -> list[dict[str, Any]]:
    """The runs of an experiment, oldest first: id, status, tags, params, metrics."""
    found = rest(server, f"experiments/get-by-name?experiment_name={experiment}")["experiment"]["experiment_id"]
    answer = rest(server, "runs/search", {"experiment_ids": [found], "max_results": 100})["runs"]
    flat = [
        {
            "id": run["info"]["run_id"],
            "status": run["info"]["status"],
            "start": run["info"]["start_time"],
            **{kind: _pairs(run["data"].get(kind, [])) for kind in ("tags", "params", "metrics")},
        }
        for run in answer
    ]
    return sorted(flat, key=lambda run: run["start"])


def _pairs(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {item["key"]: item["value"] for item in items}


def test_the_example_trains_tunes_and_registers_by_mlflow_run(mlflow_server: str, tmp_path: Path) -> None:
    project = tmp_path / "breast-cancer"
    shutil.copytree(EXAMPLES / "breast-cancer", project)
    spec = project / "mlproject.yaml"
    text = spec.read_text()
    for old, new in (
        ("name: breast-cancer\n", "name: by-mlflow\n"),
        ("model: breast-cancer", "model: by-mlflow"),
        ("registry.breast-cancer@", "registry.by-mlflow@"),
        ("max: 10, parallel", "max: 2, parallel"),
    ):
        assert old in text
        text = text.replace(old, new)
    spec.write_text(text)
    folder = compiled(project, "compose")
    local = ("--env-manager", "local", "--experiment-name", "by-mlflow-compose")

    done = mlflow_run(mlflow_server, str(folder), "-e", "features", "-P", "pipeline-run=whole", *local, home=tmp_path)
    assert done.returncode == 0, done.stdout
    assert [run["tags"]["mlwright.step"] for run in runs(mlflow_server, "by-mlflow-compose")] == [
        "run",
        "steps.features",
    ]
    done = mlflow_run(mlflow_server, str(folder), "-P", "epochs=4", "-P", "pipeline-run=whole", *local, home=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "steps.features: finished before" in done.stdout
    made = [run for run in runs(mlflow_server, "by-mlflow-compose") if run["tags"].get("mlwright.run") == "whole"]
    assert {run["status"] for run in made} == {"FINISHED"}
    (root,) = (run for run in made if run["tags"]["mlwright.kind"] == "root")
    assert root["tags"]["mlflow.source.type"] == "PROJECT"
    steps = {run["tags"]["mlwright.step"]: run for run in made if run["tags"].get("mlflow.parentRunId") == root["id"]}
    assert steps.pop("run")["tags"]["mlwright.kind"] == "nested"  # the second `mlflow run`
    assert set(steps) == {"steps.features", "tuning", "training", "evaluation", "evaluation.gates", "registry"}
    assert steps["evaluation"]["metrics"]["test_auc"] > 0.9
    assert steps["training"]["params"]["learning_rate"] == steps["tuning"]["params"]["best.learning_rate"]
    trials = [run for run in made if run["tags"]["mlwright.kind"] == "trial"]
    assert [run["params"]["epochs"] for run in trials] == ["10"] * 2
    version = rest(mlflow_server, "registered-models/alias?name=by-mlflow&alias=champion")["model_version"]
    assert (version["version"], version["run_id"]) == ("1", steps["training"]["id"])


def test_a_virtual_environment_is_made_and_a_failed_step_fails_the_run(mlflow_server: str, tmp_path: Path) -> None:
    if shutil.which("pyenv") is None:
        pytest.skip("there is no pyenv here, with which MLflow makes virtual environments")
    (tmp_path / "mlproject.yaml").write_text(TINY)
    (tmp_path / "requirements.txt").write_text("# nothing but Python\n")
    folder = compiled(tmp_path)
    text = "-a 'b' \"c\" `d` $(e) {f} \\ %\n*"
    done = mlflow_run(mlflow_server, str(folder), "-P", f"text={text}", "-P", "count=4", home=tmp_path)
    assert done.returncode == 0, done.stdout
    (run,) = runs(mlflow_server, "tiny-here")
    prefix, *seen = ast.literal_eval(json.loads(run["tags"]["mlwright.output.seen"])["value"])
    assert seen == [text, "4"]
    assert Path(prefix).is_relative_to(tmp_path / ".mlflow" / "envs")

    local = ("--env-manager", "local", "--experiment-name", "tiny-here")
    done = mlflow_run(mlflow_server, str(folder), "-P", "count=many", *local, home=tmp_path)
    assert done.returncode == 1
    assert "parameter count must be a whole number, not 'many'" in done.stdout
    assert [run["status"] for run in runs(mlflow_server, "tiny-here")[1:]] == ["FAILED", "FAILED"]


@pytest.mark.docker
def test_every_step_runs_in_a_container(mlflow_server: str, tmp_path: Path) -> None:
    docker = ["docker", "version", "--format", "{{.Server.Version}}"]
    if not shutil.which("docker") or subprocess.run(docker, capture_output=True, check=False).returncode:
        pytest.skip("no Docker engine answers")
    image = _image(tmp_path)
    text = TINY.replace("name: tiny", "name: docked").replace("repr([", "repr([__import__('os').getcwd(), ")
    text = text.replace("{type: python, requirements: requirements.txt}", f'{{type: docker, image: "{image}"}}')
    text = text.replace('"${params.count}"]', '"${params.count}", "${secrets.lake.TOKEN}"]')
    (tmp_path / "mlproject.yaml").write_text(text + "secrets: {lake: {keys: [TOKEN]}}\n")
    (tmp_path / "secrets.env").write_text("LAKE__TOKEN=a b; $(id)\n")
    words = ("-A", "network=host", "-A", f"env-file={tmp_path / 'secrets.env'}", "-P", "text=-x 'y' $(id)")
    try:
        done = mlflow_run(mlflow_server, str(compiled(tmp_path)), *words, home=tmp_path)
        assert done.returncode == 0, done.stdout
        assert "a b; " not in done.stdout
    finally:
        subprocess.run(["docker", "rmi", "-f", image], capture_output=True, check=False)
    (run,) = (run for run in runs(mlflow_server, "docked-here") if "mlwright.output.seen" in run["tags"])
    folder, _, *seen = ast.literal_eval(json.loads(run["tags"]["mlwright.output.seen"])["value"])
    assert (folder, seen) == ("/mlwright/project", ["-x 'y' $(id)", "3", "a b; $(id)"])


def _image(folder: Path) -> str:
    """An image with this machine's own Python, made without a registry; its name."""
    python = Path("/usr/bin/python3").resolve()
    libraries = [path for path in Path("/usr/lib/x86_64-linux-gnu").glob("*.so*") if path.stat().st_size < 6e6]
    if not python.is_file() or not libraries or not Path("/lib64").is_symlink():
        pytest.skip("the image is made from Debian's Python on x86-64")
    names = ["bin", "lib", "lib64", "usr/lib64", "usr/bin/sh", "usr/bin/dash", "usr/bin/env", "usr/bin/python3"]
    names += [str(path).lstrip("/") for path in (python, Path("/usr/lib") / python.name, *libraries)]
    archive = folder / "image.tar"
    subprocess.run(["tar", "-cf", archive, "-C", "/", *names], check=True)
    (folder / "more/usr/bin").mkdir(parents=True)
    (folder / "more/usr/bin/python").symlink_to("python3")
    (folder / "more/tmp").mkdir()
    subprocess.run(["tar", "-rf", archive, "-C", folder / "more", "usr/bin/python", "tmp"], check=True)
    subprocess.run(["docker", "import", archive, "mlwright-test-python:1"], capture_output=True, check=True)
    return "mlwright-test-python:1"
