"""`mlwright schema`: the printed schema is the committed one, and `--check` says when it is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlwright import cli
from mlwright.cli import schema

ROOT = Path(__file__).resolve().parents[3]


def test_the_printed_schema_is_draft_2020_12(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["schema"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_committed_schema_is_current(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    assert cli.main(["schema", "--check"]) == 0, "run `make gen`"
    assert "is current" in capsys.readouterr().out


def test_what_is_printed_is_what_check_wants(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["schema"])
    copy = tmp_path / "copy.json"
    copy.write_text(capsys.readouterr().out, encoding="utf-8")
    assert cli.main(["schema", "--check", str(copy)]) == 0


def test_a_stale_schema_exits_1_with_the_command_that_mends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy.json"
    copy.write_text(schema.document().replace("mlwright", "other"), encoding="utf-8")
    assert cli.main(["schema", "--check", str(copy)]) == 1
    assert f"mlwright schema > {copy}" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_schema_that_cannot_be_read_exits_2(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy.json"
    if content is not None:
        copy.write_bytes(content)
    assert cli.main(["schema", "--check", str(copy)]) == 2
    assert "cannot read" in capsys.readouterr().err
