"""`mlwright check` as it is typed: exit codes, what is said, and what it costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.review import outputs
from tests.unit.review.outputs import edit

from mlwright import cli

SPEC = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: probe}
training: {image: "probe:1", command: [python, train.py]}
"""
OUTPUT = Path("manifests/local/compose/compose.yaml")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The working directory is a compiled project."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI", raising=False)
    Path("mlproject.yaml").write_text(SPEC)
    outputs.compile()


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = cli.main(["check", *words])
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def test_current_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys) == said(capsys, "--full") == (0, "1 project checked: nothing to do\n")
    assert said(capsys, "--format", "json") == (0, "[]\n")


def test_each_kind_is_told_with_its_files_and_one_command(capsys: pytest.CaptureFixture[str]) -> None:
    edit("mlproject.yaml")
    Path("manifests/local/compose/runtime/step.py").unlink()
    code, text = said(capsys)
    assert code == 1
    assert text.splitlines() == [
        "mlproject.yaml",
        "  local: mlproject.yaml changed after it was compiled",
        "    stale: index.json",
        "    missing: compose/runtime/step.py",
        "  fix: `mlwright compile`",
        "1 project of 1 to mend",
    ]
    assert said(capsys, "--fix") == (0, "manifests/local: 1 added, 1 changed\n1 project checked: nothing to do\n")


def test_many_files_are_folded(capsys: pytest.CaptureFixture[str]) -> None:
    for path in Path("manifests/local/compose/runtime").iterdir():
        edit(path)
    code, text = said(capsys)
    assert code == 1 and "more\n" in text and len(text.splitlines()) < 8
    assert len(json.loads(said(capsys, "--format", "json")[1])) > 20


def test_pipelines_get_their_own_formats(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "--format", "github") == (0, "no findings\n")
    edit("mlproject.yaml")
    code, annotations = said(capsys, "--format", "github")
    assert code == 1 and annotations.startswith("::error file=") and "title=CHECK001" in annotations
    (run,) = json.loads(said(capsys, "--format", "sarif")[1])["runs"]
    assert {result["ruleId"] for result in run["results"]} == {"CHECK001"}
    assert json.loads(said(capsys, "--format", "gitlab")[1])[0]["check_name"] == "CHECK001"


def test_a_hand_edit_has_two_ways_out(capsys: pytest.CaptureFixture[str]) -> None:
    edit(OUTPUT)
    code, text = said(capsys)
    assert code == 1 and "hand edited: compose/compose.yaml" in text
    assert "check --fix --force" in text and "`patches`" in text
    code, text = said(capsys, "--fix")
    assert code == 1 and "would be lost" in text and OUTPUT.read_text().endswith("# x\n")
    code, text = said(capsys, "--fix", "--force")
    assert code == 0 and ".mlwright/edits/1.patch" in text


def test_where_ci_is_set_an_index_is_not_believed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlwright.emit import index

    before = index.sha256(OUTPUT.read_bytes())
    edit(OUTPUT)
    path = Path("manifests/local/index.json")
    path.write_text(path.read_text().replace(before, index.sha256(OUTPUT.read_bytes())))
    assert said(capsys)[0] == 0
    for value in ("", "0", "false"):
        monkeypatch.setenv("CI", value)
        assert said(capsys)[0] == 0
    monkeypatch.setenv("CI", "true")
    code, text = said(capsys)
    assert code == 3 and "unexplained: compose/compose.yaml" in text


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["nowhere"], "there is no nowhere"),
        (["--env", "prd"], "there is no environment 'prd'"),
        (["--force"], "--force goes with --fix"),
        (["--format", "jsn"], "did you mean json?"),
        (["one", "two", "-o", "out"], "-o takes one project"),
    ],
)
def test_requests_that_make_no_sense(capsys: pytest.CaptureFixture[str], words: list[str], expected: str) -> None:
    for name in ("one", "two"):
        Path(name).mkdir()
        Path(name, "mlproject.yaml").write_text(SPEC)
    code, text = said(capsys, *words)
    assert code == 2 and expected in text


