"""Every MLproject that the examples compile to, read and filled in by MLflow itself."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlwright import ir
from mlwright.emit import files
from mlwright.emit.environment import lines
from mlwright.testing import programs
from mlwright_mlflow import MlflowTarget

GOLDEN = Path(__file__).parents[1] / "golden"
PROJECTS = sorted(GOLDEN.glob("**/mlflow/MLproject"))
SHOW = "import json, sys; print(json.dumps(sys.argv[1:]))"


def load(folder: Path) -> Any:
    """The project as `mlflow run` reads it."""
    from mlflow.projects._project_spec import load_project

    return load_project(str(folder))


def started(point: Any, given: dict[str, str], folder: Path) -> list[str]:
    """The arguments that the driver of an entry point gets, through MLflow's quoting and bash."""
    command = point.compute_command(given, str(folder))
    words = shlex.join([sys.executable, "-c", SHOW])
    _, driver, rest = command.partition("runtime/project.py")
    assert driver, command
    done = subprocess.run(["bash", "-c", f"{words}{rest}"], capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout))


def test_there_are_mlprojects_of_every_kind() -> None:
    kinds = {key for path in PROJECTS for key in yaml.safe_load(path.read_text()) if key.endswith("_env")}
    assert kinds == {"python_env", "docker_env"}


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: str(path.relative_to(GOLDEN).parent))
def test_mlflow_reads_the_project_and_starts_what_the_plan_knows(path: Path, tmp_path: Path) -> None:
    project, plan = load(path.parent), json.loads((path.parent / "project.json").read_text())
    assert project.name == plan["project"]
    assert set(project._entry_points) == set(plan["entries"])
    for name, point in project._entry_points.items():
        given = {param.name: "1" for param in point.parameters.values() if param.default is None}
        first, *rest = started(point, given, tmp_path)
        assert first == name
        known = {param for job in plan["entries"][name] for param in plan["jobs"][job]["params"]}
        assert {word.partition("=")[0] for word in rest} == {*known, "pipeline-run"}
    for job in plan["jobs"].values():
        assert (path.parent / job["document"]).is_file()
        assert (path.parent / "runtime" / f"{job['program']}.py").is_file()


def test_every_text_survives_mlflow_and_the_shell(tmp_path: Path) -> None:
    params = tuple(
        ir.Param(name=f"p{number}", type="string", default=text, origin=programs.origin("params", f"p{number}"))
        for number, text in enumerate(programs.NAUGHTY)
    )
    step = programs.task("steps.a", params=tuple(param.name for param in params))
    made = _written(programs.project(step, params=params), tmp_path)
    point = load(made).get_entry_point("main")
    assert started(point, {}, tmp_path)[1:-1] == [f"p{n}={text}" for n, text in enumerate(programs.NAUGHTY)]
    given = {f"p{n}": text for n, text in enumerate(reversed(programs.NAUGHTY))}
    assert started(point, given, tmp_path)[1:-1] == [f"{name}={text}" for name, text in given.items()]


def test_every_default_is_what_the_launcher_reads(tmp_path: Path) -> None:
    values: dict[str, tuple[ir.ValueType, Any, str]] = {
        "i": ("int", -7, "-7"),
        "big": ("int", 10**20, str(10**20)),
        "f": ("float", 1e-05, "1e-05"),
        "g": ("float", 3.0, "3.0"),
        "b": ("bool", True, "true"),
        "j": ("json", {"b": [1, None], "a": "{x}"}, '{"a":"{x}","b":[1,null]}'),
        "s": ("string", "007", "007"),
    }
    params = tuple(
        ir.Param(name=name, type=kind, default=value, origin=programs.origin("params", name))
        for name, (kind, value, _) in values.items()
    )
    made = _written(programs.project(programs.task("steps.a", params=tuple(values)), params=params), tmp_path)
    seen = started(load(made).get_entry_point("main"), {}, tmp_path)
    assert seen[1:-1] == [f"{name}={text}" for name, (_, _, text) in values.items()]


def test_a_parameter_without_a_default_has_to_be_given(tmp_path: Path) -> None:
    from mlflow.exceptions import ExecutionException

    param = ir.Param(name="x", type="int", required=True, origin=programs.origin("params", "x"))
    made = _written(programs.project(programs.task("steps.a", params=("x",)), params=(param,)), tmp_path)
    with pytest.raises(ExecutionException, match="missing parameters: 'x'"):
        load(made).get_entry_point("main").compute_command({}, str(tmp_path))


def test_a_shell_reads_an_environment_file_as_it_was_written(tmp_path: Path) -> None:
    texts = [text for text in programs.NAUGHTY if "\0" not in text]
    path = tmp_path / "some.env"
    path.write_text("\n".join(lines({f"V{n}": text for n, text in enumerate(texts)})) + "\n")
    program = "import json, os; print(json.dumps({k: v for k, v in os.environ.items() if k[0] == 'V'}))"
    script = f"set -a; . {path}; {shlex.join([sys.executable, '-c', program])}"
    done = subprocess.run(["sh", "-c", script], env={}, capture_output=True, text=True, check=True)
    assert {f"V{n}": text for n, text in enumerate(texts)}.items() <= json.loads(done.stdout).items()


def _written(project: ir.Project, folder: Path) -> Path:
    tracking = programs.tracking(project=ir.MlProject(type="system"))
    context = programs.context(owners={"tracking.project": "mlflow"})
    made = files.render([("mlflow", MlflowTarget().emit(replace(project, tracking=tracking), context))])
    for path, data in made.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder / "mlflow"
