"""`mlwright explain`: every code has a text that a person can use."""

from __future__ import annotations

import pytest

from mlwright import cli
from mlwright.cli.explain import render
from mlwright.diag.codes import CODES


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_explains_itself(code: str) -> None:
    text = render(CODES[code])
    assert text.startswith(f"{CODES[code].severity}[{code}]: ")
    assert len(CODES[code].explanation.split()) >= 8
    prose = [line for line in text.splitlines()[1:] if not line.startswith("    ")]
    assert max(map(len, prose)) <= 80


def test_a_code_may_be_typed_in_lower_case(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", "own001"]) == 0
    assert "[OWN001]" in capsys.readouterr().out


def test_no_code_lists_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(CODES)


def test_a_code_that_is_almost_right_is_offered(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", "OWM001"]) == 2
    assert "did you mean OWN001?" in capsys.readouterr().err
