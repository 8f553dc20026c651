"""Every folder here is a project with one mistake; `expected.txt` is what a person reads, to the byte.

`MLWRIGHT_UPDATE=1` writes the expectations anew: read the difference before committing it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlwright import api
from mlwright.diag.codes import CODES
from mlwright.diag.render.text import render

HERE = Path(__file__).parent
CASES = sorted(path.parent.name for path in HERE.glob("*/mlproject.yaml"))


@pytest.mark.parametrize("case", CASES)
def test_the_mistake_is_explained(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE / case)
    result = api.validate(["mlproject.yaml"])
    shown = render(result.diagnostics, result.read, False, 80)
    code = case.partition("-")[0]
    assert code in {item.code for item in result.diagnostics}, shown
    assert all(len(line) <= 80 for line in shown.splitlines())
    expected = Path("expected.txt")
    if os.environ.get("MLWRIGHT_UPDATE"):
        expected.write_text(shown, encoding="utf-8")
    assert expected.exists(), f"no expectation yet; it says:\n{shown}"
    assert shown == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_every_finding_has_an_explanation_and_a_place(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE / case)
    for item in api.validate(["mlproject.yaml"]).diagnostics:
        assert item.code in CODES
        assert item.span is not None


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_has_a_case(code: str) -> None:
    """Here as a project, or by name in the unit tests of the part that finds it."""
    if any(case.partition("-")[0] == code for case in CASES):
        return
    tests = (HERE.parent / "unit").rglob("test_*.py")
    assert any(code in path.read_text(encoding="utf-8") for path in tests), f"{code} has no case"
