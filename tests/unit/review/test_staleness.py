"""Every row of the table of an output's states, on real files; and that nothing escapes."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlwright import api
from mlwright.emit import index as indexes
from mlwright.review.staleness import quick
from mlwright.review.staleness.states import Found, Fresh, Terms, classify
from tests.unit.review import outputs
from tests.unit.review.outputs import compile, edit, found

PROD = Path("manifests/prod")
KUSTOMIZATION = PROD / "kubernetes/kustomization.yaml"
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compiled")
    outputs.write(folder)
    before = os.getcwd()
    os.chdir(folder)
    try:
        compile()
    finally:
        os.chdir(before)
    return folder


@pytest.fixture(autouse=True)
def project(compiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working directory is a compiled project."""
    shutil.copytree(compiled, tmp_path / "p")
    monkeypatch.chdir(tmp_path / "p")


def at(environment: str, **values: object) -> None:
    """Change values of an index, in the way it is written."""
    path = Path("manifests", environment, "index.json")
    data = json.loads(path.read_text()) | values
    path.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def test_what_was_just_compiled_is_current() -> None:
    assert found() == found(full=True) == {}
    assert quick.is_current("mlproject.yaml")


def test_a_file_that_an_input_changed_is_stale_and_one_that_it_did_not_change_is_current() -> None:
    spec = Path("mlproject.yaml")
    spec.write_text(spec.read_text().replace("rate: 0.2", "rate: 0.3"))
    codes = found()
    assert set(codes.values()) == {"CHECK001"}
    stale = {path for path in codes if path.startswith("manifests/staging/")}
    assert "manifests/staging/index.json" in stale and len(stale) > 1
    assert set(codes) - stale == {"manifests/prod/index.json", "manifests/here/index.json"}  # made from another file


def test_the_finding_names_the_inputs_that_changed() -> None:
    edit("platform.yaml")
    edit("objects/one.yaml")
    (item,) = [one for one in api.check(env="prod").result.diagnostics if "index.json" in one.message]
    assert "platform.yaml" in item.message and "objects/one.yaml" in item.message and "base.yaml" not in item.message


@pytest.mark.parametrize("path", [KUSTOMIZATION, PROD / "kubernetes/job-probe.yaml"])
def test_an_edited_file_is_hand_edited(path: Path) -> None:
    path = path if path.exists() else next(PROD.rglob("configmap-*.yaml"))
    edit(path)
    assert found() == found(full=True) == {path.as_posix(): "CHECK002"}


def test_an_edit_that_makes_the_file_what_it_should_be_is_none() -> None:
    before = KUSTOMIZATION.read_bytes()
    edit("mlproject.yaml")
    compile()
    assert KUSTOMIZATION.read_bytes() == before
    assert found() == {}


def test_an_edited_file_of_a_stale_output_is_still_hand_edited() -> None:
    edit("mlproject.yaml")
    edit(KUSTOMIZATION)
    assert found(env="prod") == {KUSTOMIZATION.as_posix(): "CHECK002", "manifests/prod/index.json": "CHECK001"}


def test_a_file_that_nothing_makes_any_more_is_an_orphan() -> None:
    Path("objects/two.yaml").write_text(outputs.OBJECT.replace("NAME", "two"))
    compile()
    Path("objects/two.yaml").unlink()
    codes = found(env="prod")
    assert codes["manifests/prod/kubernetes/objects/more/two.yaml"] == "CHECK003"
    assert codes["manifests/prod/index.json"] == "CHECK001"


def test_a_file_that_is_gone_is_missing() -> None:
    KUSTOMIZATION.unlink()
    assert found() == found(full=True) == {KUSTOMIZATION.as_posix(): "CHECK004"}


def test_a_file_that_is_not_ours_is_a_note_and_stays() -> None:
    foreign = PROD / "kubernetes/mine.yaml"
    foreign.write_text("a: b\n")
    for full in (False, True):
        checked = api.check(full=full, fix=True)
        assert [(item.code, item.severity) for item in checked.result.diagnostics] == [("CHECK005", "note")]
    assert foreign.read_text() == "a: b\n"


def test_a_file_that_is_not_ours_where_ours_goes_is_an_error() -> None:
    Path("objects/two.yaml").write_text(outputs.OBJECT.replace("NAME", "two"))
    Path("manifests/prod/kubernetes/objects/more/two.yaml").write_text("mine: true\n")
    assert found(env="prod")["manifests/prod/kubernetes/objects/more/two.yaml"] == "CHECK005"
    checked = api.check(env="prod", fix=True, force=True)
    assert checked.refused and not checked.fixed
    assert Path("manifests/prod/kubernetes/objects/more/two.yaml").read_text() == "mine: true\n"


