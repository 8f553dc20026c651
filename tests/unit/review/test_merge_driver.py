"""Real merges by git, with the driver installed: what merges, what stays in conflict, and that it is never hidden."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlwright import api, cli
from mlwright.gitops.merges import Question, Sides, sides
from mlwright.gitops.repository import Repository
from tests.unit.review import outputs

SPEC = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: probe}

params:
  rate: 0.1

steps:
  fit:
    image: "acme/probe:1"
    command: [python, fit.py, "--rate=${params.rate}"]
    resources: {memory: 1Gi}

  check:
    image: "acme/probe:1"
    command: [python, check.py]
    needs: [steps.fit]

environments:
  prod: {platform: platform.yaml}
"""
STAGING = "\n  staging: {platform: platform.yaml, namespace: probe-staging}\n"


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the user's, and the command under test on PATH."""
    given = {"user.name": "a", "user.email": "a@b", "init.defaultBranch": "main", "advice.mergeConflict": "false"}
    for number, (key, text) in enumerate(given.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", key)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", text)
    monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(given)))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_EDITOR", "true")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("CI", raising=False)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a compiled project."""
    folder = tmp_path_factory.mktemp("start")
    (folder / "mlproject.yaml").write_text(SPEC)
    (folder / "platform.yaml").write_text(outputs.PLATFORM)
    before = Path.cwd()
    os.chdir(folder)
    try:
        outputs.compile()
    finally:
        os.chdir(before)
    return folder


