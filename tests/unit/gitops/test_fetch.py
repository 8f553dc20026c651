"""A base that a shallow checkout lacks: fetched as far as needed, or a refusal that says how to check out."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.action.checkout import Remote, git

from mlwright.gitops import fetch
from mlwright.gitops.git import GitError


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    """Eighty commits of `main`, of which `topic` left the tenth; two more commits of it."""
    made = Remote(tmp_path / "hosted")
    for number in range(10):
        made.commit({"file": str(number)})
    made.branch("topic")
    made.commit({"topic": "1"})
    made.commit({"topic": "2"})
    made.branch("main", "topic~2")
    for number in range(70):
        made.commit({"file": f"main {number}"})
    made.push("main", "topic")
    return made


def commit(remote: Remote, name: str) -> str:
    return git(remote.work, "rev-parse", name)


def parted(folder: Path, base: str) -> str:
    return git(folder, "merge-base", base, "HEAD")


@pytest.mark.parametrize("name", ["main", "the commit"])
def test_a_shallow_checkout_gets_the_base_and_where_both_parted(name: str, remote: Remote, tmp_path: Path) -> None:
    folder = remote.checkout(tmp_path / "checkout", commit(remote, "topic"))
    base = commit(remote, "main")
    assert fetch.base(str(folder), base if name == "the commit" else name) == base
    assert parted(folder, base) == commit(remote, "topic~2")


def test_the_same_from_a_server_that_gives_branches_only(remote: Remote, tmp_path: Path) -> None:
    git(remote.bare, "config", "uploadpack.allowAnySHA1InWant", "false")
    folder = remote.checkout(tmp_path / "checkout", "topic")
    git(folder, "config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
    assert fetch.base(str(folder), "main") == commit(remote, "main")
    assert parted(folder, commit(remote, "main")) == commit(remote, "topic~2")


def test_a_whole_clone_stays_whole_and_asks_nobody(remote: Remote, tmp_path: Path) -> None:
    folder = remote.checkout(tmp_path / "checkout", "topic", depth=0)
    git(folder, "fetch", "--quiet", "origin", "+refs/heads/main:refs/remotes/origin/main")
    git(folder, "remote", "set-url", "origin", f"{remote.url}-gone")
    assert fetch.base(str(folder), "main") == commit(remote, "main")
    assert git(folder, "rev-parse", "--is-shallow-repository") == "false"


def test_a_base_that_the_server_has_is_fetched_into_a_whole_clone_without_making_it_shallow(
    remote: Remote, tmp_path: Path
) -> None:
    folder = remote.checkout(tmp_path / "checkout", "topic", depth=0)
    assert fetch.base(str(folder), "main") == commit(remote, "main")
    assert git(folder, "rev-parse", "--is-shallow-repository") == "false"


def test_histories_with_nothing_in_common_are_no_refusal(remote: Remote, tmp_path: Path) -> None:
    git(remote.work, "checkout", "--quiet", "--orphan", "other")
    other = remote.commit({"x": "1"})
    remote.push("other")
    folder = remote.checkout(tmp_path / "checkout", "topic")
    assert fetch.base(str(folder), "other") == other


@pytest.mark.parametrize("name", ["nowhere", "1" * 40])
def test_a_base_that_nobody_has_is_refused_with_what_to_do(name: str, remote: Remote, tmp_path: Path) -> None:
    folder = remote.checkout(tmp_path / "checkout", "topic")
    with pytest.raises(GitError, match=rf"{name} is not in this clone.*fetch-depth: 0"):
        fetch.base(str(folder), name)


def test_a_clone_whose_server_is_gone_is_refused_with_what_to_do(remote: Remote, tmp_path: Path) -> None:
    folder = remote.checkout(tmp_path / "checkout", "topic")
    git(folder, "fetch", "--quiet", "--depth=1", "origin", "main")
    git(folder, "remote", "set-url", "origin", f"{remote.url}-gone")
    with pytest.raises(GitError, match=r"where HEAD left .* is not in this shallow clone .*fetch-depth: 0"):
        fetch.base(str(folder), commit(remote, "main"))


@pytest.mark.parametrize(
    "name", ["--upload-pack=x", "a:b", "+a", "a..b", "a b", "", "-", "a\n", "main@{1}", "^a", "a~1"]
)
def test_what_is_no_name_is_refused_before_git_sees_it(name: str, remote: Remote, tmp_path: Path) -> None:
    with pytest.raises(GitError, match="is not one revision"):
        fetch.base(str(remote.work), name)


def test_a_folder_of_no_repository_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="is in no git repository"):
        fetch.base(str(tmp_path), "main")
