"""The state folder: one run at a time, earlier runs by the beginning of their id, the end of a log."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mlwright.runner.folder import BusyError, Folder, tail


def test_the_folder_keeps_itself_out_of_git(folder: Folder) -> None:
    subprocess.run(["git", "init", "-q"], cwd=folder.spec, check=True)
    folder.database.touch()
    status = subprocess.run(
        ["git", "status", "--porcelain", "-uall"], cwd=folder.spec, check=True, capture_output=True, text=True
    )
    assert status.stdout == ""


def test_a_second_run_is_told_who_holds_the_folder(folder: Folder) -> None:
    with folder.held(), pytest.raises(BusyError, match=r"process \d+"), folder.held():
        pass


def test_the_folder_is_free_again_afterwards_and_after_a_crash(folder: Folder) -> None:
    code = "import os, sys; from pathlib import Path; from mlwright.runner.folder import Folder\n"
    code += "held = Folder(Path(sys.argv[1])).held(); held.__enter__(); os._exit(1)"
    subprocess.run([sys.executable, "-c", code, str(folder.spec)], env={"PYTHONPATH": ":".join(sys.path)}, check=False)
    with folder.held():
        pass
    with folder.held():
        pass


@pytest.mark.parametrize(
    ("text", "found"),
    [("abc1", "abc1"), ("abd", "abd2"), ("ab", None), ("x", None), ("", None), ("..", None), ("../runs/abc1", None)],
)
def test_an_earlier_run_by_the_beginning_of_its_id(folder: Folder, text: str, found: str | None) -> None:
    for name in ("abc1", "abd2"):
        folder.run(name).mkdir(parents=True)
    assert folder.resumed(text) == found


def test_an_id_that_begins_another_is_itself(folder: Folder) -> None:
    for name in ("ab", "abc"):
        folder.run(name).mkdir(parents=True)
    assert folder.resumed("ab") == "ab"


def test_the_end_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"line {n}\n" for n in range(100)))
    assert tail(log, 2) == ("line 98", "line 99")


def test_the_end_of_a_huge_line_and_of_bytes_that_are_no_text(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * 10**6 + b"\xff\n")
    (line,) = tail(log)
    assert len(line) < 70_000
    assert line.endswith("\N{REPLACEMENT CHARACTER}")


def test_a_log_that_is_not_there_has_no_end(tmp_path: Path) -> None:
    assert tail(tmp_path / "none") == ()


def test_the_tracking_servers_files_go_where_the_project_says(tmp_path: Path) -> None:
    folder = Folder(tmp_path, "kept/runs.db", "kept/files")
    folder.prepare()
    assert folder.database == tmp_path / "kept" / "runs.db" and folder.database.parent.is_dir()
    assert folder.artifacts == tmp_path / "kept" / "files"
    assert folder.runs == tmp_path / ".mlwright" / "runs"
