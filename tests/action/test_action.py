"""The Action, as a runner runs it: every step's shell, on real histories, for every event, and a stub of GitHub."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mlwright import api
from mlwright.action import steps
from mlwright.action.inputs import Inputs
from mlwright.action.state import Change
from mlwright.review.model import Risk
from tests.action.checkout import ZERO, Remote, pull_request, push
from tests.action.harness import ROOT, Run, Runner
from tests.action.rest import GitHub, github

PROJECT = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: churn}
params: {degree: 2}
training:
  image: acme/churn:1
  command: [python, train.py, "--degree=${params.degree}"]
  resources: {cpu: 1, memory: 2Gi}
environments:
  prod: {platform: kubernetes, namespace: churn}
"""
LARGER = PROJECT.replace("memory: 2Gi", "memory: 8Gi")
BROKEN = PROJECT.replace("${params.degree}", "${params.degre}")
UNREAD = PROJECT.replace("  resources", "  outputs: {x: {type: file}}\n  resources").replace(
    '"--degree=', '"--out=${outputs.x}", "--degree='
)
SCHEMA = json.loads((ROOT / "tests/contract/schemas/sarif/sarif-2.1.0.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment that the first step of the Action makes, for real."""
    temp = tmp_path_factory.mktemp("runner")
    empty = tmp_path_factory.mktemp("empty")
    (empty / "pip.py").write_text("raise SystemExit('this is the project of somebody')\n")
    run = Runner(temp=temp).use(empty, "schedule", {}, {"python": sys.executable, "check": "false", "diff": "false"})
    step = run.step("Install mlwright")
    if "NewConnectionError" in step.log or "NameResolutionError" in step.log:
        pytest.skip("no package registry answers, so the Action cannot install")
    assert step.code == 0, step.log
    assert "there is no mlproject.yaml in ." in run.step("Validate").log
    assert not run.passed
    return Path(step.outputs["folder"]) / "venv"


@pytest.fixture
def server() -> Iterator[GitHub]:
    """GitHub, with a pull request 7."""
    with github() as state:
        yield state


@pytest.fixture
def runner(installed: Path, server: GitHub, tmp_path: Path) -> Runner:
    """A runner whose first step has run."""
    temp = tmp_path / "temp"
    temp.mkdir()
    return Runner(temp=temp, api=server.url, venv=installed)


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    """A hosted repository whose `main` has one project in a folder, not compiled."""
    made = Remote(tmp_path / "hosted")
    made.commit({"ml/churn/mlproject.yaml": PROJECT, "README.md": "x\n"})
    made.push("HEAD:refs/heads/main")
    return made


def topic(remote: Remote, files: dict[str, str | None], others: int = 0) -> tuple[str, str, str]:
    """A pull request with one change: base, head and merge commit. `others` commits came to main meanwhile."""
    start = remote.commit({}, "start")
    base = start
    for number in range(others):
        base = remote.commit({f"other/{number}": str(number)})
    remote.push("HEAD:refs/heads/main")
    remote.branch("topic", start)
    head = remote.commit(files)
    remote.push("topic:refs/heads/topic")
    return base, head, remote.merge(7, base, head)


def kinds(run: Run) -> list[str]:
    return [one.name for one in run.annotations]


def test_a_pull_request_is_shown_in_annotations_summary_outputs_and_one_comment(
    runner: Runner, remote: Remote, server: GitHub, tmp_path: Path
) -> None:
    base, head, merge = topic(remote, {"ml/churn/mlproject.yaml": LARGER}, others=3)
    workspace = remote.checkout(tmp_path / "checkout", merge)  # one commit deep: the base is fetched
    inputs = {"token": "a-token", "sarif-file": "out/findings.sarif"}
    run = runner.use(workspace, "pull_request", pull_request(base, head), inputs)
    assert run.passed, run.log
    assert run.outputs["changed"] == "true"
    assert run.outputs["base"] == base
    assert (run.outputs["errors"], run.outputs["stale"]) == ("0", "false")
    assert "not compiled here: not checked" in run.summary
    assert run.step("Check committed output").commands == []
    plan = json.loads(Path(run.outputs["plan-json"]).read_text())
    assert [project["spec"] for project in plan["projects"]] == ["ml/churn/mlproject.yaml"]
    assert plan["plan"]["change"] > 0
    assert "Plan: 0 to add" in run.summary and "memory" in run.summary
    assert run.summary == Path(run.outputs["summary"]).read_text()
    log = json.loads((workspace / "out/findings.sarif").read_text())
    jsonschema.Draft4Validator(SCHEMA).validate(log)
    assert run.outputs["sarif-file"] == str(workspace / "out/findings.sarif")
    (comment,) = server.comments
    assert comment["body"].startswith("<!-- mlwright:review -->\n") and "Plan: 0 to add" in comment["body"]

    again = runner.use(workspace, "pull_request", pull_request(base, head), inputs)
    assert "comment: unchanged" in again.step("Comment").log
    (workspace / "ml/churn/mlproject.yaml").write_text(LARGER.replace("8Gi", "16Gi"))
    server.add("<!-- mlwright:review -->\na spare one")
    changed = runner.use(workspace, "pull_request", pull_request(base, head), inputs)
    assert "comment: updated" in changed.step("Comment").log
    assert len(server.comments) == 1 and server.comments[0]["body"] != comment


def test_a_pull_request_from_a_fork_needs_no_right_and_no_secret(
    runner: Runner, remote: Remote, server: GitHub, tmp_path: Path
) -> None:
    server.read_only = True
    base, head, merge = topic(remote, {"ml/churn/mlproject.yaml": LARGER})
    workspace = remote.checkout(tmp_path / "checkout", merge)
    event = pull_request(base, head, fork=True)
    run = runner.use(workspace, "pull_request", event, {"token": "a-token"})
    assert run.passed, run.log
    (notice,) = run.step("Comment").commands
    assert notice.name == "notice" and "may not write comments" in notice.data
    assert "Plan: " in run.summary

    without = runner.use(workspace, "pull_request", event)
    assert without.passed and not without.step("Comment").ran
    assert server.comments == []


def test_a_server_that_does_not_answer_is_a_warning_and_no_failure(
    runner: Runner, remote: Remote, tmp_path: Path
) -> None:
    base, head, merge = topic(remote, {"ml/churn/mlproject.yaml": LARGER})
    workspace = remote.checkout(tmp_path / "checkout", merge)
    away = Runner(temp=runner.temp, venv=runner.venv, api="nowhere")
    run = away.use(workspace, "pull_request", pull_request(base, head), {"token": "a-token"})
    assert run.passed
    (warning,) = run.step("Comment").commands
    assert warning.name == "warning" and "not an http(s) address" in warning.data


def test_nothing_changed_makes_no_comment_and_brings_an_old_one_up_to_date(
    runner: Runner, remote: Remote, server: GitHub, tmp_path: Path
) -> None:
    base, head, merge = topic(remote, {"README.md": "y\n"})
    workspace = remote.checkout(tmp_path / "checkout", merge)
    run = runner.use(workspace, "pull_request", pull_request(base, head), {"token": "a-token"})
    assert (run.outputs["changed"], run.outputs["risk"], server.comments) == ("false", "safe", [])
    server.add("<!-- mlwright:review -->\nPlan: 9 to remove")
    runner.use(workspace, "pull_request", pull_request(base, head), {"token": "a-token"})
    assert "9 to remove" not in server.comments[0]["body"]


def test_an_error_is_annotated_at_its_line_from_the_top_of_the_repository_and_fails_the_job(
    runner: Runner, remote: Remote, server: GitHub, tmp_path: Path
) -> None:
    base, head, merge = topic(remote, {"ml/churn/mlproject.yaml": BROKEN})
    workspace = remote.checkout(tmp_path / "checkout", merge)
    inputs = {"working-directory": "ml", "paths": "churn", "token": "a-token"}
    run = runner.use(workspace, "pull_request", pull_request(base, head), inputs)
    (first, *_) = run.annotations
    assert (first.name, first.properties["file"], first.properties["line"]) == ("error", "ml/churn/mlproject.yaml", "7")
    assert run.step("Verdict").code == 1
    assert run.outputs["errors"] == "1"
    assert "REF011" in run.summary
    log = json.loads(Path(run.outputs["sarif-file"]).read_text())
    (result,) = (one for one in log["runs"][0]["results"] if one["level"] == "error")
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "ml/churn/mlproject.yaml"
    assert server.comments[0]["body"].startswith("<!-- mlwright:review ml -->\n")
    never = runner.use(workspace, "pull_request", pull_request(base, head), {**inputs, "fail-on": "never"})
    assert never.passed and never.outputs["errors"] == "1"


def test_output_that_is_not_current_fails_the_job(
    runner: Runner, remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(remote.work / "ml/churn")
    assert not api.compile().failed
    base, head, merge = topic(remote, {"ml/churn/mlproject.yaml": LARGER})
    workspace = remote.checkout(tmp_path / "checkout", merge)
    run = runner.use(workspace, "pull_request", pull_request(base, head))
    assert run.outputs["stale"] == "true" and not run.passed
    assert any(one.properties["title"].startswith("CHECK") for one in run.step("Check committed output").commands)
    assert "`mlwright check --fix` makes it so" in run.summary
    assert runner.use(remote.checkout(tmp_path / "base", base), "schedule", {}).outputs["stale"] == "false"
    unasked = runner.use(workspace, "pull_request", pull_request(base, head), {"check": "false"})
    assert unasked.passed and unasked.outputs["stale"] == ""


def test_warnings_count_where_they_are_asked_for(runner: Runner, remote: Remote, tmp_path: Path) -> None:
    base, head, merge = topic(remote, {"ml/churn/mlproject.yaml": UNREAD})
    workspace = remote.checkout(tmp_path / "checkout", merge)
    event = pull_request(base, head)
    assert runner.use(workspace, "pull_request", event).passed
    assert not runner.use(workspace, "pull_request", event, {"fail-on": "warning"}).passed
    strict = runner.use(workspace, "pull_request", event, {"strict": "true"})
    assert not strict.passed and kinds(strict)[0] == "error"


@pytest.mark.parametrize(
    ("fail_on", "risk", "fails"),
    [
        ("error", "data-loss", False),
        ("error, data-loss", "downtime", False),
        ("error, downtime", "downtime", True),
        ("cost", "data-loss", True),
        ("behaviour", "safe", False),
        ("never", "data-loss", False),
    ],
)
def test_a_class_of_risk_fails_the_job_with_it_and_with_graver_ones(
    fail_on: str, risk: Risk, fails: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Change(base="1" * 40, changed=True, risk=risk, headline="Plan").write(tmp_path)
    inputs = Inputs.of({"MLWRIGHT_FOLDER": str(tmp_path), "MLWRIGHT_FAIL_ON": fail_on})
    assert steps.verdict(inputs) == (1 if fails else 0)
    assert (f"`{risk}`" in capsys.readouterr().out) is fails


def test_a_push_is_compared_with_what_it_started_from(runner: Runner, remote: Remote, tmp_path: Path) -> None:
    before = remote.commit({"README.md": "z\n"})
    remote.commit({"ml/churn/mlproject.yaml": LARGER})
    after = remote.commit({"other": "1\n"})
    remote.push("HEAD:refs/heads/main")
    workspace = remote.checkout(tmp_path / "checkout", after)
    run = runner.use(workspace, "push", push(before, after))
    assert run.passed and (run.outputs["changed"], run.outputs["base"]) == ("true", before)


def test_the_first_push_of_a_branch_is_compared_with_the_default_one(
    runner: Runner, remote: Remote, tmp_path: Path
) -> None:
    base, head, _ = topic(remote, {"ml/churn/mlproject.yaml": LARGER}, others=60)  # deeper than one fetch
    workspace = remote.checkout(tmp_path / "checkout", head)
    run = runner.use(workspace, "push", push(ZERO, head, "refs/heads/topic"))
    assert run.passed and (run.outputs["changed"], run.outputs["base"]) == ("true", base), run.log


def test_a_forced_push_is_compared_with_the_commit_that_is_gone(runner: Runner, remote: Remote, tmp_path: Path) -> None:
    gone = remote.commit({"ml/churn/mlproject.yaml": LARGER})
    remote.push("HEAD:refs/heads/main", "HEAD:refs/heads/kept")
    remote.branch("again", "HEAD~1")
    after = remote.commit({"README.md": "other\n"})
    remote.push("HEAD:refs/heads/main")
    run = runner.use(remote.checkout(tmp_path / "checkout", after), "push", push(gone, after))
    assert run.passed and run.outputs["base"] == gone, run.log


@pytest.mark.parametrize(
    ("name", "payload", "why"),
    [
        ("push", push(ZERO, "1" * 40), "first push of the default branch"),
        ("push", push(ZERO, "1" * 40, "refs/tags/v1"), "tag"),
        ("schedule", {}, "changes nothing"),
        ("workflow_dispatch", {"inputs": {}}, "changes nothing"),
    ],
)
def test_an_event_with_nothing_to_compare_with_says_so_and_goes_on(
    name: str, payload: dict[str, Any], why: str, runner: Runner, remote: Remote, tmp_path: Path
) -> None:
    workspace = _main(remote, tmp_path)
    run = runner.use(workspace, name, payload)
    assert run.passed, run.log
    assert why in run.summary
    assert run.outputs["changed"] == run.outputs["risk"] == run.outputs["plan-json"] == ""


def _main(remote: Remote, tmp_path: Path) -> Path:
    commit = remote.commit({"README.md": "main\n"})
    remote.push("HEAD:refs/heads/main")
    return remote.checkout(tmp_path / "checkout", commit)


def test_a_base_that_is_given_is_used_for_any_event(runner: Runner, remote: Remote, tmp_path: Path) -> None:
    base, head, _ = topic(remote, {"ml/churn/mlproject.yaml": LARGER})
    workspace = remote.checkout(tmp_path / "checkout", head)
    run = runner.use(workspace, "workflow_dispatch", {}, {"base": "main"})
    assert run.passed and (run.outputs["changed"], run.outputs["base"]) == ("true", base), run.log


def test_a_merge_group_is_compared_with_its_base(runner: Runner, remote: Remote, tmp_path: Path) -> None:
    base, _, merge = topic(remote, {"ml/churn/mlproject.yaml": LARGER})
    workspace = remote.checkout(tmp_path / "checkout", merge)
    run = runner.use(workspace, "merge_group", {"merge_group": {"base_sha": base, "head_sha": merge}})
    assert run.passed and run.outputs["base"] == base, run.log


def test_a_base_that_cannot_be_had_is_a_warning_that_says_how_to_check_out(
    runner: Runner, remote: Remote, tmp_path: Path
) -> None:
    workspace = _main(remote, tmp_path)
    shutil.rmtree(remote.bare)
    run = runner.use(workspace, "pull_request", pull_request("1" * 40, "2" * 40))
    assert run.passed
    (warning,) = run.step("Compare with the base").commands
    assert warning.name == "warning" and "fetch-depth: 0" in warning.data


HOSTILE = "$(touch hacked)`touch hacked`; touch hacked\n\"'; touch hacked #"


@pytest.mark.parametrize(
    "names", [("base", "env", "paths", "sarif-file"), ("strict", "fail-on"), ("working-directory",)]
)
def test_an_input_is_never_a_part_of_a_script(
    names: tuple[str, ...], runner: Runner, remote: Remote, tmp_path: Path
) -> None:
    workspace = _main(remote, tmp_path)
    (workspace / HOSTILE).mkdir(parents=True)
    runner.use(workspace, "workflow_dispatch", {}, dict.fromkeys(names, HOSTILE))
    Runner(temp=runner.temp).use(workspace, "workflow_dispatch", {}, {"python": HOSTILE})
    assert [path for path in tmp_path.rglob("hacked") if "touch" not in str(path.parent)] == []


def test_an_option_of_git_is_no_base(runner: Runner, remote: Remote, tmp_path: Path) -> None:
    run = runner.use(_main(remote, tmp_path), "schedule", {}, {"base": "--upload-pack=touch hacked"})
    assert "is not one revision" in run.log and list(tmp_path.rglob("hacked")) == []


def test_programs_of_the_project_are_never_started(
    runner: Runner, remote: Remote, server: GitHub, tmp_path: Path
) -> None:
    trap = "import pathlib; pathlib.Path(__file__).with_name('hacked').touch()\n"
    names = ("json.py", "yaml.py", "mlwright/__init__.py", "sitecustomize.py", "pydantic.py", "encodings.py")
    base, head, merge = topic(remote, {"ml/churn/mlproject.yaml": LARGER, **dict.fromkeys(names, trap)})
    workspace = remote.checkout(tmp_path / "checkout", merge)
    run = runner.use(
        workspace, "pull_request", pull_request(base, head), {"token": "a-token"}, {"PYTHONPATH": str(workspace)}
    )
    assert run.passed, run.log
    assert list(workspace.rglob("hacked")) == []
    assert "a-token" not in run.log + run.summary


def test_a_text_of_the_project_forges_no_annotation(runner: Runner, remote: Remote, tmp_path: Path) -> None:
    forged = (
        'params: {degree: 2}\nx::error title=forged::y: "::error::z"\n"##[error]q": "${params.no}\\n::error::forged"\n'
    )
    base, head, merge = topic(remote, {"ml/churn/mlproject.yaml": PROJECT.replace("params: {degree: 2}\n", forged)})
    run = runner.use(remote.checkout(tmp_path / "checkout", merge), "pull_request", pull_request(base, head))
    assert all(one.properties.get("title") not in (None, "forged") for one in run.annotations)


def test_an_input_that_makes_no_sense_is_an_error_that_says_what_does(
    runner: Runner, remote: Remote, tmp_path: Path
) -> None:
    run = runner.use(_main(remote, tmp_path), "schedule", {}, {"fail-on": "downtme"})
    (error,) = run.annotations
    assert not run.passed and "did you mean `downtime`?" in error.data


def test_a_python_that_is_too_old_is_an_error_that_says_what_to_do(tmp_path: Path, remote: Remote) -> None:
    run = Runner(temp=tmp_path).use(_main(remote, tmp_path), "schedule", {}, {"python": "false"})
    (error,) = run.annotations
    assert run.steps[0].code == 2 and "actions/setup-python" in error.data
    assert not any(step.ran for step in run.steps[1:])


def test_two_uses_at_one_pull_request_have_a_comment_each(
    runner: Runner, remote: Remote, server: GitHub, tmp_path: Path
) -> None:
    base, head, merge = topic(remote, {"ml/churn/mlproject.yaml": LARGER, "rec/mlproject.yaml": PROJECT})
    workspace = remote.checkout(tmp_path / "checkout", merge)
    for place in ("ml", "rec"):
        inputs = {"working-directory": place, "token": "a-token"}
        assert runner.use(workspace, "pull_request", pull_request(base, head), inputs).passed
    assert [one["body"].split("\n")[0] for one in server.comments] == [
        "<!-- mlwright:review ml -->",
        "<!-- mlwright:review rec -->",
    ]


def test_a_repository_of_another_user_is_explained(runner: Runner, remote: Remote, tmp_path: Path) -> None:
    workspace = _main(remote, tmp_path)
    if os.getuid() != 0:
        pytest.skip("only root can give a folder to somebody else")
    for path in [workspace, *workspace.rglob("*")]:
        os.chown(path, 12345, 12345)
    run = runner.use(workspace, "pull_request", pull_request("1" * 40, "2" * 40))
    assert run.passed and "safe.directory" in run.log
