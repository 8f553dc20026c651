"""Each section of a project has words of its own for what differs: `sections.yaml` lists them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.review.projects import changed, texts

CASES = yaml.safe_load((Path(__file__).parent / "sections.yaml").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["change"])[:90])
def test_a_change_is_said_in_words_of_its_section(case: Any) -> None:
    found = changed(case["change"])
    assert texts(found) == case["says"]
    assert all(item.everywhere and item.environments == ("staging", "prod") for item in found)
    assert all(item.span is not None for item in found)


SILENT = yaml.safe_load((Path(__file__).parent / "silent.yaml").read_text())


@pytest.mark.parametrize("case", SILENT, ids=lambda case: str(case["change"])[:90])
def test_what_has_no_effect_is_no_change_or_said_to_be_none(case: Any) -> None:
    found = changed(case["change"])
    assert texts(found) == case.get("says", [])
    assert all(not item.hazards for item in found)