def another_compiler(monkeypatch: pytest.MonkeyPatch, version: str = "0.0.9") -> None:
    from mlwright import build

    with monkeypatch.context() as patch:
        patch.setattr(build, "__version__", version)
        program = dict(build._programs())
        program["step.py"] += "# as it was\n"
        patch.setattr(build, "_programs", lambda: program)
        compile()


def test_what_another_compiler_made_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    another_compiler(monkeypatch)
    checked = api.check(env="here")
    assert [(item.code, item.severity) for item in checked.result.diagnostics] == [("CHECK006", "warning")]
    assert (
        "0.0.9" in checked.result.diagnostics[0].message and "runtime/step.py" in checked.result.diagnostics[0].message
    )
    assert not checked.result.failed
    assert api.check(env="here", fix=True).result.diagnostics == ()


def test_another_version_that_makes_the_same_is_current() -> None:
    at("prod", compiler="0.0.9")
    assert found(env="prod") == {}
    assert not quick.is_current("mlproject.yaml", env="prod")


def test_what_another_compiler_made_of_other_inputs_is_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    another_compiler(monkeypatch)
    edit("mlproject.yaml")
    assert set(found(env="here").values()) == {"CHECK001"}


def test_what_nothing_explains_is_an_error_of_its_own_and_only_a_fresh_compile_sees_it() -> None:
    edit(KUSTOMIZATION)
    files = json.loads((PROD / "index.json").read_text())["files"]
    at("prod", files=files | {KUSTOMIZATION.as_posix(): indexes.sha256(KUSTOMIZATION.read_bytes())})
    assert found() == {}
    checked = api.check(full=True)
    assert [item.code for item in checked.result.diagnostics] == ["CHECK012"]
    assert checked.unexplained
    assert api.check(full=True, fix=True).refused, "it may be the only copy of an edit"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('"partial"', '"Partial"') + "\n",
        lambda text: text.replace('"input_digest": "', '"input_digest": "0'),
        lambda text: text.replace("  ", " "),
        lambda text: text.replace('"platform.yaml": "', '"platform.yaml": "0'),
    ],
)
def test_an_edited_index_is_found_without_a_compile(change: Callable[[str], str]) -> None:
    path = PROD / "index.json"
    path.write_text(change(path.read_text()))
    assert found().keys() == found(full=True).keys() == {path.as_posix()}


@pytest.mark.parametrize("text", ["", "{", "null", "[]"])
def test_an_index_that_cannot_be_read_is_said_and_nothing_is_overwritten(text: str) -> None:
    (PROD / "index.json").write_text(text)
    before = KUSTOMIZATION.stat().st_mtime_ns
    assert found() == {"manifests/prod/index.json": "CHECK010"}
    assert api.check(fix=True, force=True).refused
    assert KUSTOMIZATION.stat().st_mtime_ns == before


def test_the_output_of_a_removed_environment_is_left_over_as_a_whole() -> None:
    spec = Path("mlproject.yaml")
    spec.write_text("".join(line for line in spec.open() if "staging" not in line))
    assert found()["manifests/staging"] == "CHECK003"
    mine = Path("manifests/staging/kubernetes/mine.yaml")
    mine.write_text("a: b\n")
    assert found(fix=True) == {}
    assert [path for path in Path("manifests/staging").rglob("*") if path.is_file()] == [mine]


def test_an_environment_that_became_local_has_left_its_output_over() -> None:
    spec = Path("mlproject.yaml")
    spec.write_text(spec.read_text().replace("here: {platform: compose", "here: {platform: local"))
    assert found()["manifests/here"] == "CHECK003"


def test_the_output_of_an_environment_that_is_gone_is_missing_unless_git_ignores_it(tmp_path: Path) -> None:
    shutil.rmtree("manifests/staging")
    assert found() == found(full=True) == {"manifests/staging": "CHECK004"}
    os.system("git init -q . && echo manifests/staging/ > .gitignore")
    assert found() == {}
    assert found(env="staging") == {"manifests/staging": "CHECK004"}, "asked for by name"


def test_a_project_that_was_never_compiled_is_a_note_unless_an_environment_is_named() -> None:
    shutil.rmtree("manifests")
    checked = api.check(full=True)
    assert {(item.code, item.severity) for item in checked.result.diagnostics} == {("CHECK011", "note")}
    assert found(env="prod") == {"manifests/prod": "CHECK004"}
    assert api.check(fix=True).fixed == () and not Path("manifests").exists()
    assert api.check(env="prod", fix=True).result.diagnostics == () and KUSTOMIZATION.exists()


