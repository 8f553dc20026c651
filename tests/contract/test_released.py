"""What has been released stays as it was: documents of the language, and command lines."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

import released

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with today's schemas, none of them released."""
    (tmp_path / "schemas").mkdir()
    for path in released.SCHEMAS:
        (tmp_path / path).write_bytes((ROOT / path).read_bytes())
    monkeypatch.setattr(released, "ROOT", tmp_path)
    return tmp_path


def edit(path: Path, change: Any) -> None:
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def test_nothing_that_was_released_has_been_broken(capsys: pytest.CaptureFixture[str]) -> None:
    assert released.main([]) == 0, capsys.readouterr().out


def test_every_schema_and_the_command_line_have_been_released() -> None:
    names = {path.name for path in (ROOT / "schemas" / "released").iterdir()}
    assert names >= {released.COMMANDS, *(Path(path).name for path in released.SCHEMAS)}


def test_a_release_keeps_what_is_there_now(copied: Path) -> None:
    assert released.main(["--release"]) == 0
    for path in released.SCHEMAS:
        assert (copied / "schemas/released" / Path(path).name).read_bytes() == (copied / path).read_bytes()
    assert released.main([]) == 0


def test_a_field_that_goes_is_refused_with_its_path_and_rule_and_cannot_be_released(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    released.main(["--release"])
    kept = (copied / "schemas/released/lock.v1.schema.json").read_bytes()
    edit(copied / "schemas/lock.v1.schema.json", lambda data: data["properties"].pop("images"))
    for words in ([], ["--release"]):
        assert released.main(words) == 1
        told = capsys.readouterr().out
        assert "lock.v1.schema.json: images: a field that was accepted is not any more (field-removed)" in told
        assert "a new version of the language" in told
    assert (copied / "schemas/released/lock.v1.schema.json").read_bytes() == kept


def test_a_version_that_is_not_read_any_more_is_refused(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    released.main(["--release"])
    (copied / "schemas/lock.v1.schema.json").rename(copied / "schemas/lock.v2.schema.json")
    assert released.main([]) == 1
    assert "lock.v1.schema.json: documents of this version are not read any more" in capsys.readouterr().out


def test_another_version_beside_may_be_anything(copied: Path) -> None:
    released.main(["--release"])
    (copied / "schemas/lock.v2.schema.json").write_text('{"type": "string"}')
    assert released.main([]) == 0


NOW: Any = {
    "exit codes": {"CLEAN": 0, "FINDINGS": 1},
    "show": {
        "PATH": {"takes": "?", "required": False, "choices": None},
        "--format": {"takes": "1", "required": False, "choices": ["json", "text"]},
        "--all": {"takes": "nothing", "required": False, "choices": None},
    },
}


def changed(place: str, value: Any) -> Any:
    """`NOW` with another value, or without one (...)."""
    made = copy.deepcopy(NOW)
    *outer, last = place.split("/")
    holder = made
    for part in outer:
        holder = holder[part]
    if value is ...:
        del holder[last]
    else:
        holder[last] = value
    return made


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        ("show", ..., "`mlwright show` is gone"),
        ("show/--all", ..., "`mlwright show` has no --all any more"),
        ("show/--all/takes", "1", "--all takes 1 and took nothing"),
        ("show/PATH/takes", "1", "PATH takes 1 and took ?"),
        ("show/--format/choices", ["json"], "--format does not take text any more"),
        ("show/PATH/choices", ["a"], "PATH does not take anything any more"),
        ("show/PATH/required", True, "`mlwright show` needs PATH now"),
        ("show/--new", {"takes": "1", "required": True, "choices": None}, "`mlwright show` needs --new now"),
        ("exit codes/FINDINGS", 4, "the exit code FINDINGS was 1"),
    ],
)
def test_a_command_line_that_worked_and_does_not_any_more_is_refused(place: str, value: Any, told: str) -> None:
    (one,) = released.lost(NOW, changed(place, value))
    assert told in one


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("more", {}),
        ("show/--new", {"takes": "1", "required": False, "choices": None}),
        ("show/PATH/takes", "*"),
        ("show/--format/choices", ["json", "text", "yaml"]),
        ("show/--format/choices", None),
    ],
)
def test_a_command_line_may_grow(place: str, value: Any) -> None:
    assert list(released.lost(NOW, changed(place, value))) == []
