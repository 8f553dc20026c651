"""Which commits people mean, and what git refuses, in words that say what to type instead."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.gitrepo import commit, git, write

from mlwright.gitops.git import GitError
from mlwright.gitops.repository import Repository


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    commit(folder, {"a.txt": "1"})
    return folder


def refused(folder: Path, base: str = "", head: str = "") -> str:
    with pytest.raises(GitError) as problem:
        Repository(str(folder)).compare(base, head)
    return str(problem.value)


def test_the_default_base_is_that_of_the_remote_then_main_and_the_note_says_which(repo: Path) -> None:
    assert Repository(str(repo)).compare().notes == ("base: main",)
    git(repo, "update-ref", "refs/remotes/origin/trunk", "HEAD")
    git(repo, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    assert Repository(str(repo)).compare().base == "origin/trunk"


def test_without_a_default_branch_the_last_commit_is_the_base(repo: Path) -> None:
    git(repo, "branch", "-q", "-m", "work")
    found = Repository(str(repo)).compare()
    assert found.base == "HEAD" and "no default branch is known" in found.notes[0]


def test_what_is_compared_with_is_where_both_parted(repo: Path) -> None:
    parted = git(repo, "rev-parse", "HEAD")
    git(repo, "checkout", "-q", "-b", "topic")
    topic = commit(repo, {"b.txt": "2"})
    git(repo, "checkout", "-q", "main")
    commit(repo, {"c.txt": "3"})
    repository = Repository(str(repo))
    found = repository.compare("main", "topic")
    assert (found.since, found.to) == (parted, topic)
    assert repository.changed(found.since, found.to) == ["b.txt"]


def test_without_a_commit_in_common_the_base_itself_is_compared_with_and_told(repo: Path) -> None:
    git(repo, "checkout", "-q", "--orphan", "other")
    commit(repo, {"a.txt": "2"}, "of its own")
    found = Repository(str(repo)).compare("main")
    assert found.since == git(repo, "rev-parse", "main")
    assert any("no commit in common" in note for note in found.notes)


def test_new_changed_and_deleted_files_of_the_working_tree_are_changed_and_ignored_ones_are_not(repo: Path) -> None:
    commit(repo, {"b.txt": "2", "c.txt": "3", ".gitignore": "*.log\n", "same.txt": "4"})
    write(repo, {"b.txt": "22", "c.txt": None, "new/d ä.txt": "5", "e.log": "6"})
    os.utime(repo / "same.txt", (1, 1))
    assert Repository(str(repo)).changed(git(repo, "rev-parse", "HEAD")) == ["b.txt", "c.txt", "new/d ä.txt"]


def test_a_link_to_what_has_changed_has_changed(repo: Path) -> None:
    (repo / "folder").mkdir()
    (repo / "folder" / "link.txt").symlink_to("../a.txt")
    commit(repo)
    write(repo, {"a.txt": "2"})
    assert Repository(str(repo)).changed(git(repo, "rev-parse", "HEAD")) == ["a.txt", "folder/link.txt"]
    commit(repo)
    assert Repository(str(repo)).changed("HEAD~1", "HEAD") == ["a.txt", "folder/link.txt"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mian", "did you mean 'main'?"),
        ("feature/x", "fetch it with `git fetch origin feature/x`"),
        ("main..HEAD", "is not one revision"),
        ("--upload-pack=touch x", "is not one revision"),
        ("HEAD:a.txt", "there is no revision"),
        (" ", "is not one revision"),
    ],
)
def test_what_is_no_revision_is_refused_with_what_to_type(repo: Path, name: str, said: str) -> None:
    assert said in refused(repo, base=name)
    assert said in refused(repo, base="main", head=name)


def test_a_branch_that_only_the_remote_has_is_offered(repo: Path) -> None:
    git(repo, "update-ref", "refs/remotes/origin/topic", "HEAD")
    assert "did you mean 'origin/topic'?" in refused(repo, base="topic")


def test_a_repository_without_commits_has_nothing_to_compare(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert "there is no commit yet" in refused(tmp_path)


def test_outside_of_a_repository_there_are_no_revisions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "is in no git repository" in refused(tmp_path)


def test_without_git_the_message_says_so(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repo))
    assert "git is not on PATH" in refused(repo)


def test_a_repository_of_another_user_is_refused_with_what_to_type(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own switch for its tests of this
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    assert f"git config --global --add safe.directory {repo}" in refused(repo)


def test_a_shallow_clone_says_how_to_get_the_rest(repo: Path, tmp_path: Path) -> None:
    git(repo, "checkout", "-q", "-b", "topic")
    commit(repo, {"b.txt": "2"})
    git(repo, "checkout", "-q", "main")
    commit(repo, {"c.txt": "3"})
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth", "1", "--branch", "topic", f"file://{repo}", str(shallow))
    assert "fetch-depth: 0" in refused(shallow, base="main")
    git(shallow, "fetch", "-q", "--depth", "1", "origin", "main:refs/remotes/origin/main")
    assert "where HEAD left origin/main is not in this shallow clone" in refused(shallow, base="origin/main")


def test_a_bare_repository_takes_two_revisions(repo: Path, tmp_path: Path) -> None:
    commit(repo, {"a.txt": "2"})
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "-q", "--bare", str(repo), str(bare))
    assert "name the revision to look at with --head" in refused(bare, base="main")
    repository = Repository(str(bare))
    found = repository.compare("main~1", "main")
    assert repository.changed(found.since, found.to) == ["a.txt"]
    assert repository.revision(found.to, "main", str(bare)).read("a.txt") == b"2"


def test_a_worktree_of_git_has_its_own_files(repo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    git(repo, "worktree", "add", "-q", "-b", "topic", str(other))
    write(other, {"a.txt": "2"})
    repository = Repository(str(other))
    assert repository.changed(repository.compare("main").since) == ["a.txt"]
    assert Repository(str(repo)).changed(git(repo, "rev-parse", "main")) == []


def test_a_subfolder_leads_to_its_repository(repo: Path) -> None:
    commit(repo, {"sub/b.txt": "1"})
    write(repo, {"a.txt": "2"})
    repository = Repository(str(repo / "sub"))
    assert repository.top == str(repo) and repository.changed("HEAD") == ["a.txt"]


def test_what_a_hook_says_of_its_repository_does_not_count(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(repo, {"sub/b.txt": "1"})
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    assert Repository(str(repo / "sub")).top == str(repo)
