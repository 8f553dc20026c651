"""The MLproject: entry points for `mlflow run`, and the environment that it makes for them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from mlwright.emit import json as texts
from mlwright.emit.programs import closure
from mlwright.ir import Json, Origin, Param, Project, Search
from mlwright.span import Path
from mlwright.target import Document, EmitContext, Part, TextFile
from mlwright_mlflow.jobs import Entry, Jobs

NODE = "tracking.project"
RUN = "pipeline-run"
"""The parameter that names an earlier pipeline run; no parameter of a project can have a dash in its name."""
SEARCH = ("optuna>=5,<6", "cmaes>=0.12,<1", "scipy>=1.14")
"""What `runtime/search.py` imports."""
_HERE, _THERE = "/mlwright/mlflow", "/mlwright/project"
_PROGRAMS = {"step": "step.py", "search": "search.py", "gate": "gate.py", "register": "register.py"}
_HEADER = """\
Start it: mlflow run . --env-manager local
One step with what it needs: mlflow run . -e NAME -P parameter=value
Where the runs go, an http(s) address: set -a; . ./client.env; set +a
"""


def emit_project(project: Project, context: EmitContext) -> Iterator[Document | TextFile]:
    """`MLproject`, the step documents, the runtime programs, and the environment's files."""
    asked, jobs = project.tracking.project, Jobs(project)
    entries = tuple(jobs.entries())
    docker = asked.type == "docker"
    program = f"{_HERE}/runtime/project.py" if docker else "runtime/project.py"
    origin = Origin(path=(*project.tracking.origin.path, "project"))
    origins: dict[Path, Origin] = {(): origin}
    points: dict[str, Any] = {}
    for entry in entries:
        points[entry.name] = _point(program, entry)
        origins["entry_points", entry.name] = entry.origin
        for param, _ in entry.params:
            origins["entry_points", entry.name, "parameters", param.name] = param.origin
    yield Document(
        path="MLproject",
        data={"name": project.name, **_environment(project, context), "entry_points": points},
        origins=origins,
        parts=(Part(node=NODE, kind="MLproject"),),
        header=_HEADER,
    )
    if asked.type == "python":
        dependencies = ["-r requirements.txt", *(SEARCH if _tunes(project) else ())]
        yield Document(path="python_env.yaml", data={"dependencies": dependencies}, origins={(): origin})
        yield TextFile(path="requirements.txt", text=asked.requirements, origin=origin)
    folder = _THERE if docker else context.spec_folder
    yield Document(path="project.json", data=jobs.plan(entries, folder), origins={(): origin})
    yield from jobs.documents.values()
    used = {str(job["program"]) for job in jobs.by_name.values()}
    wanted = ["project.py", *(name for program, name in _PROGRAMS.items() if program in used or program == "step")]
    for name, text in sorted(closure(wanted, context.runtime).items()):
        yield TextFile(path=f"runtime/{name}", text=text)


def _point(program: str, entry: Entry) -> dict[str, Any]:
    names = [param.name for param, _ in entry.params]
    words = ["python3", "-S", program, entry.name, *(f"{name}={{{name}}}" for name in (*names, RUN))]
    params = {param.name: _parameter(param, value) for param, value in entry.params}
    return {"parameters": {**params, RUN: {"type": "string", "default": ""}}, "command": " ".join(words)}


def _parameter(param: Param, value: Json) -> dict[str, Json]:
    """A parameter as MLflow reads it: it knows numbers and texts, and prints a number as the launcher reads it."""
    kind = "float" if param.type in ("int", "float") else "string"
    if param.required and value is None:
        return {"type": kind}
    if kind == "string" and not isinstance(value, str):
        value = texts.canonical(value)
    return {"type": kind, "default": value}


def _environment(project: Project, context: EmitContext) -> dict[str, Any]:
    asked = project.tracking.project
    if asked.type == "python":
        return {"python_env": "python_env.yaml"}
    if asked.type != "docker":
        return {}
    # No `environment`: MLflow puts the values, which are secrets, into a shell command, and prints that.
    volumes = [f".:{_HERE}:ro", f"{shlex.quote(context.spec_folder)}:{_THERE}"]
    return {"docker_env": {"image": asked.image, "volumes": volumes}}


def _tunes(project: Project) -> bool:
    return any(isinstance(node, Search) for node in project.nodes)
