"""What other pipelines use: hooks of pre-commit, the GitLab component and the shell recipe, run for real and linted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.action.checkout import Remote, git
from tests.action.harness import ROOT

PROJECT = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: churn}
params: {degree: 2}
training: {image: "acme/churn:1", command: [python, train.py, "--degree=${params.degree}"]}
environments: {prod: {platform: kubernetes, namespace: churn}}
"""
BROKEN = PROJECT.replace("${params.degree}", "${params.degre}")
HOW = "see .github/CONTRIBUTING.md, `tools that lint what CI runs`"


def tool(name: str) -> str:
    """The path of a program, or a skip that says how to have it."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"{name} is not on PATH: {HOW}")
    return found


def done(words: Sequence[str], folder: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    given = {"HOME": str(folder), "PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, **(env or {})}
    given |= {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name.endswith("_CERT")}
    return subprocess.run(
        words, cwd=folder, env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    """A hosted repository with one project."""
    made = Remote(tmp_path / "hosted")
    made.commit({"ml/churn/mlproject.yaml": PROJECT})
    made.push("HEAD:refs/heads/main")
    return made


def test_actionlint_has_nothing_to_say_about_the_workflow_that_readers_copy() -> None:
    found = done([tool("actionlint"), "-no-color", str(ROOT / "docs/ci/github.yml")], ROOT)
    assert (found.returncode, found.stdout) == (0, "")


def test_zizmor_has_nothing_to_say_about_the_action_and_the_workflow(tmp_path: Path) -> None:
    words = [tool("zizmor"), "--offline", "--no-config", "--format", "plain", "--persona", "pedantic"]
    found = done([*words, str(ROOT / "action.yml"), str(ROOT / "docs/ci/github.yml")], tmp_path)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(
    ("schema", "file"), [("github-actions", "action.yml"), ("github-workflows", "docs/ci/github.yml")]
)
def test_the_action_and_the_workflow_are_valid_by_their_schemas(schema: str, file: str, tmp_path: Path) -> None:
    words = [tool("check-jsonschema"), "--builtin-schema", f"vendor.{schema}", str(ROOT / file)]
    found = done(words, tmp_path)
    assert found.returncode == 0, found.stdout


def test_the_workflow_names_inputs_that_the_action_has() -> None:
    workflow = yaml.safe_load((ROOT / "docs/ci/github.yml").read_text())
    (use,) = [step for step in workflow["jobs"]["review"]["steps"] if "mlwright" in step["uses"]]
    assert set(use["with"]) <= set(yaml.safe_load((ROOT / "action.yml").read_text())["inputs"])


def test_pre_commit_accepts_the_hooks(tmp_path: Path) -> None:
    found = done([tool("pre-commit"), "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml")], tmp_path)
    assert found.returncode == 0, found.stdout


@pytest.mark.slow
def test_pre_commit_installs_the_hooks_and_they_find_what_is_wrong(remote: Remote, tmp_path: Path) -> None:
    program = tool("pre-commit")
    # A clone, as a tag of this repository would be: pre-commit installs it for itself.
    source = tmp_path / "source"
    shutil.copytree(
        ROOT, source, ignore=shutil.ignore_patterns(".git", ".venv*", "tests", "__pycache__", ".*_cache", ".mlwright")
    )
    git(source, "init", "--quiet")
    git(source, "add", "--all", "--force")
    git(source, "commit", "--quiet", "--message", "all")
    revision = git(source, "rev-parse", "HEAD")
    hooks = [{"id": "mlwright-validate"}, {"id": "mlwright-check"}]
    config = {"repos": [{"repo": str(source), "rev": revision, "hooks": hooks}]}
    (remote.work / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    git(remote.work, "add", "--all")
    env = {"PRE_COMMIT_HOME": str(tmp_path / "home")}
    good = done([program, "run", "--all-files"], remote.work, env)
    assert good.returncode == 0, good.stdout
    assert good.stdout.count("Passed") == 2
    (remote.work / "ml/churn/mlproject.yaml").write_text(BROKEN)
    bad = done([program, "run", "mlwright-validate", "--all-files"], remote.work, env)
    assert bad.returncode == 1 and "did you mean `${params.degree}`?" in bad.stdout


def component(inputs: Mapping[str, str]) -> dict[str, Any]:
    """The job that GitLab makes of the component."""
    head, body = (ROOT / "docs/ci/gitlab.yml").read_text().split("\n---\n")
    declared = yaml.safe_load(head)["spec"]["inputs"]
    assert set(inputs) <= set(declared)
    for name, one in declared.items():
        body = body.replace(f"$[[ inputs.{name} ]]", inputs.get(name, one.get("default", "")))
    assert "$[[" not in body
    job: dict[str, Any] = yaml.safe_load(body)["mlwright"]
    return job


def test_the_component_is_a_valid_pipeline_and_no_input_is_a_part_of_its_script(tmp_path: Path) -> None:
    job = component({"package": "$(touch hacked)", "working-directory": "$(touch hacked)"})
    assert "touch" not in "".join(job["script"])
    (tmp_path / "pipeline.yml").write_text(yaml.safe_dump({"mlwright": job}))
    words = [tool("check-jsonschema"), "--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"]
    found = done([*words, "pipeline.yml"], tmp_path)
    assert found.returncode == 0, found.stdout


def test_the_component_reviews_a_merge_request(remote: Remote, tmp_path: Path) -> None:
    base = git(remote.work, "rev-parse", "HEAD")
    job = component({"package": str(ROOT), "working-directory": "ml"})
    assert "pip install" in job["script"][1]
    job["script"] = job["script"][2:]  # this environment stands for the one that these two lines make
    head = remote.commit({"ml/churn/mlproject.yaml": PROJECT.replace("degree: 2", "degree: 3")})
    remote.push("HEAD:refs/heads/topic")
    good = reviewed(job, remote.checkout(tmp_path / "good", head, depth=0), base)
    assert good.returncode == 0, good.stdout
    assert "Plan: " in good.stdout
    head = remote.commit({"ml/churn/mlproject.yaml": BROKEN})
    remote.push("HEAD:refs/heads/topic")
    workspace = remote.checkout(tmp_path / "bad", head, depth=0)
    bad = reviewed(job, workspace, base)
    assert bad.returncode == 1
    (found,) = [
        one for one in json.loads((workspace / "gl-code-quality-report.json").read_text()) if one["severity"] == "major"
    ]
    assert found["location"]["path"] == "ml/churn/mlproject.yaml"


def reviewed(job: Mapping[str, Any], workspace: Path, base: str) -> subprocess.CompletedProcess[str]:
    """The job's script, as GitLab's runner puts it together."""
    (workspace / ".mlwright-venv").symlink_to(sys.prefix)
    script = workspace.parent / f"{workspace.name}.sh"
    script.write_text("set -eo pipefail\n" + "\n".join(job["script"]) + "\n")
    variables = {str(key): str(value) for key, value in job["variables"].items()}
    given = {"CI": "true", "CI_PROJECT_DIR": str(workspace), "CI_MERGE_REQUEST_DIFF_BASE_SHA": base}
    return done(["bash", str(script)], workspace, {**variables, **given})


@pytest.mark.parametrize(("text", "code"), [(PROJECT.replace("degree: 2", "degree: 3"), 0), (BROKEN, 1)])
def test_the_shell_recipe_reviews_a_change(text: str, code: int, remote: Remote, tmp_path: Path) -> None:
    base = git(remote.work, "rev-parse", "HEAD")
    head = remote.commit({"ml/churn/mlproject.yaml": text})
    remote.push("HEAD:refs/heads/topic")
    workspace = remote.checkout(tmp_path / "checkout", head, depth=0)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    found = done(["sh", str(ROOT / "docs/ci/review.sh"), base], workspace, {"PATH": path, "CI": "true"})
    assert found.returncode == code, found.stdout
    assert json.loads((workspace / "findings.sarif").read_text())["version"] == "2.1.0"
    assert len(json.loads((workspace / "plan.json").read_text())["projects"]) == 1
    assert "Plan: " in (workspace / "review.md").read_text()