def test_a_project_that_does_not_compile_says_why_and_what_is_known_all_the_same() -> None:
    edit(KUSTOMIZATION)
    edit("mlproject.yaml", "stepz: {}\n")
    codes = {item.code for item in api.check().result.diagnostics}
    assert {"SPEC001", "CHECK001", "CHECK002"} <= codes
    assert api.check(fix=True, force=True).refused


def test_only_some_targets_were_compiled() -> None:
    edit("mlproject.yaml")
    result = api.compile(envs=["here"], targets=["mlflow"])
    assert not result.usage_error
    assert not quick.is_current("mlproject.yaml", env="here")


INPUTS = ["base.yaml", "mlproject.yaml", "platform.yaml", "settings/one.ini", "objects/one.yaml"]


@pytest.mark.parametrize("path", INPUTS)
def test_an_edit_of_any_input_is_noticed_without_a_compile(path: str) -> None:
    edit(path)
    assert not quick.is_current("mlproject.yaml")
    assert "CHECK001" in found(env="prod").values()


@pytest.mark.parametrize(
    "path", ["mlproject.lock", "objects/two.yaml", "objects/note.txt", "settings/two.ini", "settings/deep/a"]
)
def test_a_file_that_came_into_being_is_noticed(path: str) -> None:
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text(outputs.OBJECT.replace("NAME", "two") if path.endswith("yaml") else "{}\n")
    assert not quick.is_current("mlproject.yaml")
    assert found(env="prod")["manifests/prod/index.json"] == "CHECK001"


@pytest.mark.parametrize("path", ["objects/one.yaml", "settings/one.ini", "platform.yaml", "base.yaml", "settings"])
def test_an_input_that_is_gone_is_noticed(path: str) -> None:
    shutil.rmtree(path) if Path(path).is_dir() else Path(path).unlink()
    assert not quick.is_current("mlproject.yaml")


def test_a_file_that_is_no_input_changes_nothing() -> None:
    edit("fit.py")
    edit("README.md")
    assert quick.is_current("mlproject.yaml") and found(full=True) == {}


def test_an_environment_does_not_depend_on_the_inputs_of_another() -> None:
    Path("other.yaml").write_text(outputs.PLATFORM)
    spec = Path("mlproject.yaml")
    spec.write_text(spec.read_text().replace("staging: {platform: platform.yaml", "staging: {platform: other.yaml"))
    compile()
    edit("other.yaml")
    assert found(env="prod") == {}
    assert found() == {"manifests/staging/index.json": "CHECK001"}


def test_compiling_one_environment_writes_what_compiling_all_does() -> None:
    before = (PROD / "index.json").read_bytes()
    assert api.compile(envs=["prod"]).written == ()
    assert (PROD / "index.json").read_bytes() == before


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_edit_of_any_byte_of_any_file_is_noticed_without_a_compile(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(item for item in Path("manifests").rglob("*") if item.is_file())))
    whole = path.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = whole[:place] + bytes([data.draw(st.integers(1, 255)) ^ whole[place]]) + whole[place + 1 :]
    path.write_bytes(changed)
    try:
        assert not quick.is_current("mlproject.yaml")
        assert found(full=True)
    finally:
        path.write_bytes(whole)


def test_a_link_in_the_place_of_a_file_is_noticed() -> None:
    KUSTOMIZATION.rename("elsewhere.yaml")
    KUSTOMIZATION.symlink_to(Path("elsewhere.yaml").resolve())
    assert not quick.is_current("mlproject.yaml")
    assert found() == {KUSTOMIZATION.as_posix(): "CHECK002"}


def test_line_ends_that_git_changed_are_one_finding_with_the_line_for_gitattributes() -> None:
    for path in [*Path("manifests").rglob("*"), Path("mlproject.yaml"), Path("platform.yaml")]:
        if path.is_file():
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    for full in (False, True):
        (item,) = api.check(full=full).result.diagnostics
        assert item.code == "CHECK008" and item.severity == "error"
        assert "**/manifests/** -text" in item.help and "mlproject.yaml text eol=lf" in item.help


