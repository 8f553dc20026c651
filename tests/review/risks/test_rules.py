"""Every rule has a folder here: what it is about (`hit.yaml`), and what looks like it and is not (`miss.yaml`).

A case is a `change` of tests/review/project.yaml (with `base`, what is different before it), of the `platform` file or
of the `lock`, compared as two revisions are; or an `object`, as the comparison of two outputs gives it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from mlwright.review.model import RISKS, FieldChange, ObjectChange
from mlwright.review.risks import RULES, assess
from tests.review.projects import compared, stacked, tree

HERE = Path(__file__).parent
KINDS = ("hit", "miss")
IDS = [rule.id for rule in RULES]


def cases(rule: str, kind: str) -> list[Any]:
    found: list[Any] = yaml.safe_load((HERE / rule / f"{kind}.yaml").read_text())
    return found


def rules_of(case: Any) -> list[set[str]]:
    """The rules that speak, for each remark or for the object."""
    if "object" in case:
        return [{hazard.rule for hazard in assess(change_of(case["object"]))}]
    base, platform, lock = case.get("base") or {}, case.get("platform") or {}, case.get("lock") or {}
    head = stacked(base, case.get("change") or {})
    old = tree(base, platform.get("base"), lock.get("base"))
    new = tree(head, stacked(platform.get("base") or {}, platform.get("head") or {}), lock.get("head"))
    found = compared(old, new)
    assert found, "nothing differs: the case says nothing"
    return [{hazard.rule for hazard in remark.hazards} for remark in found]


def change_of(value: Any) -> ObjectChange:
    fields = tuple(
        FieldChange(
            path=tuple(field["path"].split("/")),
            before=field.get("before"),
            after=field.get("after"),
            added="before" not in field,
            removed="after" not in field,
        )
        for field in value.get("fields", ())
    )
    return ObjectChange(
        action=value.get("action", "change"),
        target="kubernetes",
        file="a.yaml",
        kind=value["kind"],
        name="x",
        was=value.get("was", ""),
        fields=fields,
    )


def test_every_rule_has_both_kinds_of_cases_and_every_folder_is_a_rule() -> None:
    folders = {path.name for path in HERE.iterdir() if path.is_dir() and not path.name.startswith("_")}
    assert folders == set(IDS)
    assert all(cases(rule, kind) for rule in IDS for kind in KINDS)


def test_rules_have_ids_of_their_own_and_reasons_that_are_sentences() -> None:
    assert len(IDS) == len(set(IDS))
    for rule in RULES:
        assert rule.risk in RISKS
        assert rule.reason[0].isupper() or rule.reason.startswith("`")
        assert rule.reason.endswith(".")
    assert {rule.risk for rule in RULES} == set(RISKS), "a class without a rule"


@pytest.mark.parametrize("rule", IDS)
def test_a_rule_speaks_where_it_should(rule: str) -> None:
    for case in cases(rule, "hit"):
        assert any(rule in said for said in rules_of(case)), case


@pytest.mark.parametrize("rule", IDS)
def test_a_rule_is_silent_where_it_should_be(rule: str) -> None:
    for case in cases(rule, "miss"):
        assert all(rule not in said for said in rules_of(case)), case


def test_the_gravest_reason_comes_first() -> None:
    claim = {
        "kind": "PersistentVolumeClaim",
        "action": "replace",
        "fields": [{"path": "spec/storageClassName", "before": "a", "after": "b"}],
    }
    risks = [hazard.risk for hazard in assess(change_of(claim))]
    assert risks == ["data-loss", "recreated"]
