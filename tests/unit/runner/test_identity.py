"""The digest of the code changes with what would be in the image, and with nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlwright.runner.identity import code_digest, git_facts, installed, search_path

PATH = str(Path(sys.executable).parent)


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "train.py").write_text("print(1)\n")
    return tmp_path


@pytest.mark.parametrize("name", ["src/train.py", "src/new.py", "data.csv", "deep/er/x.txt", "src/mlproject.yaml"])
def test_a_changed_file_changes_the_digest(spec: Path, name: str) -> None:
    before = code_digest(spec, "", PATH)
    (spec / name).parent.mkdir(parents=True, exist_ok=True)
    (spec / name).write_text("print(2)\n")
    assert code_digest(spec, "", PATH) != before


@pytest.mark.parametrize(
    "name",
    [
        ".git/index",
        ".mlwright/mlflow.db",
        "manifests/local/x.yaml",
        "src/__pycache__/a.pyc",
        ".env",
        "mlproject.yaml",
        "mlproject.lock",
        ".venv/x",
        "env/x",
    ],
)
def test_state_output_and_caches_do_not_count(spec: Path, name: str) -> None:
    (spec / "env").mkdir()
    (spec / "env" / "pyvenv.cfg").write_text("")
    before = code_digest(spec, "", PATH)
    (spec / name).parent.mkdir(parents=True, exist_ok=True)
    (spec / name).write_text("x")
    assert code_digest(spec, "", PATH) == before


@pytest.mark.parametrize(
    ("rules", "name", "counts"),
    [
        ("data", "data/x.csv", False),
        ("/data/", "data/x.csv", False),
        ("*.csv", "x.csv", False),
        ("*.csv", "data/x.csv", True),
        ("**/*.csv", "data/deep/x.csv", False),
        ("**/*.csv", "x.csv", False),
        ("data/*", "data/deep/x.csv", False),
        ("data\n!data/keep.csv", "data/keep.csv", True),
        ("data\n!data/keep.csv", "data/other.csv", False),
        ("# data", "data/x.csv", True),
        ("dat?", "data/x.csv", False),
        ("dat", "data/x.csv", True),
    ],
)
def test_dockerignore_is_honoured_in_a_build_context(spec: Path, rules: str, name: str, counts: bool) -> None:
    (spec / ".dockerignore").write_text(rules + "\n")
    before = code_digest(spec, ".", PATH)
    (spec / name).parent.mkdir(parents=True, exist_ok=True)
    (spec / name).write_text("x")
    assert (code_digest(spec, ".", PATH) != before) is counts


def test_a_rename_changes_the_digest(spec: Path) -> None:
    before = code_digest(spec, "", PATH)
    (spec / "src" / "train.py").rename(spec / "src" / "fit.py")
    assert code_digest(spec, "", PATH) != before


def test_links_count_by_where_they_point_and_never_loop(spec: Path) -> None:
    (spec / "loop").symlink_to(spec)
    before = code_digest(spec, "", PATH)
    (spec / "link").symlink_to("src/train.py")
    assert code_digest(spec, "", PATH) != before


def test_the_distributions_of_the_path_are_listed() -> None:
    assert any(name.lower().startswith("pyyaml==") for name in installed(PATH))


def test_a_path_without_python_has_no_distributions(tmp_path: Path) -> None:
    assert installed(str(tmp_path)) == ()


def test_our_own_bin_folder_comes_first_unless_an_environment_is_active() -> None:
    assert search_path({"PATH": "/usr/bin"}) == f"{PATH}{os.pathsep}/usr/bin"
    assert search_path({"PATH": "/usr/bin", "VIRTUAL_ENV": "/v"}) == "/usr/bin"
    assert search_path({"PATH": "/usr/bin", "CONDA_PREFIX": "/c"}) == "/usr/bin"


def test_git_facts_are_the_commit_and_whether_it_is_changed(spec: Path) -> None:
    assert git_facts(spec) == {}
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-C", str(spec)]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *words], check=True)
    assert git_facts(spec)["MLWRIGHT_GIT_DIRTY"] == "false"
    (spec / "src" / "train.py").write_text("print(3)\n")
    facts = git_facts(spec)
    assert facts["MLWRIGHT_GIT_DIRTY"] == "true"
    assert len(facts["MLWRIGHT_GIT_REVISION"]) == 40
