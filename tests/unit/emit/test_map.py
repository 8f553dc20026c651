"""Provenance, from emitted values to the spec and back."""

from __future__ import annotations

from mlwright.emit import map as maps
from mlwright.ir import Origin
from mlwright.target import Document, TextFile

ITEM = Document(
    path="compose.yaml",
    data={"name": "x", "services": {"a": {"image": "i", "ports": [1, 2], "env": {}}}},
    origins={
        ("services", "a"): Origin(path=("steps", "a")),
        ("services", "a", "ports"): Origin(path=("steps", "a", "port"), kind="overlay", by="prod"),
    },
    header="one\ntwo",
)
EMITTED = [("compose", [ITEM, TextFile(path="t", text="", origin=Origin(path=("secrets",)))])]


def test_every_value_points_to_the_nearest_origin() -> None:
    assert maps.build(EMITTED)["files"] == {
        "compose/compose.yaml": {
            "services/a/image": {"spec": "steps.a", "origin": "spec"},
            "services/a/ports/0": {"spec": "steps.a.port", "origin": "overlay", "by": "prod"},
            "services/a/ports/1": {"spec": "steps.a.port", "origin": "overlay", "by": "prod"},
            "services/a/env": {"spec": "steps.a", "origin": "spec"},
        },
        "compose/t": {"": {"spec": "secrets", "origin": "spec"}},
    }


def test_a_line_leads_to_its_value_and_back() -> None:
    assert maps.path_at(ITEM, 1) == ()
    assert maps.path_at(ITEM, 3) == ("name",)
    assert maps.path_at(ITEM, 8) == ("services", "a", "ports", 0)
    assert maps.line_of(ITEM, ("services", "a", "ports", 0)) == 8


def test_a_spec_path_leads_to_what_it_became() -> None:
    assert list(maps.became(EMITTED, ("steps", "a", "port"))) == [("compose/compose.yaml", ("services", "a", "ports"))]
    assert list(maps.became(EMITTED, ("secrets",))) == [("compose/t", ())]
    assert list(maps.became(EMITTED, ("nothing",))) == []


def test_a_pointer_escapes_slashes() -> None:
    assert maps.pointer(("a/b", "~", 0)) == "a~1b/~0/0"
