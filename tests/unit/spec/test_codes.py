"""The codes of the language: each bad example has its finding, each good one has none of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlwright.diag.codes import Code, name, scalar, spec
from mlwright.source.load import load
from mlwright.spec import validate

ROOT = Path(__file__).resolve().parents[3]
CODES = (*spec.CODES, *name.CODES, *scalar.CODES)
PASSES = ("SPEC016", "SPEC017", "SPEC018")
"""Found by a pass, because they need every environment's metrics."""
HEAD = {"apiVersion": "mlwright.dev/v1", "kind": "MLProject", "metadata": "{name: churn}"}


def findings(fragment: str) -> set[str]:
    head = "".join(f"{key}: {value}\n" for key, value in HEAD.items() if f"{key}:" not in fragment.split("{")[0])
    tree, bag = load((head + fragment).encode(), "mlproject.yaml")
    assert [item.message for item in bag] == []
    assert tree is not None
    return {item.code for item in validate(tree)[1]}


@pytest.mark.parametrize("code", [code for code in CODES if code.code not in PASSES], ids=lambda code: code.code)
def test_the_bad_example_has_the_finding_and_no_other(code: Code) -> None:
    assert findings(code.bad) == {code.code}


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.code)
def test_the_good_example_has_none(code: Code) -> None:
    assert findings(code.good) == set()


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.code)
def test_every_code_has_a_diagnostics_case(code: Code) -> None:
    assert list((ROOT / "tests" / "diagnostics").glob(f"{code.code}-*/mlproject.yaml"))


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.code)
def test_every_explanation_says_what_and_what_to_do(code: Code) -> None:
    assert code.explanation.count(".") >= 1
    assert code.explanation.endswith(".")
    assert not code.title.endswith(".")
    assert code.title == code.title.strip()
    assert code.severity == "error"
