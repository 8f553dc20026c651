"""The files of a revision: what the same folder on disk has, read from git's objects."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.gitrepo import commit, git, write

from mlwright.gitops.repository import Repository
from mlwright.gitops.tree import Revision
from mlwright.source.files import Disk, FileMissing, NotAFile, Unreadable

FILES: dict[str, str | bytes | None] = {
    "mlproject.yaml": "a: 1\n",
    "sub/mlproject.yaml": "b: 2\n",
    "sub/deep/one.txt": "1",
    "sub/.hidden": "x",
    "sub/.cache/mlproject.yaml": "hidden",
    "sub/node_modules/mlproject.yaml": "installed",
    "sub/not utf-8 \udce4.txt": "latin",
    "empty.txt": "",
}
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"


def opened(folder: Path, root: Path | None = None, name: str = "HEAD") -> Revision:
    repository = Repository(str(folder))
    return repository.revision(git(folder, "rev-parse", name), name, str(root or folder))


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    write(folder, {os.fsencode(path).decode("utf-8", "surrogateescape"): text for path, text in FILES.items()})
    (folder / "link.txt").symlink_to("sub/deep/one.txt")
    (folder / "linked").symlink_to("sub")
    (folder / "round").symlink_to("round")
    (folder / "broken").symlink_to("nothing")
    commit(folder)
    return folder


def answers(files: Any, path: str) -> list[object]:
    found: list[object] = []
    asked: list[Callable[[], object]] = [
        lambda: files.read(path),
        lambda: files.size(path),
        lambda: files.exists(path),
        lambda: files.isdir(path),
        lambda: list(files.files(path)),
        lambda: list(files.walk(path, "mlproject.yaml")),
        lambda: list(files.walk(path)),
    ]
    for ask in asked:
        try:
            found.append(ask())
        except (FileMissing, NotAFile, Unreadable) as problem:
            found.append(type(problem))
    return found


@pytest.mark.parametrize(
    "path",
    [
        ".",
        "mlproject.yaml",
        "./sub/../mlproject.yaml",
        "sub",
        "sub/deep",
        "sub/deep/one.txt",
        "sub/not utf-8 \udce4.txt",
        "empty.txt",
        "link.txt",
        "linked",
        "linked/deep/one.txt",
        "broken",
        "nothing",
        "nothing/at/all",
        "mlproject.yaml/below",
    ],
)
def test_every_answer_is_that_of_the_folder_on_disk(repo: Path, path: str) -> None:
    assert answers(opened(repo), path) == answers(Disk(repo), path)


def test_paths_are_relative_to_the_root_also_where_they_lead_up(repo: Path) -> None:
    files = opened(repo, repo / "sub")
    assert files.read("../mlproject.yaml") == b"a: 1\n"
    assert list(files.walk("deep")) == ["deep/one.txt"]
    assert files.read(str(repo / "mlproject.yaml")) == b"a: 1\n"


def test_what_was_not_committed_and_what_came_later_is_not_there(repo: Path) -> None:
    write(repo, {"mlproject.yaml": "a: 2\n", "new.txt": "new"})
    commit(repo)
    files = opened(repo, name="HEAD~1")
    assert files.read("mlproject.yaml") == b"a: 1\n"
    assert not files.exists("new.txt")


def test_links_that_go_round_lead_nowhere(repo: Path) -> None:
    files = opened(repo)
    assert not files.exists("round")
    with pytest.raises(FileMissing):
        files.read("round")


@pytest.mark.parametrize("target", ["/etc/hostname", "../../outside.txt"])
def test_a_link_that_leads_out_of_the_repository_is_refused(repo: Path, target: str) -> None:
    (repo.parent / "outside.txt").write_text("secret")
    (repo / "sub" / "out").symlink_to(target)
    commit(repo)
    files = opened(repo)
    assert not files.exists("sub/out")
    with pytest.raises(Unreadable, match="leads out of the repository"):
        files.read("sub/out")


def test_a_path_out_of_the_repository_is_that_of_this_machine_and_is_told(repo: Path) -> None:
    (repo.parent / "platform.yaml").write_text("here")
    files = opened(repo)
    assert files.read("../platform.yaml") == b"here"
    assert files.exists("../platform.yaml") and not files.isdir("../platform.yaml")
    assert any("outside of the repository" in note for note in files.notes)


def test_a_submodule_is_an_empty_folder_and_what_is_wanted_from_it_is_told(repo: Path) -> None:
    library = repo.parent / "library"
    commit(library, {"platform.yaml": "x"})
    git(repo, "submodule", "add", "-q", str(library), "vendor/library")
    commit(repo)
    files = opened(repo)
    assert files.isdir("vendor/library") and list(files.walk("vendor")) == []
    assert not files.exists("vendor/library/platform.yaml")
    with pytest.raises(FileMissing):
        files.read("vendor/library/platform.yaml")
    with pytest.raises(NotAFile):
        files.read("vendor/library")
    assert any("submodule vendor/library" in note for note in files.notes)


def test_an_lfs_pointer_is_a_missing_file_and_the_note_says_what_to_run(repo: Path) -> None:
    commit(repo, {"data.yaml": POINTER.format("0" * 64, 5)})
    files = opened(repo)
    with pytest.raises(FileMissing):
        files.read("data.yaml")
    assert list(files.notes) == [
        "data.yaml at HEAD is a Git LFS pointer, so it is missing there: run `git lfs fetch --all`"
    ]


def test_an_lfs_file_that_has_been_fetched_is_read_from_where_lfs_keeps_it(repo: Path) -> None:
    data = b"kind: Platform\n"
    oid = hashlib.sha256(data).hexdigest()
    write(repo, {f".git/lfs/objects/{oid[:2]}/{oid[2:4]}/{oid}": data})
    commit(repo, {"data.yaml": POINTER.format(oid, len(data))})
    assert opened(repo).read("data.yaml") == data


def test_of_the_working_tree_what_lfs_wrote_is_read_and_a_pointer_is_missing(repo: Path) -> None:
    write(repo, {"data.yaml": "real", "pointer.yaml": POINTER.format("1" * 64, 4)})
    files = Repository(str(repo)).working_tree(str(repo))
    assert files.read("data.yaml") == b"real"
    with pytest.raises(FileMissing):
        files.read("pointer.yaml")
    assert list(files.notes) == ["pointer.yaml is a Git LFS pointer, so it is missing here: run `git lfs pull`"]


def test_nothing_is_written_to_the_repository(repo: Path) -> None:
    def state() -> dict[str, tuple[int, bytes]]:
        return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in repo.rglob("*") if path.is_file()}

    os.utime(repo / "mlproject.yaml", (1, 1))  # git would like to note that the file has not changed
    before = state()
    repository = Repository(str(repo))
    list(opened(repo).walk("."))
    assert repository.changed(git(repo, "rev-parse", "HEAD")) == []
    assert state() == before
