"""Which changes of a schema break documents that were good: for every rule, what it refuses and what it lets pass."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from schemadiff import RULES, Change, incompatible

ROOT = Path(__file__).resolve().parents[2]
TEXT, NUMBER, INTEGER = {"type": "string"}, {"type": "number"}, {"type": "integer"}


def thing(**properties: Any) -> dict[str, Any]:
    """A closed mapping."""
    return {"type": "object", "properties": properties, "additionalProperties": False}


def tagged(*kinds: str, **more: Any) -> list[dict[str, Any]]:
    """Alternatives that a field `type` tells apart."""
    return [{**thing(type={"const": kind}, **more), "required": ["type"]} for kind in kinds]


def with_definitions(root: dict[str, Any], **definitions: Any) -> dict[str, Any]:
    return {**root, "$defs": definitions}


def noted(*patterns: str, **properties: Any) -> dict[str, Any]:
    """A closed mapping with names of these beginnings beside."""
    return {**thing(**properties), "patternProperties": dict.fromkeys(patterns, True)}


def told(*kinds: str, **more: Any) -> dict[str, Any]:
    """Alternatives that a field `type` tells apart, the first in a definition."""
    first, *others = tagged(*kinds)
    return with_definitions({"oneOf": [REF, *others]}, X={**first, "properties": {**first["properties"], **more}})


A_B = thing(a=TEXT, b=TEXT)
YES, NO = {"type": "boolean", "default": True}, {"type": "boolean", "default": False}
NESTED = {"anyOf": [TEXT, {"anyOf": [INTEGER, thing()]}]}
REF = {"$ref": "#/$defs/X"}

REFUSED: list[tuple[str, str, Any, Any, Any]] = [
    # rule, path, old, new, a document of the old one that is none of the new one (... where the meaning changes)
    ("field-removed", "b", A_B, thing(a=TEXT), {"b": "x"}),
    ("field-removed", "b", A_B, thing(a=TEXT, c=TEXT), {"b": "x"}),
    ("field-removed", "s.b", thing(s=A_B), thing(s=thing(a=TEXT)), {"s": {"b": "x"}}),
    ("field-removed", "b", with_definitions(thing(b=REF), X=TEXT), with_definitions(thing(c=REF), X=TEXT), {"b": "x"}),
    ("field-removed", "a", {"type": "object"}, {"type": "object", "properties": {"a": False}}, {"a": 1}),
    ("field-reserved", "a", {"type": "object"}, {"type": "object", "properties": {"a": TEXT}}, {"a": 1}),
    ("closed", "*", {"type": "object"}, thing(), {"a": 1}),
    ("closed", "*", noted("^x-"), thing(), {"x-a": 1}),
    ("required-added", "a", A_B, {**A_B, "required": ["a"]}, {}),
    ("required-added", "s.a", thing(s=A_B), thing(s={**A_B, "required": ["a"]}), {"s": {}}),
    ("type-narrowed", "", {"type": ["string", "integer"]}, TEXT, 1),
    ("type-narrowed", "", NUMBER, INTEGER, 1.5),
    ("type-narrowed", "a", thing(a={}), thing(a=TEXT), {"a": 1}),
    ("type-narrowed", "[]", {"type": "array"}, {"type": "array", "items": TEXT}, [1]),
    ("type-narrowed", "*", {"additionalProperties": True}, {"additionalProperties": TEXT}, {"a": 1}),
    ("value-removed", "", {"enum": ["a", "b"]}, {"enum": ["a"]}, "b"),
    ("value-removed", "", {"const": "a"}, {"const": "b"}, "a"),
    ("value-removed", "", {"enum": ["a", 1]}, TEXT, 1),
    ("choices-added", "", TEXT, {"enum": ["a", "b"]}, "c"),
    ("bounds-tightened", "", {**INTEGER, "minimum": 0}, {**INTEGER, "minimum": 1}, 0),
    ("bounds-tightened", "", NUMBER, {**NUMBER, "exclusiveMaximum": 9}, 9),
    ("bounds-tightened", "", {**NUMBER, "minimum": 0}, {**NUMBER, "exclusiveMinimum": 0}, 0),
    ("bounds-tightened", "", INTEGER, {**NUMBER, "maximum": 3}, 4),
    ("bounds-tightened", "", TEXT, {**TEXT, "minLength": 1}, ""),
    ("bounds-tightened", "", {"type": "array"}, {"type": "array", "maxItems": 1}, [1, 2]),
    ("bounds-tightened", "", {"type": "array"}, {"type": "array", "uniqueItems": True}, [1, 1]),
    ("bounds-tightened", "", {"type": "object"}, {"type": "object", "minProperties": 1}, {}),
    ("form-changed", "", TEXT, {**TEXT, "pattern": "^a"}, "b"),
    ("form-changed", "", {**TEXT, "pattern": "^[ab]"}, {**TEXT, "pattern": "^a"}, "b"),
    ("form-changed", "(names)", {"type": "object"}, {"type": "object", "propertyNames": {"pattern": "^a"}}, {"b": 1}),
    ("member-removed", "", {"anyOf": [TEXT, INTEGER, thing()]}, {"anyOf": [TEXT, INTEGER]}, {}),
    ("member-removed", "", {"oneOf": tagged("a", "b")}, {"oneOf": tagged("a")}, {"type": "b"}),
    ("member-removed", "", NESTED, {"anyOf": [TEXT, INTEGER]}, {}),
    ("field-removed", "b", {"oneOf": tagged("x", b=TEXT)}, {"oneOf": tagged("x")}, {"type": "x", "b": "y"}),
    ("type-narrowed", "a", told("a", "b", a={}), told("a", "b", a=TEXT), {"type": "a", "a": 1}),
    ("members-overlap", "", {"oneOf": tagged("a")}, {"oneOf": [*tagged("a"), {"type": "object"}]}, {"type": "a"}),
    (
        "members-overlap",
        "",
        with_definitions({"oneOf": [TEXT, REF]}, X=INTEGER),
        with_definitions({"oneOf": [TEXT, REF]}, X=True),
        "a",
    ),
    ("members-overlap", "", {"anyOf": [INTEGER, NUMBER]}, {"oneOf": [INTEGER, NUMBER]}, 1),
    ("default-changed", "a", thing(a={**TEXT, "default": "x"}), thing(a={**TEXT, "default": "y"}), ...),
    ("default-changed", "a", thing(a=TEXT), thing(a={**TEXT, "default": "y"}), ...),
    ("default-changed", "a", thing(a={**TEXT, "default": "x"}), thing(a=TEXT), ...),
    ("default-changed", "a", thing(a=NO), thing(a=YES), ...),
    ("default-changed", "a", thing(a={"default": 0}), thing(a={"default": False}), ...),
    ("unknown-change", "", {"type": "object"}, {"type": "object", "dependentRequired": {"a": ["b"]}}, {"a": 1}),
    ("refused", "[]", {"type": "array"}, {"type": "array", "items": False}, [1]),
    (
        "bounds-tightened",
        "next.value",
        with_definitions(REF, X=thing(next=REF, value=INTEGER)),
        with_definitions(thing(next=REF, value=INTEGER), X=thing(next=REF, value={**INTEGER, "minimum": 0})),
        {"next": {"value": -1}},
    ),
]  # fmt: skip

PASSES: list[tuple[str, Any, Any]] = [
    ("a field is added", thing(a=TEXT), A_B),
    ("a field is added with a default", thing(a=TEXT), thing(a=TEXT, b={**TEXT, "default": "x"})),
    ("words for people change", {**TEXT, "description": "a", "title": "b"}, {**TEXT, "examples": ["c"]}),
    ("names become free", thing(a=TEXT), {"type": "object", "properties": {"a": TEXT}}),
    ("a field that any value fits", {"type": "object"}, {"type": "object", "properties": {"a": True}}),
    ("a field need not be there", {**A_B, "required": ["a"]}, A_B),
    ("a type is added", TEXT, {"type": ["string", "integer"]}),
    ("an integer is a number", INTEGER, NUMBER),
    ("an integer is one of two", INTEGER, {"anyOf": [TEXT, NUMBER]}),
    ("a word is added", {"enum": ["a"]}, {"enum": ["a", "b"]}),
    ("any text in place of words", {"enum": ["a", "b"]}, TEXT),
    ("a constant becomes one of two words", {"const": "a"}, {"enum": ["a", "b"]}),
    ("limits become wider", {**INTEGER, "minimum": 1, "maximum": 5}, {**INTEGER, "minimum": 0}),
    ("a limit in other words", {**NUMBER, "exclusiveMinimum": 0}, {**NUMBER, "minimum": 0}),
    ("a stricter limit in other words", {**NUMBER, "minimum": 1}, {**NUMBER, "exclusiveMinimum": 0}),
    ("a limit of another type", TEXT, {**TEXT, "minimum": 1, "maxItems": 3}),
    ("a pattern goes", {**TEXT, "pattern": "^a"}, TEXT),
    ("an alternative is added", {"anyOf": [TEXT, INTEGER]}, {"anyOf": [thing(), INTEGER, TEXT]}),
    ("a single type gets an alternative", TEXT, {"anyOf": [INTEGER, TEXT]}),
    ("a kind is added", {"oneOf": tagged("a", "b")}, {"oneOf": tagged("c", "a", "b")}),
    ("one kind need not say so", {"oneOf": tagged("a")}, {"oneOf": [*tagged("a"), thing(type={"const": "b"})]}),
    ("a kind gets a field", {"oneOf": tagged("a", "b")}, {"oneOf": [*tagged("b"), *tagged("a", x=TEXT)]}),
    ("alternatives of alternatives are one list", NESTED, {"anyOf": [thing(), TEXT, INTEGER]}),
    ("two alternatives become one", {"anyOf": [TEXT, INTEGER]}, {"type": ["string", "integer", "null"]}),
    ("two types become two alternatives", {"type": ["string", "integer"]}, {"anyOf": [INTEGER, TEXT]}),
    ("a definition has another name", with_definitions(REF, X=TEXT), with_definitions({"$ref": "#/$defs/Y"}, Y=TEXT)),
    ("a definition is written out", with_definitions(thing(a=REF), X=TEXT), thing(a=TEXT)),
    ("what is beside alternatives stays", {**A_B, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, A_B),
    ("it holds itself", with_definitions(REF, X=thing(next=REF)), with_definitions(REF, X=thing(next=REF, b=TEXT))),
    ("a name for notes is added", thing(a=TEXT), noted("^x-", a=TEXT)),
    ("names of patterns become free", {**thing(), "patternProperties": {"^x-": TEXT}}, {"type": "object"}),
    ("two patterns that never meet", noted("^x-"), noted("^x-", "^y-")),
    ("nothing was accepted", False, TEXT),
    ("anything is accepted", A_B, True),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "path", "old", "new", "document"), REFUSED)
def test_an_incompatible_change_is_told_with_its_rule_and_path(
    rule: str, path: str, old: Any, new: Any, document: Any
) -> None:
    found = incompatible(old, new)
    assert (rule, path) in {(one.rule, one.path) for one in found}, found
    assert len(found) == 1, found
    if document is not ...:  # the change does break something
        assert Draft202012Validator(old).is_valid(document)
        assert not Draft202012Validator(new).is_valid(document)


@pytest.mark.parametrize(("old", "new"), [one[1:] for one in PASSES], ids=[one[0] for one in PASSES])
def test_a_compatible_change_passes(old: Any, new: Any) -> None:
    assert incompatible(old, new) == []


def test_every_rule_has_an_example() -> None:
    assert {one[0] for one in REFUSED} == RULES.keys()


def test_a_change_is_told_in_words() -> None:
    told = str(Change(rule="field-removed", path="steps.*.image", detail="it was a field, and is refused"))
    assert told == (
        "steps.*.image: a field that was accepted is not any more (field-removed): it was a field, and is refused"
    )


def test_a_change_of_a_definition_is_told_once_where_it_is_first_used() -> None:
    old = with_definitions(thing(a=REF, b=REF), X=A_B)
    new = with_definitions(thing(a=REF, b=REF), X=thing(a=TEXT))
    assert [one.path for one in incompatible(old, new)] == ["a.b"]


@pytest.mark.parametrize("name", ["mlproject", "lock", "platform"])
class TestOurSchemas:
    """The language's own schemas, with all that makes them large."""

    def schema(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((ROOT / f"schemas/{name}.v1.schema.json").read_text())
        return found

    def test_a_schema_is_compatible_with_itself(self, name: str) -> None:
        assert incompatible(self.schema(name), self.schema(name)) == []

    def test_a_field_that_goes_is_told_wherever_it_is(self, name: str) -> None:
        old = self.schema(name)
        holders = [(), *(("$defs", each) for each in old.get("$defs", {}))]
        places = [(holder, field) for holder in holders for field in at(old, holder).get("properties", {})]
        assert places
        for holder, field in places[:: max(1, len(places) // 25)]:
            new = copy.deepcopy(old)
            changed = at(new, holder)
            del changed["properties"][field]
            changed["required"] = [one for one in changed.get("required", []) if one != field]
            assert any(field in one.path for one in incompatible(old, new)), (holder, field)


def at(schema: dict[str, Any], place: tuple[str, ...]) -> dict[str, Any]:
    for part in place:
        schema = schema[part]
    return schema
