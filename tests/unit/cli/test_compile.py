"""`mlwright compile` on real files: what is written, what is said, and the exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlwright import cli

SPEC = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: probe}
training:
  image: probe:1
  command: [python, train.py]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with one project."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlproject.yaml").write_text(SPEC)
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    """Every file below `folder` with its bytes."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_compile_writes_beside_the_project(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compile"]) == 0
    assert "manifests/local/compose/compose.yaml" in files(folder)
    assert "manifests/local/index.json" in files(folder)
    assert "manifests/local" in capsys.readouterr().out


def test_compiling_again_changes_no_byte(folder: Path) -> None:
    assert cli.main(["compile"]) == 0
    first = files(folder)
    assert cli.main(["compile", "mlproject.yaml"]) == 0
    assert files(folder) == first


def test_another_output_folder(folder: Path) -> None:
    assert cli.main(["compile", "-o", "out"]) == 0
    assert "out/local/compose/compose.yaml" in files(folder)
    assert not (folder / "manifests").exists()


def test_emit_writes_report_and_map_outside_the_output(folder: Path) -> None:
    assert cli.main(["compile", "--emit", "report,map"]) == 0
    written = files(folder)
    assert ".mlwright/emit/local/report.json" in written
    assert ".mlwright/emit/local/map.json" in written
    assert [
        name for name in written if name.startswith("manifests") and name.endswith(("report.json", "map.json"))
    ] == []


def test_an_error_writes_nothing_and_goes_to_stderr(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "mlproject.yaml").write_text(SPEC.replace("command", "comand"))
    assert cli.main(["compile"]) == 1
    captured = capsys.readouterr()
    assert "command" in captured.err
    assert not (folder / "manifests").exists()


@pytest.mark.parametrize("words", [["--env", "prod"], ["--target", "nomad"]])
def test_a_request_that_makes_no_sense_exits_2(
    words: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["compile", *words]) == 2
    assert words[-1] in capsys.readouterr().err
    assert not (folder / "manifests").exists()


def test_a_missing_file_is_a_finding(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compile", "missing.yaml"]) == 1
    assert "missing.yaml" in capsys.readouterr().err


def test_a_file_where_the_output_folder_belongs_is_left_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "manifests").write_text("mine")
    assert cli.main(["compile"]) == 1
    assert "manifests" in capsys.readouterr().err
    assert (folder / "manifests").read_text() == "mine"


def test_notes_about_other_ways_are_folded_until_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "mlproject.yaml").write_text(SPEC + "  retries: 1\n")
    assert cli.main(["compile"]) == 0
    folded = capsys.readouterr().err
    assert "OWN009" not in folded
    assert "1 thing is done in another way there: --notes shows what" in folded
    assert cli.main(["compile", "--notes"]) == 0
    assert "note[OWN009]" in capsys.readouterr().err


def test_definitions_to_check_against_are_asked_for_before_anything_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("kubernetes_validate", reason="the extra `crds` is not installed")
    assert cli.main(["compile", "--crds", "nowhere"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(
        "mlwright compile: there is no folder nowhere with CRD files; from a cluster: mkdir nowhere; "
    )
    assert said.endswith("kubectl get crds -o yaml > nowhere/all.yaml\n")
    assert list(files(folder)) == ["mlproject.yaml"]


def test_what_was_checked_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("kubernetes_validate", reason="the extra `crds` is not installed")
    (folder / "mlproject.yaml").write_text(SPEC + "environments: {prod: {platform: kubernetes}}\n")
    (folder / "crds").mkdir()
    (folder / "crds" / "a.yaml").write_text("kind: CustomResourceDefinition\n# and nothing else\n")
    assert cli.main(["compile", "--crds", "crds"]) == 0
    said = capsys.readouterr()
    assert "objects checked against Kubernetes 1.36 and crds" in said.out
    assert "warning[VER006]: crds/a.yaml is not read" in said.err
