"""What the programs are made of, and the schema of what they read."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

ROOT = Path(__file__).parents[3]
RUNTIME = ROOT / "compiler" / "mlwright" / "runtime"
SCHEMA = json.loads((ROOT / "schemas" / "step.v1.schema.json").read_text())
STARTED = ("step", "gate", "register", "root", "serve")


def imports(path: Path) -> set[str]:
    """Top-level names of everything that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def shipped(program: str) -> set[str]:
    """The names of a program and of its siblings that it imports, directly or not."""
    siblings = {path.stem for path in RUNTIME.glob("*.py")}
    found, waiting = set(), {program}
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= (imports(RUNTIME / f"{name}.py") & siblings) - found
    return found


OURS = sorted(set().union(*(shipped(program) for program in STARTED)))


@pytest.mark.parametrize("name", OURS)
def test_a_program_is_python_3_8_and_the_standard_library_only(name: str) -> None:
    path = RUNTIME / f"{name}.py"
    ast.parse(path.read_text(), feature_version=(3, 8))
    assert imports(path) - set(OURS) <= set(sys.stdlib_module_names)


def test_starting_imports_nothing_heavy() -> None:
    code = f"import sys; sys.path.insert(0, {str(RUNTIME)!r}); import step; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    heavy = {
        "urllib",
        "http",
        "ssl",
        "subprocess",
        "threading",
        "tempfile",
        "shutil",
        "hashlib",
        "typing",
        "dataclasses",
    }
    assert not heavy & set(done.stdout.split())


def test_every_step_document_of_the_tests_is_valid(pipeline: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    document = pipeline.document(
        "all",
        command={"argv": [["python"], ["--lr=", {"ref": "params.lr"}]]},
        params={"lr": {"type": "float", "default": 0.1, "from": "tuning"}},
        inputs={"steps.a.outputs.x": {"step": "steps.a", "output": "x", "type": "int"}},
        when=["and", ["==", {"ref": "params.lr"}, {"lit": 1}], ["not", {"lit": False}]],
        needs=[{"step": "steps.a", "optional": True}],
        distributed={"nodes": 1, "processes_per_node": 2, "launcher": "torchrun", "max_restarts": 0},
        artifacts={"type": "mlflow", "max_proxied": 5},
    )
    jsonschema.validate(document, SCHEMA)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"kind": "stepp"},
        {"unknown": 1},
        {"command": {"argv": ["python"]}},
        {"command": {"script": "x", "argv": []}},
        {"when": ["xor", {"lit": 1}, {"lit": 2}]},
        {"params": {"lr": {"type": "double"}}},
        {"artifacts": {"type": "directory"}},
    ],
)
def test_a_document_with_something_else_is_not(pipeline: Any, change: dict[str, Any]) -> None:
    document = pipeline.document("x", command={"argv": [["true"]]})
    jsonschema.validate(document, SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document | change, SCHEMA)


@pytest.mark.parametrize(
    ("binding", "kind", "of_a_run"),
    [("locked", "registry", False), ("locked", "uri", False), ("run", "registry", True), ("locked", "output", True)],
)
def test_only_an_endpoint_of_what_a_run_makes_has_to_be_told_which_run(
    binding: str, kind: str, of_a_run: bool, tmp_path: Path
) -> None:
    (tmp_path / "model").mkdir()
    document = {
        "version": 1,
        "kind": "serve",
        "binding": binding,
        "model": {
            "kind": kind,
            "model": "m",
            "version": "",
            "uri": (tmp_path / "model").as_uri(),
            "step": "t",
            "output": "o",
        },
        "folder": str(tmp_path / "served" / "files"),
    }
    (tmp_path / "serve.json").write_text(json.dumps(document))
    env = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "MLWRIGHT_PATIENCE": "0"}
    words = [sys.executable, "-S", str(RUNTIME / "serve.py"), str(tmp_path / "serve.json")]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    assert ("MLWRIGHT_RUN must name the pipeline run" in done.stderr) == of_a_run, done.stderr
