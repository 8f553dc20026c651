"""What `diff` finds between two revisions of real repositories."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mlwright import api
from mlwright.review.model import Review
from tests.gitrepo import commit, git, write

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
HEAD = "apiVersion: mlwright.dev/v1\nkind: MLProject\nmetadata: {name: demo}\n"
SPEC = HEAD + "defaults: {steps: {image: demo:1}}\nsteps:\n  a: {command: [echo, hello]}\n"
ENVIRONMENTS = "environments:\n  one: {platform: compose}\n  two: {platform: kubernetes}\n"

PLATFORM = "apiVersion: mlwright.dev/v1\nkind: Platform\norchestrator: kubernetes\nkubernetes: '1.30'\n"


@pytest.fixture(autouse=True)
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "repo"
    commit(folder, {"mlproject.yaml": SPEC + ENVIRONMENTS})
    monkeypatch.chdir(folder)
    return folder


def reviewed(*paths: str, base: str = "HEAD", head: str = "") -> Review:
    found = api.diff(paths, base=base, head=head)
    assert found.review is not None, found.result.usage_error
    return found.review


def test_a_revision_beside_itself_has_no_difference() -> None:
    assert reviewed(base="HEAD", head="HEAD").projects == ()
    assert reviewed().projects == ()


def test_a_changed_command_is_told_by_object_and_field_in_each_environment(repo: Path) -> None:
    write(repo, {"mlproject.yaml": (SPEC + ENVIRONMENTS).replace("hello", "there")})
    (project,) = reviewed().projects
    assert (project.spec, project.name, project.status) == ("mlproject.yaml", "demo", "changed")
    one, two = project.environments
    (step,) = (item for item in one.objects if item.file == "compose/steps/a.json")
    assert [(item.before, item.after, item.origin) for item in step.fields] == [("hello", "there", ("steps", "a"))]
    (config,) = (item for item in two.objects if item.name.startswith("demo-a-"))
    assert (config.kind, config.action) == ("ConfigMap", "change") and config.was != config.name
    assert all(not item.fields for item in (*one.followers, *two.followers))


def test_comments_and_the_order_of_keys_are_no_difference(repo: Path) -> None:
    write(repo, {"mlproject.yaml": "# about it\n" + HEAD + ENVIRONMENTS + SPEC.removeprefix(HEAD)})
    assert reviewed().projects == ()


def test_a_project_that_is_new_or_gone_is_all_added_or_all_removed(repo: Path) -> None:
    write(repo, {"other/mlproject.yaml": SPEC + ENVIRONMENTS})
    (new,) = reviewed(".").projects
    assert (new.spec, new.status) == ("other/mlproject.yaml", "added")
    assert {item.action for one in new.environments for item in one.objects} == {"add"}
    commit(repo)
    commit(repo, {"other/mlproject.yaml": None})
    (gone,) = reviewed(".", base="HEAD~1").projects
    assert gone.status == "removed"
    assert {item.action for one in gone.environments for item in one.objects} == {"remove"}


def test_what_came_into_the_base_later_is_not_part_of_the_change(repo: Path) -> None:
    git(repo, "checkout", "-q", "-b", "topic")
    commit(repo, {"mlproject.yaml": (SPEC + ENVIRONMENTS).replace("hello", "there")})
    git(repo, "checkout", "-q", "main")
    commit(repo, {"mlproject.yaml": (SPEC + ENVIRONMENTS).replace("demo:1", "demo:2")})
    review = reviewed(base="main", head="topic")
    values = {item.after for one in review.projects[0].environments for o in one.objects for item in o.fields}
    assert values == {"there"}
    assert any("where topic left main" in note for note in review.notes)


def test_errors_at_head_are_findings_and_nothing_is_compared(repo: Path) -> None:
    write(repo, {"mlproject.yaml": (SPEC + ENVIRONMENTS).replace("command", "comand")})
    found = api.diff(base="HEAD")
    assert found.result.failed and found.review is not None
    assert [one.compiled for one in found.review.projects[0].environments] == [False, False]
    assert "comand" in (found.read("mlproject.yaml") or "")


def test_errors_at_base_are_a_note_and_nothing_is_called_new(repo: Path) -> None:
    commit(repo, {"mlproject.yaml": (SPEC + ENVIRONMENTS).replace("command", "comand")})
    write(repo, {"mlproject.yaml": SPEC + ENVIRONMENTS})
    review = reviewed()
    assert review.plan == {"add": 0, "change": 0, "replace": 0, "remove": 0}
    assert any("has errors at HEAD" in note for note in review.notes)


def test_a_file_that_does_not_parse_at_base_is_a_note(repo: Path) -> None:
    commit(repo, {"mlproject.yaml": "a: [\n"})
    write(repo, {"mlproject.yaml": SPEC + ENVIRONMENTS})
    review = reviewed()
    assert review.plan["add"] == 0
    assert any("mlproject.yaml has errors at HEAD" in note for note in review.notes)


def test_a_project_elsewhere_is_compared_in_its_own_repository(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(repo, {"sub/mlproject.yaml": SPEC + ENVIRONMENTS})
    write(repo, {"sub/mlproject.yaml": (SPEC + ENVIRONMENTS).replace("hello", "there")})
    (repo.parent / "elsewhere").mkdir()
    monkeypatch.chdir(repo.parent / "elsewhere")
    for path in (str(repo), f"{repo}/sub/mlproject.yaml", "../repo", "../repo/sub"):
        assert [project.spec for project in reviewed(path).projects] == ["sub/mlproject.yaml"]
    monkeypatch.chdir(repo / "sub")
    for path in ("..", ".", str(repo), "mlproject.yaml"):
        assert [project.spec for project in reviewed(path).projects] == ["sub/mlproject.yaml"]


def test_of_many_projects_those_that_the_change_can_affect_are_compiled(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlwright import reviews

    spec = SPEC + "environments: {prod: {platform: ../platform.yaml}}\n"
    names = ["one", "two", "three"]
    commit(
        repo, {"all/platform.yaml": PLATFORM, **{f"all/{name}/mlproject.yaml": SPEC + ENVIRONMENTS for name in names}}
    )
    commit(repo, {"all/three/mlproject.yaml": spec})
    seen: list[str] = []
    real = reviews.analyse

    def analyse(files: object, name: str, *args: object, **named: object) -> object:
        seen.append(name)
        return real(files, name, *args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(reviews, "analyse", analyse)
    write(repo, {"all/one/mlproject.yaml": (SPEC + ENVIRONMENTS).replace("hello", "there")})
    assert [project.spec for project in reviewed("all").projects] == ["all/one/mlproject.yaml"]
    assert set(seen) == {"all/one/mlproject.yaml"}
    commit(repo)
    seen.clear()
    write(repo, {"all/platform.yaml": PLATFORM + "registry: {pull_secret: pull}\n"})
    reviewed("all")
    assert set(seen) == {"all/three/mlproject.yaml"}


def test_an_environment_that_only_one_revision_has_is_added_or_removed(repo: Path) -> None:
    write(repo, {"mlproject.yaml": (SPEC + ENVIRONMENTS).replace("two:", "three:")})
    (project,) = reviewed().projects
    assert {one.name: one.status for one in project.environments} == {"one": "same", "three": "added", "two": "removed"}
    assert {one.name: {item.action for item in one.objects} for one in project.environments} == {
        "one": set(),
        "three": {"add"},
        "two": {"remove"},
    }


def test_there_and_back_is_the_mirror(repo: Path) -> None:
    other = SPEC.replace("  a:", "  b:").replace("demo:1", "demo:2") + ENVIRONMENTS
    commit(repo, {"mlproject.yaml": other})
    there, back = reviewed(base="HEAD~1", head="HEAD"), reviewed(base="HEAD", head="HEAD~1")
    assert back.projects == ()  # the older one is where both parted: nothing came since
    git(repo, "checkout", "-q", "--detach")
    git(repo, "checkout", "-q", "--orphan", "other")
    commit(repo, {"mlproject.yaml": SPEC + ENVIRONMENTS}, "of its own")  # else it is the first commit again
    back = reviewed(base="main", head="other")
    assert there.plan["add"] == back.plan["remove"] > 0 and there.plan["remove"] == back.plan["add"] > 0
    assert there.plan["change"] == back.plan["change"]


def test_the_lock_of_each_revision_is_its_own(repo: Path) -> None:
    lock = "images:\n  demo:1:\n    digest: sha256:{}\n"
    commit(repo, {"mlproject.lock": lock.format("0" * 64)})
    write(repo, {"mlproject.lock": lock.format("f" * 64)})
    (project,) = reviewed().projects
    values = {str(field.after) for one in project.environments for item in one.objects for field in item.fields}
    assert any("f" * 64 in value for value in values)


def test_a_graph_shows_what_differs_in_it_and_is_left_out_where_nothing_does(repo: Path) -> None:
    write(repo, {"mlproject.yaml": (SPEC + ENVIRONMENTS).replace("hello", "there")})
    changed = reviewed().projects[0].graphs
    assert len(changed) == 1, "equal in both environments"
    write(repo, {"mlproject.yaml": SPEC + ENVIRONMENTS + "tracking: {experiment: {name: other}}\n"})
    assert reviewed().projects[0].graphs == ()


def test_a_platform_file_that_base_has_as_a_pointer_only_is_told_with_what_to_run(repo: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 5\n"
    spec = SPEC + "environments: {prod: {platform: platform.yaml}}\n"
    commit(repo, {"mlproject.yaml": spec, "platform.yaml": pointer})
    write(
        repo,
        {
            "platform.yaml": PLATFORM,
            "mlproject.yaml": spec.replace("hello", "there"),
        },
    )
    review = reviewed()
    assert any("platform.yaml at HEAD is a Git LFS pointer" in note for note in review.notes)
    assert review.plan["add"] == 0


def test_what_an_environment_asks_for_in_a_month_is_told_for_both_sides(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from mlwright import cli

    step = "  a: {command: [echo], expected_duration: 1h, resources: {cpu: 2, gpu: 1}}\n"
    spec = HEAD + "defaults: {steps: {image: demo:1}}\nsteps:\n" + step + ENVIRONMENTS
    spec += "pipelines: {main: {run: [steps.a], schedule: {cron: '0 3 * * *'}}}\n"
    commit(repo, {"mlproject.yaml": spec})
    write(repo, {"mlproject.yaml": spec.replace("gpu: 1", "gpu: 4")})
    two = reviewed().projects[0].environments[1]
    before, after = two.before, two.after
    assert before is not None and after is not None
    assert before.cpu_hours == after.cpu_hours > 0
    ((_, fewer),), ((_, more),) = before.gpu_hours, after.gpu_hours
    assert more == pytest.approx(4 * fewer) and fewer > 25
    assert cli.main(["diff", "--base", "HEAD"]) == 0
    assert "30.4 -> 122" in capsys.readouterr().out


@pytest.mark.parametrize("example", sorted(path.parent.name for path in EXAMPLES.glob("*/mlproject.yaml")))
def test_an_example_with_another_comment_or_note_compiles_to_the_same(
    repo: Path, example: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(EXAMPLES / example, repo / example, ignore=shutil.ignore_patterns("manifests", ".mlwright"))
    commit(repo)
    monkeypatch.chdir(repo / example)
    spec = repo / example / "mlproject.yaml"
    spec.write_text(f"# another line\n{spec.read_text()}")
    assert reviewed().projects == ()
    spec.write_text(f"{spec.read_text()}\nx-note: something else\n")
    assert reviewed().plan == {"add": 0, "change": 0, "replace": 0, "remove": 0}
