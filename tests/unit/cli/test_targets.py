"""`mlwright targets`: what is installed and what it can express."""

from __future__ import annotations

import pytest

from mlwright import cli
from mlwright.registry import installed


def test_every_installed_target_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["targets"]) == 0
    shown = capsys.readouterr().out
    assert [name for name in installed().names if name not in shown] == []
    assert "compose" in shown


def test_a_targets_table_has_one_line_a_capability(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["targets", "compose"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(installed().get("compose").capabilities)


def test_a_target_that_is_not_installed_exits_2_and_lists_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["targets", "nomad"]) == 2
    captured = capsys.readouterr()
    assert "nomad" in captured.err
    assert "compose" in captured.err
