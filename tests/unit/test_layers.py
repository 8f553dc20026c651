"""What import-linter cannot see: the shipped programs are no package, and run where mlwright is not installed."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = sorted((ROOT / "compiler/mlwright/runtime").glob("*.py"))
SIBLINGS = {path.stem for path in PROGRAMS}
TOOLS_IMAGE = {"optuna", "cmaes", "scipy", "numpy", "sklearn"}
"""What the search service may import: it runs in an image of ours, nothing else does."""
SEARCH = {"search", "searchservice", "searchspace", "samplers", "hyperband", "medianstop"}


def imported(path: Path) -> Iterator[str]:
    """Top-level names of every import in a file, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.name)
def test_a_shipped_program_needs_the_standard_library_and_its_siblings_only(path: Path) -> None:
    names = {name.split(".")[0] for name in imported(path)}
    allowed = set(sys.stdlib_module_names) | SIBLINGS | (TOOLS_IMAGE if path.stem in SEARCH else set())
    assert names - allowed == set()


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.name)
def test_a_shipped_program_is_written_in_python_3_8(path: Path) -> None:
    ast.parse(path.read_text(), feature_version=(3, 8))


def test_nothing_imports_a_shipped_program_as_a_module_of_mlwright_but_the_order_of_runs() -> None:
    """That one is the same state machine here and in a cluster, and has no siblings that would have to be found."""
    sources = [*ROOT.glob("compiler/**/*.py"), *ROOT.glob("targets/**/*.py")]
    names = {name for path in sources for name in imported(path) if name.startswith("mlwright.runtime.")}
    assert names == {"mlwright.runtime.order"}
    assert set(imported(ROOT / "compiler/mlwright/runtime/order.py")) <= set(sys.stdlib_module_names)


def test_heavy_packages_are_never_imported_at_the_top_of_a_module() -> None:
    heavy = {"mlflow", "optuna", "kubernetes", "git", "jinja2", "rich", "jsonschema"}
    found = []
    sources = [*ROOT.glob("compiler/mlwright/**/*.py"), *ROOT.glob("targets/**/*.py")]
    for path in (path for path in sources if "templates" not in path.parts):  # those are users' programs
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = (
                    [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
                )
                found += [f"{path.name}: {name}" for name in names if name.split(".")[0] in heavy]
    assert found == []