def test_another_output_folder(capsys: pytest.CaptureFixture[str]) -> None:
    Path("sub").mkdir()
    Path("sub/mlproject.yaml").write_text(SPEC)
    assert cli.main(["compile", "sub/mlproject.yaml", "-o", "out"]) == 0
    capsys.readouterr()
    assert said(capsys, "sub/mlproject.yaml", "-o", "out")[0] == said(capsys, "sub", "-o", "out", "--full")[0] == 0
    edit("sub/mlproject.yaml")
    code, text = said(capsys, "sub", "-o", "out")
    assert code == 1 and "`mlwright compile sub/mlproject.yaml -o out`" in text
    assert said(capsys, "sub", "-o", "out", "--fix")[0] == 0


def test_files_stand_for_the_projects_that_they_are_part_of(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        Path(name).mkdir()
        outputs.write(Path(name))
        Path(name, "platform.yaml").unlink()
        spec = Path(name, "mlproject.yaml")
        spec.write_text(spec.read_text().replace("platform: platform.yaml", "platform: ../platform.yaml"))
    Path("platform.yaml").write_text(outputs.PLATFORM)
    Path("alone.yaml").write_text(SPEC)
    outputs.compile("one", "two")

    def checked(*paths: str) -> str:
        return said(capsys, *paths)[1].partition(" checked")[0]

    assert checked("platform.yaml") == "2 projects"
    assert checked("one/settings/one.ini", "one/fit.py") == "1 project"
    assert checked("two/manifests/prod/index.json", "one/base.yaml") == "2 projects"
    assert checked("one/fit.py") == "0 projects"
    assert checked("alone.yaml") == "1 project"
    assert checked("one", "mlproject.yaml") == "2 projects"
    Path("one/objects/new.yaml").write_text(outputs.OBJECT)
    assert said(capsys, "one/objects/new.yaml")[0] == 1


def test_nothing_heavy_is_imported_where_nothing_changed() -> None:
    program = (
        "import sys; from mlwright.cli import main; code = main(['check']);"
        "heavy = {'yaml', 'pydantic', 'subprocess', 'mlwright.api', 'mlwright.passes'} & sys.modules.keys();"
        "sys.exit(f'{heavy}' if heavy else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={name: text for name, text in os.environ.items() if name != "CI"},
    )
    assert done.returncode == 0, done.stderr


def git(*words: str) -> None:
    given = ("user.name=a", "user.email=a@b", "init.defaultBranch=main", "core.hooksPath=/dev/null")
    options = [word for item in given for word in ("-c", item)]
    subprocess.run(["git", *options, *words], check=True, capture_output=True)


def test_only_what_a_change_can_affect_is_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two", "three"):
        outputs.write(Path(name))
    spec = Path("two/mlproject.yaml")
    spec.write_text(spec.read_text().replace("platform: platform.yaml", "platform: ../one/platform.yaml"))
    outputs.compile("one", "two", "three")
    git("init")
    git("add", ".")
    git("commit", "-m", "all")

    def counted(*words: str) -> str:
        return said(capsys, "--changed-since", "HEAD", *words)[1].splitlines()[-1]

    assert counted() == counted("--full") == "0 projects checked: nothing to do"
    edit("three/manifests/prod/index.json", " ")
    assert counted() == "1 project of 1 to mend"
    git("checkout", ".")
    edit("one/platform.yaml")
    assert counted() == "2 projects of 2 to mend"
    assert counted("two", "three") == "1 project of 1 to mend"
    assert counted("--fix") == "2 projects checked: nothing to do"
    git("add", ".")
    git("commit", "-m", "more")
    assert said(capsys, "--changed-since", "HEAD~1")[1] == "2 projects checked: nothing to do\n"
    Path("three/mlproject.yaml").unlink()
    code, text = said(capsys, "--changed-since", "HEAD")
    assert code == 1 and "three/manifests/prod is left over" in text
    assert counted("--fix").startswith("1 project checked") and not Path("three/manifests").exists()
    code, text = said(capsys, "--changed-since", "nowhere")
    assert code == 2 and "there is no revision 'nowhere' here" in text


def test_findings_in_the_formats_of_reviews(capsys: pytest.CaptureFixture[str]) -> None:
    edit(OUTPUT)
    code, text = said(capsys, "--format", "github")
    assert code == 1 and f"::error file={OUTPUT.as_posix()},line=1" in text and "CHECK002" in text
    code, text = said(capsys, "--format", "sarif")
    (result,) = json.loads(text)["runs"][0]["results"]
    assert code == 1 and result["ruleId"] == "CHECK002"
