"""The same project gives the same bytes, whatever is around it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def compiled(folder: Path, cwd: Path, **env: str) -> dict[str, bytes]:
    """The output of `mlwright compile` for the project in `folder`, started in `cwd`."""
    shutil.copytree(
        ROOT / "examples" / "breast-cancer", folder, ignore=shutil.ignore_patterns(".mlwright", "manifests")
    )
    command = [sys.executable, "-m", "mlwright", "compile", os.path.relpath(folder, cwd)]
    subprocess.run(command, cwd=cwd, env={**os.environ, **env}, check=True, capture_output=True)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted((folder / "manifests").rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("reference") / "project"
    return compiled(folder, folder.parent, PYTHONHASHSEED="0")


@pytest.mark.parametrize(
    "env",
    [
        {"PYTHONHASHSEED": "1"},
        {"PYTHONHASHSEED": "4711", "TZ": "Asia/Kathmandu"},
        {"LC_ALL": "C", "LANG": "C"},
        {"LC_ALL": "tr_TR.UTF-8", "PYTHONUTF8": "0"},
        {"HOME": "/nonexistent", "COLUMNS": "40", "NO_COLOR": "1"},
    ],
    ids=str,
)
def test_the_environment_leaves_no_trace(env: dict[str, str], reference: dict[str, bytes], tmp_path: Path) -> None:
    assert compiled(tmp_path / "project", tmp_path, **env) == reference


def test_neither_do_the_folder_nor_the_working_directory(reference: dict[str, bytes], tmp_path: Path) -> None:
    place = tmp_path / "with space" / "ünicode"
    place.mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    assert compiled(place / "project", tmp_path / "elsewhere") == reference


def test_no_path_host_or_version_stands_in_the_manifests(reference: dict[str, bytes]) -> None:
    from mlwright import __version__

    for name, data in reference.items():
        if name.endswith("index.json") or "/runtime/" in name:
            continue
        assert b"/tmp/pytest" not in data
        assert f"mlwright {__version__}".encode() not in data
