"""The report: every field that is set, for every target."""

from __future__ import annotations

from typing import Any

from mlwright.emit import report
from mlwright.emit.patch import Change
from mlwright.ir import Origin, Patch
from mlwright.source.tree import from_plain
from mlwright.span import Span
from mlwright.target import Capability

SPEC = {
    "x-notes": {"a": 1},
    "training": {"command": ["python", "train.py"], "retries": {"limit": 2}, "placement": "a100"},
    "environments": {"prod": {"training": {"placement": "h100"}}},
}
TABLE = (
    Capability(field="training.retries", support="emulated", why="inside the container"),
    Capability(field="training.placement", support="ignored", why="one machine"),
)


def built(**changes: Any) -> Any:
    tree = from_plain(SPEC, Span("mlproject.yaml", 1, 1, 1, 1), "")
    given: dict[str, Any] = {"capabilities": {"compose": TABLE, "argo": ()}, "changes": (), "patches": ()}
    return report.build("prod", tree, **{**given, **changes})


def test_each_field_that_is_set_has_one_row_with_a_column_for_each_target() -> None:
    rows = {row["field"]: row["targets"] for row in built()["fields"]}
    exact = {"support": "exact"}
    assert rows == {
        "training.command": {"argo": exact, "compose": exact},
        "training.retries.limit": {
            "argo": exact,
            "compose": {"support": "emulated", "why": "inside the container"},
        },
        "training.placement": {"argo": exact, "compose": {"support": "ignored", "why": "one machine"}},
    }


def test_a_field_of_a_node_with_an_owner_has_that_targets_column_alone() -> None:
    rows = {row["field"]: set(row["targets"]) for row in built(nodes={("training",): "compose"})["fields"]}
    assert set(map(frozenset, rows.values())) == {frozenset({"compose"})}


def test_what_was_patched_is_listed_with_its_reason() -> None:
    change = Change(
        target="compose",
        document="compose.yaml",
        path=("services", "a", "dns"),
        patch="p",
        at=("patches", "p", "merge"),
    )
    patch = Patch(name="p", why="needed", node="a", kind="Service", origin=Origin(path=("patches", "p")))
    assert built(changes=[change], patches=[patch])["patched"] == [
        {"patch": "p", "why": "needed", "file": "compose/compose.yaml", "path": "services/a/dns"}
    ]
