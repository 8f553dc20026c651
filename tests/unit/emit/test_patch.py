"""Patches: addressed by origin, merged by keys, refused where they would break something."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from mlwright.emit import patch as patches
from mlwright.emit.patch import Patched
from mlwright.ir import Origin, Patch, Project
from mlwright.target import Capability, Document, EmitContext, KnownField, ListKeys, Part, Protected, TextFile

SPEC = Origin(path=("training",))


class Fake:
    """A target with one list key, one protected path and one path that a field covers."""

    name = "fake"
    capabilities: tuple[Capability, ...] = ()
    list_keys: ListKeys = MappingProxyType({("services", "*", "volumes"): "target"})
    protected = (
        Protected(kind="Service", path=("command",), why="the launcher starts every program"),
        Protected(kind="Service", path=("labels", "ours"), why="it identifies it"),
    )
    known_fields = (KnownField(kind="Service", path=("deploy", "resources"), field="resources"),)

    def emit(self, project: Project, context: EmitContext) -> Iterable[Document | TextFile]:
        return ()


def document() -> Document:
    service = {
        "command": ["a"],
        "labels": {"ours": "x"},
        "environment": {"A": "1"},
        "volumes": [{"target": "/a", "source": "a"}, {"target": "/b", "source": "b"}],
        "env": [{"name": "A", "value": "1"}],
        "dns": ["1.1.1.1"],
    }
    return Document(
        path="compose.yaml",
        data={"services": {"training": service, "one": {"x": 1}, "two": {"x": 1}}},
        origins={("services", "training"): SPEC, ("services", "training", "dns"): SPEC},
        parts=(
            Part(node="training", kind="Service", at=("services", "training")),
            Part(node="steps.many", kind="Service", at=("services", "one")),
            Part(node="steps.many", kind="Service", at=("services", "two")),
        ),
    )


def make(name: str = "p", *, node: str = "training", kind: str = "Service", **fields: Any) -> Patch:
    return Patch(name=name, why="needed", node=node, kind=kind, origin=Origin(path=("patches", name)), **fields)


def run(*made: Patch, versions: dict[str, str] | None = None) -> Patched:
    return patches.apply_all(
        [("fake", [document(), TextFile(path="x", text="y")])],
        made,
        lambda name: Fake(),
        versions=versions or {},
        is_secret=lambda key, text: key.endswith("TOKEN"),
    )


def codes(done: Patched) -> list[tuple[str, str]]:
    return [(item.code, item.severity) for item in done.findings]


def training(done: Patched) -> Any:
    item = done.emitted[0][1][0]
    assert isinstance(item, Document)
    return item.data["services"]["training"]


def test_a_merge_sets_adds_and_removes() -> None:
    done = run(make(merge={"environment": {"A": None, "B": "2"}, "cpu_shares": 3, "dns": ["8.8.8.8"]}))
    assert codes(done) == []
    assert training(done)["environment"] == {"B": "2"}
    assert training(done)["cpu_shares"] == 3
    assert training(done)["dns"] == ["8.8.8.8"]


@pytest.mark.parametrize(
    ("field", "entry", "result"),
    [
        (
            "volumes",
            {"target": "/b", "source": "c"},
            [{"target": "/a", "source": "a"}, {"target": "/b", "source": "c"}],
        ),
        ("env", {"name": "B", "value": "2"}, [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]),
        ("env", {"name": "A", "value": "2"}, [{"name": "A", "value": "2"}]),
        ("env", {"key": "A"}, [{"key": "A"}]),
    ],
)
def test_lists_merge_by_the_targets_key_else_by_name_else_are_replaced(field: str, entry: Any, result: Any) -> None:
    assert training(run(make(merge={field: [entry]})))[field] == result


def test_operations_are_relative_to_the_addressed_part() -> None:
    done = run(make(ops=({"op": "replace", "path": "/environment/A", "value": "9"},)))
    assert training(done)["environment"] == {"A": "9"}


def test_the_origin_of_what_was_patched_is_the_patch() -> None:
    done = run(make(merge={"dns": ["8.8.8.8"]}))
    item = done.emitted[0][1][0]
    assert isinstance(item, Document)
    path = ("services", "training", "dns")
    assert item.origins[path] == Origin(path=("patches", "p", "merge", "dns"), kind="spec", by="patch")
    assert [(change.path, change.patch) for change in done.changes] == [(path, "p")]


def test_the_documents_given_are_not_changed() -> None:
    given = document()
    before = repr(given)
    patches.apply_all(
        [("fake", [given])],
        [make(merge={"environment": {"B": "2"}}), make("q", ops=({"op": "add", "path": "/volumes/-", "value": {}},))],
        lambda name: Fake(),
        versions={},
        is_secret=lambda key, text: False,
    )
    assert repr(given) == before


@pytest.mark.parametrize(
    ("node", "kind", "told"),
    [
        ("training", "Job", "`training` became: Service"),
        ("steps.x", "Service", "there is a `Service` for: training, steps.many"),
        ("steps.x", "Job", "there is: training (Service), steps.many (Service)"),
    ],
)
def test_a_patch_that_matches_nothing_is_told_what_there_is(node: str, kind: str, told: str) -> None:
    done = run(make(node=node, kind=kind, merge={"a": 1}))
    assert codes(done) == [("PATCH001", "error")]
    assert next(iter(done.findings)).help == told


def test_several_matches_need_all() -> None:
    assert codes(run(make(node="steps.many", merge={"a": 1}))) == [("PATCH002", "error")]
    assert codes(run(make(node="steps.many", merge={"a": 1}, all=True))) == []


@pytest.mark.parametrize(
    "other",
    [
        {"merge": {"environment": {"A": "3"}}},
        {"merge": {"environment": None}},
        {"ops": ({"op": "remove", "path": "/environment"},)},
        {"ops": ({"op": "move", "from": "/environment/A", "path": "/x"},)},
    ],
)
def test_two_patches_on_one_path_are_an_error_whichever_comes_first(other: dict[str, Any]) -> None:
    first = make("a", merge={"environment": {"A": "2"}})
    assert ("PATCH003", "error") in codes(run(first, make("b", **other)))
    assert ("PATCH003", "error") in codes(run(replace(first, name="c"), make("b", **other)))


def test_two_patches_beside_each_other_are_fine_in_any_order() -> None:
    one = make("a", merge={"environment": {"B": "1"}, "new": {"x": 1}})
    two = make("b", merge={"environment": {"C": "1"}, "new": {"y": 1}})
    assert codes(run(one, two)) == []
    assert training(run(one, two)) == training(run(two, one))


@pytest.mark.parametrize(
    "change",
    [
        {"merge": {"command": ["x"]}},
        {"merge": {"command": None}},
        {"merge": {"labels": None}},
        {"merge": {"labels": {"ours": "y"}}},
        {"ops": ({"op": "replace", "path": "/command/0", "value": "x"},)},
        {"ops": ({"op": "replace", "path": "", "value": {}},)},
        {"ops": ({"op": "move", "from": "/command", "path": "/x"},)},
    ],
)
def test_the_run_contract_and_identity_cannot_be_patched(change: dict[str, Any]) -> None:
    done = run(make(**change))
    assert ("PATCH004", "error") in codes(done)
    assert training(done)["command"] == ["a"]


def test_labels_beside_ours_can_be_patched() -> None:
    assert codes(run(make(merge={"labels": {"theirs": "y"}}))) == []


@pytest.mark.parametrize(
    "change",
    [
        {"merge": {"environment": {"API_TOKEN": "abc"}}},
        {"merge": {"env": [{"name": "API_TOKEN", "value": "abc"}]}},
        {"merge": {"x": {"y": [{"API_TOKEN": "abc"}]}}},
        {"ops": ({"op": "add", "path": "/environment/API_TOKEN", "value": "abc"},)},
        {"ops": ({"op": "add", "path": "/env/-", "value": {"name": "API_TOKEN", "value": "abc"}},)},
    ],
)
def test_a_secret_in_a_patch_is_refused_and_not_repeated(change: dict[str, Any]) -> None:
    done = run(make(**change))
    assert ("PATCH005", "error") in codes(done)
    assert all("abc" not in item.message + item.help for item in done.findings)


def test_a_reference_to_a_variable_is_no_secret() -> None:
    assert codes(run(make(merge={"environment": {"API_TOKEN": "${API_TOKEN}"}}))) == []


def test_a_bad_operation_is_reported_at_its_place() -> None:
    done = run(make(ops=({"op": "test", "path": "/dns/0", "value": "1.1.1.1"}, {"op": "remove", "path": "/nothing"})))
    assert codes(done) == [("PATCH006", "error")]
    assert next(iter(done.findings)).at.path == ("patches", "p", "ops", 1)


@pytest.mark.parametrize(
    "merge", [{"environment": {"A": "1"}}, {"environment": {"Z": None}}, {"env": [{"name": "A"}]}, {}]
)
def test_a_patch_without_effect_is_a_warning(merge: dict[str, Any]) -> None:
    assert codes(run(make(merge=merge))) == [("PATCH007", "warning")]


def test_a_patch_where_a_field_exists_is_a_warning() -> None:
    done = run(make(merge={"deploy": {"resources": {"limits": {"memory": "4g"}}}}))
    assert codes(done) == [("PATCH008", "warning")]
    assert training(done)["deploy"] == {"resources": {"limits": {"memory": "4g"}}}


@pytest.mark.parametrize(
    ("running", "warned"), [("0.22", True), ("0.22.1", True), ("1.0", True), ("0.21.9", False), ("0.9", False)]
)
def test_until_warns_from_that_version_on(running: str, warned: bool) -> None:
    done = run(make(merge={"x": 1}, until=(("kserve", "0.22"),)), versions={"kubeflow.kserve": running})
    assert codes(done) == ([("PATCH009", "warning")] if warned else [])
