"""What is declared, what is installed and what a wheel carries are the same things."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

import mlwright

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
TARGETS = PROJECT["project"]["entry-points"]["mlwright.targets"]
LOCKS = ("core", "local", "test", "dev")


def pins(lock: str) -> dict[str, set[str]]:
    """Package -> pinned versions of one lock file (several where they depend on Python's version)."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9.-]+)==(\S+)", (ROOT / f".ci/{lock}.txt").read_text(), re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this checkout, built offline with the backend that is installed."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = out.glob("*.whl")
    return path


def test_every_folder_of_targets_has_an_entry_point() -> None:
    folders = {path.parent.name for path in ROOT.glob("targets/*/__init__.py")}
    declared = {value.split(":")[0] for value in TARGETS.values()}
    assert folders == declared, "a target is one folder under targets/ and one line in pyproject.toml"


def test_the_installed_entry_points_are_the_declared_ones() -> None:
    installed = {point.name: point.value for point in metadata.entry_points(group="mlwright.targets")}
    assert installed.items() >= TARGETS.items(), (
        "entry points changed: run `make test`, which installs the checkout anew"
    )


def test_the_version_is_read_from_the_package() -> None:
    assert metadata.version("mlwright") == mlwright.__version__


def test_a_wheel_carries_the_core_the_targets_and_the_shipped_programs(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.split("/")[0] for name in names}
    assert tops == {
        "mlwright",
        *(value.split(":")[0] for value in TARGETS.values()),
        wheel.name.removesuffix("-py3-none-any.whl") + ".dist-info",
    }
    programs = {f"mlwright/runtime/{path.name}" for path in ROOT.glob("compiler/mlwright/runtime/*.py")}
    assert programs
    assert programs <= names
    assert "mlwright/py.typed" in names
    templates = {
        path.relative_to(ROOT / "compiler").as_posix() for path in ROOT.glob("compiler/mlwright/templates/*/*.*")
    }
    assert templates
    assert templates <= names
    page = {path.relative_to(ROOT / "compiler").as_posix() for path in ROOT.glob("compiler/mlwright/review/page/*.*")}
    assert {"html", "css", "js", "py"} <= {name.rpartition(".")[2] for name in page}
    assert page <= names


def test_a_wheel_carries_every_module_of_the_checkout_and_no_cache(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for root in (ROOT / "compiler", ROOT / "targets"):
        assert {path.relative_to(root).as_posix() for path in root.glob("*/**/*.py")} <= names
    assert [name for name in names if "__pycache__" in name or name.endswith(".pyc")] == []


def test_an_unpacked_wheel_works_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    script = (
        "import mlwright, sys; from mlwright.cli import main; print(mlwright.__file__); sys.exit(main(['explain']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path / "site"))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_pins_everything_with_hashes_and_names_no_index(lock: str) -> None:
    text = (ROOT / f".ci/{lock}.txt").read_text()
    entries = re.split(r"^(?=\S)", text, flags=re.MULTILINE)
    assert all("--hash=sha256:" in entry for entry in entries if entry.strip())
    assert re.findall(r"https?://|--index|--find-links|file:", text) == []


@pytest.mark.parametrize(("smaller", "larger"), list(itertools.pairwise(LOCKS)))
def test_each_lock_file_is_part_of_the_next_at_the_same_versions(smaller: str, larger: str) -> None:
    assert pins(smaller).items() <= pins(larger).items(), "run `make lock`"


@pytest.mark.parametrize(("extra", "lock"), [(None, "core"), ("local", "local"), ("crds", "test"), ("cluster", "test")])
def test_what_the_package_declares_is_what_the_lock_files_were_made_from(extra: str | None, lock: str) -> None:
    project = PROJECT["project"]
    wanted = project["dependencies"] if extra is None else project["optional-dependencies"][extra]
    assert set(wanted) <= set((ROOT / f".ci/{lock}.in").read_text().splitlines())


def test_the_core_depends_on_nothing_heavy() -> None:
    names = {re.split(r"[<>=~ ]", requirement)[0].lower() for requirement in PROJECT["project"]["dependencies"]}
    assert names == {"pydantic", "pyyaml"}