@pytest.fixture(autouse=True)
def repository(settings: None, start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working directory is a repository with the project, in which the driver is installed."""
    shutil.copytree(start, tmp_path / "r")
    monkeypatch.chdir(tmp_path / "r")
    git("init", "-q", ".")
    assert cli.main(["merge-driver", "install"]) == 0
    commit("start", compiled=False)


def git(*words: str, fails: bool = False) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    assert bool(done.returncode) == fails, done.stdout + done.stderr
    return done.stdout + done.stderr


def commit(message: str, *, compiled: bool = True) -> None:
    if compiled:
        outputs.compile()
    git("add", "-A")
    git("commit", "-qm", message)


def change(old: str, new: str, path: str = "mlproject.yaml") -> None:
    text = Path(path).read_text()
    assert old in text
    Path(path).write_text(text.replace(old, new))


def branches(ours: tuple[str, str], theirs: tuple[str, str]) -> None:
    """Two branches that have changed the project and compiled it; `main` is checked out."""
    git("checkout", "-qb", "other")
    change(*theirs)
    commit("theirs")
    git("checkout", "-q", "main")
    change(*ours)
    commit("ours")


def conflicts() -> list[str]:
    return git("diff", "--name-only", "--diff-filter=U").split()


def is_current() -> bool:
    found = [item for item in api.check(full=True).result.diagnostics if item.severity != "note"]
    return found == []


APART = ("rate: 0.1", "rate: 0.2"), ("needs: [steps.fit]", "needs: [steps.fit]\n    resources: {cpu: 2}")
TOGETHER = ("rate: 0.1", "rate: 0.2"), ("rate: 0.1", "rate: 0.3")


def test_without_the_driver_the_output_of_changes_apart_is_in_conflict() -> None:
    assert cli.main(["merge-driver", "uninstall"]) == 0
    branches(*APART)
    git("merge", "other", fails=True)
    assert "manifests/prod/index.json" in conflicts() and "mlproject.yaml" not in conflicts()


def test_changes_of_different_places_merge_to_what_the_merged_project_compiles_to() -> None:
    branches(*APART)
    git("merge", "--no-edit", "other")
    assert "rate: 0.2" in Path("mlproject.yaml").read_text() and "cpu: 2" in Path("mlproject.yaml").read_text()
    assert conflicts() == [] and git("status", "--porcelain") == ""
    assert is_current()


def test_a_rebase_merges_the_same_way_commit_by_commit() -> None:
    branches(*APART)
    git("checkout", "-q", "other")
    change("memory: 1Gi", "memory: 2Gi")
    commit("more of theirs")
    git("rebase", "main")
    assert is_current()
    git("checkout", "-q", "HEAD~1")
    assert "rate: 0.2" in Path("mlproject.yaml").read_text() and "memory: 1Gi" in Path("mlproject.yaml").read_text()
    assert is_current(), "each commit in between, too"


@pytest.mark.parametrize("several", [False, True])
def test_a_cherry_pick_merges_the_same_way(several: bool) -> None:
    branches(*APART)
    git("checkout", "-q", "other")
    change("memory: 1Gi", "memory: 2Gi")
    commit("more of theirs")
    git("checkout", "-q", "main")
    git("cherry-pick", *(["main..other"] if several else ["other"]))
    text = Path("mlproject.yaml").read_text()
    assert ("cpu: 2" in text) == several and "memory: 2Gi" in text and "rate: 0.2" in text
    assert is_current()


def test_a_revert_merges_the_same_way() -> None:
    change("rate: 0.1", "rate: 0.2")
    commit("one")
    change("memory: 1Gi", "memory: 2Gi")
    commit("two")
    git("revert", "--no-edit", "HEAD~1")
    text = Path("mlproject.yaml").read_text()
    assert "rate: 0.1" in text and "memory: 2Gi" in text
    assert is_current()


def test_a_conflict_of_the_project_leaves_the_output_in_conflict_and_says_what_to_do() -> None:
    branches(*TOGETHER)
    said = git("merge", "other", fails=True)
    assert {"mlproject.yaml", "manifests/prod/index.json"} <= set(conflicts())
    assert "mlproject.yaml has a conflict of its own" in said and "mlwright check --fix" in said
    (item,) = api.check().result.diagnostics
    assert item.code == "CHECK007" and item.message.startswith("mlproject.yaml")
    git("checkout", "--theirs", "mlproject.yaml")
    assert api.check(fix=True).result.diagnostics == ()
    commit("merged", compiled=False)
    assert is_current()


def test_compile_alone_mends_what_a_merge_left_once_the_project_is_resolved() -> None:
    branches(*TOGETHER)
    git("merge", "other", fails=True)
    git("checkout", "--ours", "mlproject.yaml")
    outputs.compile()
    commit("merged", compiled=False)
    assert is_current()


@pytest.mark.parametrize("how", [["rebase", "main"], ["cherry-pick", "main"]])
def test_a_conflict_of_the_project_stops_other_ways_to_merge_too(how: list[str]) -> None:
    branches(*TOGETHER)
    git("checkout", "-q", "other")
    git(*how, fails=True)
    assert {"mlproject.yaml", "manifests/prod/index.json"} <= set(conflicts())


def test_a_conflict_of_the_lock_leaves_the_output_in_conflict() -> None:
    lock = "environments: {{}}\nimages:\n  acme/probe:1: {{digest: 'sha256:{}'}}\n"
    Path("mlproject.lock").write_text("environments: {}\n")
    commit("lock")
    git("checkout", "-qb", "other")
    Path("mlproject.lock").write_text(lock.format("a" * 64))
    commit("theirs")
    git("checkout", "-q", "main")
    Path("mlproject.lock").write_text(lock.format("b" * 64))
    commit("ours")
    said = git("merge", "other", fails=True)
    assert {"mlproject.lock", "manifests/prod/index.json"} <= set(conflicts())
    assert "mlproject.lock has a conflict of its own" in said


def test_environments_that_each_side_adds_keep_the_merge_open_until_their_indexes_are_written_anew() -> None:
    new = "  {0}: {{platform: platform.yaml, namespace: {0}}}\n\n"
    first, last = "environments:\n", "  prod: {platform: platform.yaml}\n"
    branches((first, first + new.format("a")), (last, f"{last}\n" + new.format("b")))
    said = git("merge", "--no-edit", "other", fails=True)
    assert conflicts() == ["manifests/prod/index.json"]
    assert "manifests/a is on neither side what the merged project makes" in said
    assert api.check(fix=True).result.diagnostics == ()
    commit("merged", compiled=False)
    assert sorted(path.name for path in Path("manifests").iterdir()) == ["a", "b", "prod"]
    assert is_current()


def test_an_environment_that_one_side_removes_and_one_changes_stays_in_conflict() -> None:
    outputs.edit("mlproject.yaml", STAGING)
    commit("staging")
    branches((STAGING, ""), ("rate: 0.1", "rate: 0.3"))
    shutil.rmtree("manifests/staging")
    git("commit", "-qam", "remove staging's output")
    git("merge", "other", fails=True)
    assert all(path.startswith("manifests/staging/") for path in conflicts())
    assert api.check(fix=True).result.diagnostics == ()
    commit("merged", compiled=False)
    assert not Path("manifests/staging").exists() and is_current()


def test_a_project_that_is_wrong_only_when_merged_stays_in_conflict() -> None:
    git("checkout", "-qb", "other")
    change("[python, check.py]", '[python, check.py, "${params.rate}"]')
    commit("theirs")
    git("checkout", "-q", "main")
    change("params:\n  rate: 0.1\n\n", "")
    change(', "--rate=${params.rate}"', "")
    commit("ours")
    said = git("merge", "other", fails=True)
    assert "mlproject.yaml" not in conflicts() and "manifests/prod/index.json" in conflicts()
    assert "does not compile as it is merged" in said


def test_a_file_that_would_come_out_wrong_on_both_sides_keeps_the_merge_open() -> None:
    git("checkout", "-qb", "other")
    change("needs: [steps.fit]", "needs: [steps.fit]\n    resources: {cpu: 2}")
    commit("theirs")
    path = next(Path("manifests/prod/kubernetes").glob("role-*.yaml"))
    outputs.edit(path)
    commit("an edit by hand", compiled=False)
    git("checkout", "-q", "main")
    change("rate: 0.1", "rate: 0.2")
    commit("ours")
    said = git("merge", "other", fails=True)
    assert conflicts() == ["manifests/prod/index.json"]
    assert f"{path.name} is on neither side what the merged project makes" in said


def test_a_stash_stays_in_conflict_because_git_does_not_say_what_is_merged() -> None:
    change(*APART[0])
    outputs.compile()
    git("stash")
    change(*APART[1])
    commit("ours")
    git("stash", "pop", fails=True)
    assert "manifests/prod/index.json" in conflicts()
    assert api.check(fix=True).result.diagnostics == ()


def test_other_files_called_manifests_merge_as_ever() -> None:
    path = Path("charts/manifests/values.txt")
    path.parent.mkdir(parents=True)
    path.write_text("a\n\n\n\nb\n")
    commit("more", compiled=False)
    git("checkout", "-qb", "other")
    path.write_text("A\n\n\n\nb\n")
    commit("theirs", compiled=False)
    git("checkout", "-q", "main")
    path.write_text("a\n\n\n\nB\n")
    commit("ours", compiled=False)
    git("merge", "--no-edit", "other")
    assert path.read_text() == "A\n\n\n\nB\n"
    path.write_text("x\n")
    commit("ours again", compiled=False)
    git("checkout", "-q", "other")
    path.write_text("y\n")
    commit("theirs again", compiled=False)
    git("merge", "main", fails=True)
    assert "<<<<<<< " in path.read_text()


def test_projects_in_folders_and_a_platform_that_they_share() -> None:
    for name in ("one", "two"):
        Path(name).mkdir()
        Path(name, "mlproject.yaml").write_text(SPEC.replace("platform.yaml", "../platform.yaml"))
    outputs.compile("one", "two")
    commit("two more")
    git("checkout", "-qb", "other")
    change("1.34", "1.35", "platform.yaml")
    outputs.compile(".", "one", "two")
    commit("theirs")
    git("checkout", "-q", "main")
    change("rate: 0.1", "rate: 0.2", "one/mlproject.yaml")
    outputs.compile("one")
    commit("ours")
    git("merge", "--no-edit", "other")
    checked = api.check(["."], full=True)
    assert [item for item in checked.result.diagnostics if item.severity == "error"] == []


def test_installing_twice_changes_nothing_and_uninstalling_leaves_what_was_there(
    capsys: pytest.CaptureFixture[str],
) -> None:
    capsys.readouterr()
    before = Path(".gitattributes").read_text()
    assert "merge=mlwright" in before and "linguist-generated" in before
    assert cli.main(["merge-driver", "install"]) == 0
    assert capsys.readouterr().out == "nothing to change\n"
    Path(".gitattributes").write_text("*.bin -diff\n" + before)
    assert cli.main(["merge-driver", "uninstall"]) == 0
    assert Path(".gitattributes").read_text() == "*.bin -diff\n"
    assert git("config", "--local", "--get-regexp", "merge", fails=True) == ""
    assert cli.main(["merge-driver", "install", "--print"]) == 0
    assert "git config merge.mlwright.driver" in capsys.readouterr().out
    assert Path(".gitattributes").read_text() == "*.bin -diff\n"


@pytest.mark.parametrize("words", [[], ["instal"], ["a", "b", "c"], ["a", "b", "c", "d", "e", "f", "g", "h"]])
def test_other_words_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["merge-driver", *words]) == 2
    assert "`install`" in capsys.readouterr().err


def test_where_there_is_no_repository(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("bare"))
    assert cli.main(["merge-driver", "install"]) == 2


def test_the_sides_are_known_from_what_git_says_of_them_or_from_recent_commits_and_believed_only_if_they_fit() -> None:
    path = "mlproject.yaml"
    branches(*APART)
    base, ours, theirs = (git("rev-parse", name).strip() for name in ("main~1", "main", "other"))

    def found(
        labels: tuple[str, ...], told: str = "", *, of: tuple[str, str, str] = (base, ours, theirs)
    ) -> Sides | None:
        contents = [git("show", f"{commit}:{path}").encode() for commit in of]
        question = Question(path=path, base=contents[0], ours=contents[1], theirs=contents[2], labels=labels)
        with Repository(".") as repository:
            return sides(repository, question, {told: "other"} if told else {})

    picked = Sides(base=base, ours=ours, theirs=theirs)
    unknown = ("%S", "%X", "%Y")  # what git before 2.44 says instead of labels
    assert found(unknown, f"GITHEAD_{theirs}") == picked
    assert found(("parent of x", "HEAD", f"{theirs[:10]} (theirs)")) == picked
    assert found(unknown) == picked
    reverted = Sides(base=ours, ours=ours, theirs=base)
    assert found(("x", "HEAD", f"parent of {ours[:10]} (ours)"), of=(ours, ours, base)) == reverted
    assert found(unknown, of=(ours, ours, base)) == reverted
    assert found(unknown, f"GITHEAD_{theirs}", of=(ours, ours, ours)) is None
    git("checkout", "-q", "other")
    assert found(unknown, f"GITHEAD_{theirs}") is None, "ours is not what is checked out"
    git("checkout", "-q", "-b", "again", "main~1")
    git("cherry-pick", "other")
    git("commit", "--amend", "-m", "the same by another name", "--date=2001-01-01T00:00:00")
    git("checkout", "-q", "main")
    assert found(unknown) is None, "two commits did the same"
