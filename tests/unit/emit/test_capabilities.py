"""What a target cannot express is said before anything is emitted: OWN003 refused, OWN008 ignored, OWN009 emulated."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from mlwright.emit.capabilities import compare, rows
from mlwright.ir import Project
from mlwright.source.load import load
from mlwright.source.tree import Node
from mlwright.target import Capability, Document, EmitContext, Support, TextFile

SPEC = """
steps:
  a: {retries: {limit: 2, backoff: 30s}, image: x, x-note: {retries: 1}}
  b: {retries: null}
tracking: {backend_store: {type: postgres}}
serving: {s: {protocols: [mlflow, grpc]}}
"""


class Fake:
    name = "fake"
    list_keys: dict[tuple[str, ...], str] = {}  # noqa: RUF012
    protected = ()

    def __init__(self, *capabilities: Capability) -> None:
        self.capabilities = capabilities

    def emit(self, project: Project, context: EmitContext) -> Iterable[Document | TextFile]:
        return ()


def tree() -> Node:
    found, _ = load(SPEC.encode(), "mlproject.yaml")
    assert found is not None
    return found


def one(field: str, support: Support, *values: str) -> Capability:
    return Capability(field=field, support=support, why="because", values=values)


@pytest.mark.parametrize(
    ("support", "code", "severity"),
    [("refused", "OWN003", "error"), ("ignored", "OWN008", "warning"), ("emulated", "OWN009", "note")],
)
def test_each_support_has_its_finding(support: Support, code: str, severity: str) -> None:
    found = list(compare(tree(), Fake(one("steps.*.retries", support)), "local", ()))
    assert [(item.code, item.severity, item.at.path) for item in found] == [(code, severity, ("steps", "a", "retries"))]
    assert "by fake: because" in found[0].message


def test_what_is_not_set_or_set_to_null_or_a_note_is_not_mentioned() -> None:
    assert rows(tree(), [one("steps.b.retries", "refused"), one("training", "refused")]) == ()


def test_the_more_exact_pattern_decides() -> None:
    found = rows(tree(), [one("steps.*.retries", "refused"), one("steps.a.retries", "exact")])
    assert [row.support for row in found] == ["exact"]
    assert (
        list(compare(tree(), Fake(one("steps.*.retries", "refused"), one("steps.a.retries", "exact")), "e", ())) == []
    )


def test_values_narrow_a_capability_to_types_words_and_list_items() -> None:
    assert rows(tree(), [one("tracking.backend_store", "refused", "mysql")]) == ()
    assert len(rows(tree(), [one("tracking.backend_store", "refused", "postgres")])) == 1
    assert len(rows(tree(), [one("serving.*.protocols", "refused", "grpc")])) == 1
    assert rows(tree(), [one("serving.*.protocols", "refused", "openai")]) == ()


def test_what_has_been_said_already_is_not_said_again() -> None:
    assert list(compare(tree(), Fake(one("steps.*.retries.limit", "ignored")), "e", [("steps", "a", "retries")])) == []


@pytest.mark.parametrize(("name", "found"), [("compose", "exact"), ("kubernetes", "ignored"), ("", "ignored")])
def test_a_mapping_is_judged_by_the_key_that_the_capability_names(name: str, found: str) -> None:
    tree, _ = load(f"objects: {{o: {{path: x{f', target: {name}' if name else ''}}}}}".encode(), "mlproject.yaml")
    assert tree is not None
    exact = Capability(field="objects.*", support="exact", values=("compose",), key="target")
    (row,) = rows(tree, [one("objects.*", "ignored"), exact])
    assert row.support == found


def test_what_belongs_to_a_node_of_another_target_is_not_this_ones_business() -> None:
    table = Fake(one("steps.*.retries", "refused"), one("tracking.backend_store", "refused"))
    nodes = {("steps", "a"): "other", ("tracking",): "fake"}
    found = list(compare(tree(), table, "e", (), nodes))
    assert [item.at.path for item in found] == [("tracking", "backend_store")]
    assert len(list(compare(tree(), table, "e", (), {("steps", "a"): "fake"}))) == 2