def test_a_hand_edit_shows_among_changed_line_ends() -> None:
    edit(KUSTOMIZATION)
    for path in Path("manifests").rglob("*.yaml"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert sorted(item.code for item in api.check().result.diagnostics) == ["CHECK002", "CHECK008"]


@pytest.mark.skipif(os.name == "nt", reason="no executable bit")
def test_a_lost_executable_bit_is_found_and_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    from mlwright.target import TextFile
    from mlwright_compose import ComposeTarget

    emit = ComposeTarget.emit

    def with_a_program(self: ComposeTarget, *args: object) -> Iterator[object]:
        yield from emit(self, *args)  # type: ignore[arg-type]
        yield TextFile(path="run.sh", text="#!/bin/sh\n", executable=True)

    monkeypatch.setattr(ComposeTarget, "emit", with_a_program)
    compile()
    assert quick.is_current("mlproject.yaml")
    program = Path("manifests/here/compose/run.sh")
    program.chmod(0o644)
    assert found() == found(full=True) == {program.as_posix(): "CHECK009"}
    assert found(fix=True) == {} and os.access(program, os.X_OK)


def test_fixing_makes_everything_current_and_says_what_it_did() -> None:
    edit("mlproject.yaml")
    KUSTOMIZATION.unlink()
    Path("objects/one.yaml").unlink()
    Path("objects/two.yaml").write_text(outputs.OBJECT.replace("NAME", "two"))
    checked = api.check(fix=True)
    assert checked.result.diagnostics == () and checked.refused == ()
    assert any("manifests/prod" in line for line in checked.fixed)
    assert found(full=True) == {} and api.compile().written == ()


def test_fixing_loses_no_edit() -> None:
    edit("mlproject.yaml")
    edit(KUSTOMIZATION, "# precious\n")
    checked = api.check(fix=True)
    assert KUSTOMIZATION.as_posix() in checked.refused[0] and checked.fixed == ()
    assert KUSTOMIZATION.read_text().endswith("# precious\n")
    checked = api.check(fix=True, force=True)
    assert checked.result.diagnostics == ()
    (patch,) = Path(".mlwright/edits").iterdir()
    assert patch.as_posix() in checked.fixed[-1]
    assert os.system(f"git apply --check {patch} && patch -sp1 < {patch}") == 0
    assert KUSTOMIZATION.read_text().endswith("# precious\n")


def test_an_edited_orphan_goes_by_force_only_and_can_be_had_again() -> None:
    Path("objects/two.yaml").write_text(outputs.OBJECT.replace("NAME", "two"))
    compile()
    Path("objects/two.yaml").unlink()
    orphan = Path("manifests/prod/kubernetes/objects/more/two.yaml")
    edit(orphan, "# precious\n")
    whole = orphan.read_text()
    assert api.check(env="prod", fix=True).refused and orphan.exists()
    assert api.check(env="prod", fix=True, force=True).result.diagnostics == () and not orphan.exists()
    assert os.system("git apply .mlwright/edits/1.patch") == 0
    assert orphan.read_text() == whole


def test_marks_of_a_conflict_in_the_output_are_no_edit_and_those_in_the_project_come_first() -> None:
    conflict = "<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> other\n"
    KUSTOMIZATION.write_text(conflict)
    text = (PROD / "index.json").read_text()
    line = next(line for line in text.splitlines(keepends=True) if "input_digest" in line)
    (PROD / "index.json").write_text(text.replace(line, f"<<<<<<< HEAD\n{line}=======\n{line}>>>>>>> other\n"))
    assert set(found().values()) == {"CHECK007"}
    spec = Path("mlproject.yaml").read_text()
    edit("mlproject.yaml", conflict)
    (item,) = api.check().result.diagnostics
    assert item.code == "CHECK007" and item.message.startswith("mlproject.yaml ")
    assert api.check(fix=True, force=True).refused
    Path("mlproject.yaml").write_text(spec)
    assert found(fix=True) == {} and found(full=True) == {}


@pytest.mark.parametrize("example", sorted(path.parent.name for path in ROOT.glob("examples/*/mlproject.yaml")))
def test_what_an_example_compiles_to_is_current(example: str, tmp_path: Path) -> None:
    shutil.copytree(
        ROOT / "examples" / example, tmp_path / example, ignore=shutil.ignore_patterns(".mlwright", "manifests")
    )
    os.chdir(tmp_path / example)
    written = api.compile().written
    checked = api.check(full=True)
    assert [item for item in checked.result.diagnostics if item.code.startswith("CHECK")] == []
    assert written and (api.compile().written == ())


def test_the_table_without_a_file_system() -> None:
    index = indexes.build(
        environment="e", folder="m/e", compiler="1", inputs={}, files={"a": b"1", "b": b"1", "c": b"1"}
    )
    present = {"a": Found(data=b"1"), "b": Found(data=b"2"), "d": Found(data=b"1")}
    fresh = Fresh(files={"a": b"1", "b": b"1", "c": b"1"})
    states = {item.path: item.state for item in classify(present, index, fresh, Terms())}
    assert states == {"b": "hand-edited", "c": "missing", "d": "foreign"}
    aged = {item.path: item.state for item in classify(present, index, Fresh(files={"a": b"3"}), Terms(aged=True))}
    assert aged == {"a": "compiler-changed", "b": "orphan", "d": "foreign"}
