"""Files come from a folder or a dictionary in the same way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlwright.source.files import Disk, FileMissing, FileTree, Memory, NotAFile

FILES = {
    "mlproject.yaml": "a", "x/mlproject.yaml": "b", "x/y/mlproject.yaml": "c", ".hidden/mlproject.yaml": "d",
    "node_modules/p/mlproject.yaml": "e", "xy/other.yaml": "f",
}  # fmt: skip


@pytest.fixture(params=["disk", "memory"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> FileTree:
    if request.param == "memory":
        return Memory(FILES)
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return Disk(tmp_path)


def test_files_are_read_by_posix_paths(files: FileTree) -> None:
    assert files.read("x/y/mlproject.yaml") == b"c"
    assert files.read("./x/../mlproject.yaml") == b"a"
    assert files.size("x/mlproject.yaml") == 1


def test_what_is_not_there_or_not_a_file_has_its_own_error(files: FileTree) -> None:
    for path in ["nowhere", "x/nowhere", "mlproject.yaml/x"]:
        with pytest.raises(FileMissing):
            files.read(path)
    for path in ["x", "x/y", "."]:
        with pytest.raises(NotAFile):
            files.read(path)


def test_folders_exist_but_are_not_files(files: FileTree) -> None:
    assert (
        files.exists("x") and files.isdir("x") and files.exists("mlproject.yaml") and not files.isdir("mlproject.yaml")
    )
    assert not files.exists("nowhere") and not files.isdir("nowhere")


def test_walking_finds_files_by_name_sorted_and_skips_hidden_and_installed_folders(files: FileTree) -> None:
    assert list(files.walk(".", "mlproject.yaml")) == ["mlproject.yaml", "x/mlproject.yaml", "x/y/mlproject.yaml"]
    assert list(files.walk("x", "mlproject.yaml")) == ["x/mlproject.yaml", "x/y/mlproject.yaml"]
    assert list(files.walk("xy", "mlproject.yaml")) == []


def test_the_files_of_a_folder_are_listed_without_hidden_ones_and_folders(files: FileTree) -> None:
    assert list(files.files(".")) == ["mlproject.yaml"]
    assert list(files.files("x/")) == ["mlproject.yaml"]
    assert list(files.files(".hidden")) == ["mlproject.yaml"]
    assert list(files.files("mlproject.yaml")) == list(files.files("nowhere")) == []


def test_pipes_and_devices_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in ["pipe", "/dev/zero"]:
        with pytest.raises(NotAFile):
            Disk(tmp_path).read(path)


def test_text_with_lone_surrogates_is_kept_as_bytes() -> None:
    assert Memory({"a": "\ud800"}).read("a") == b"\xed\xa0\x80"
