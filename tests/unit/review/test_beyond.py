"""What is committed beside what the project's change means, in real repositories."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlwright import api
from mlwright.review.model import Beyond
from tests.gitrepo import commit, write

HEAD = "apiVersion: mlwright.dev/v1\nkind: MLProject\nmetadata: {name: demo}\n"
SPEC = HEAD + "defaults: {steps: {image: demo:1}}\nsteps:\n  a: {command: [echo, hello]}\n  b: {command: [echo, b]}\n"
SPEC += "environments:\n  one: {platform: compose}\n"
CHANGED = SPEC.replace("hello", "there")
STEP = "manifests/one/compose/steps/a.json"


@pytest.fixture(autouse=True)
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "repo"
    commit(folder, {"sub/mlproject.yaml": SPEC})
    monkeypatch.chdir(folder / "sub")
    compiled(folder)
    return folder


def compiled(repo: Path) -> None:
    assert not api.compile().failed
    commit(repo)


def found(base: str = "HEAD", head: str = "") -> list[Beyond]:
    review = api.diff(base=base, head=head).review
    assert review is not None
    return [item for project in review.projects for one in project.environments for item in one.beyond]


def told(items: list[Beyond]) -> list[tuple[str, str]]:
    return [(item.file, item.why) for item in items]


def edit(repo: Path, path: str, old: str, new: str) -> None:
    file = repo / "sub" / path
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def test_what_was_compiled_after_the_change_is_explained_by_it(repo: Path) -> None:
    write(repo, {"sub/mlproject.yaml": CHANGED})
    compiled(repo)
    assert found("HEAD~1", "HEAD") == []


def test_what_was_not_compiled_after_the_change_is_stale(repo: Path) -> None:
    write(repo, {"sub/mlproject.yaml": CHANGED})
    items = found()
    assert (f"sub/{STEP}", "stale") in told(items) and {item.why for item in items} == {"stale"}


def test_an_edit_by_hand_is_told_with_its_fields_though_the_project_is_the_same(repo: Path) -> None:
    edit(repo, STEP, '"hello"', '"by hand"')
    (item,) = found()
    assert (item.file, item.why) == (f"sub/{STEP}", "hand")
    assert [(field.before, field.after) for field in item.fields] == [("hello", "by hand")]


def test_an_edit_by_hand_beside_a_change_is_told_apart_from_it(repo: Path) -> None:
    write(repo, {"sub/mlproject.yaml": CHANGED})
    assert not api.compile().failed
    edit(repo, "manifests/one/compose/steps/b.json", '"b"', '"by hand"')
    (item,) = found()
    assert (item.file, item.why) == ("sub/manifests/one/compose/steps/b.json", "hand")


def test_an_edit_that_was_there_before_is_no_part_of_the_change(repo: Path) -> None:
    edit(repo, STEP, '"hello"', '"by hand"')
    commit(repo, {"note.txt": "x"})
    write(
        repo, {"sub/manifests/one/compose/steps/b.json": (repo / "sub/manifests/one/compose/steps/b.json").read_text()}
    )
    assert found() == []


def test_a_committed_file_that_is_removed_by_hand_is_told(repo: Path) -> None:
    write(repo, {f"sub/{STEP}": None})
    assert told(found()) == [(f"sub/{STEP}", "hand")]


def test_what_another_version_of_the_compiler_wrote_is_told_as_that(repo: Path) -> None:
    index = repo / "sub/manifests/one/index.json"
    edit(repo, STEP, '"hello"', '"hello", "--new"')
    data = json.loads(index.read_text())
    import hashlib

    data["compiler"] = "99.0.0"
    data["files"][STEP] = hashlib.sha256((repo / "sub" / STEP).read_bytes()).hexdigest()
    index.write_text(json.dumps(data))
    assert told(found()) == [(f"sub/{STEP}", "compiler")]


def test_other_spaces_and_another_order_of_keys_are_no_difference(repo: Path) -> None:
    file = repo / "sub" / STEP
    file.write_text(json.dumps(dict(reversed(json.loads(file.read_text()).items()))))
    assert found() == []


def test_a_file_of_somebody_else_in_the_folder_is_left_alone(repo: Path) -> None:
    write(repo, {"sub/manifests/one/extra.yaml": "a: 1\n"})
    assert found() == []


def test_without_committed_output_there_is_nothing_beyond(repo: Path) -> None:
    commit(repo, {"sub/manifests/one/index.json": None})
    write(repo, {"sub/mlproject.yaml": CHANGED})
    assert found() == []


def test_output_that_is_committed_for_the_first_time_and_is_right_is_explained(repo: Path) -> None:
    assert found("HEAD~1", "HEAD") == []


def test_a_file_that_cannot_be_read_as_what_it_was_is_told(repo: Path) -> None:
    write(repo, {f"sub/{STEP}": "<<<<<<< ours\n{}\n=======\n"})
    assert told(found()) == [(f"sub/{STEP}", "hand")]
