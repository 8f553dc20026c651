"""Values against schemas, as the API server holds them to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mlwright.span import dotted
from mlwright.verify.structure import Schema, check, defaulted

METADATA = {"type": "object", "additionalProperties": False, "properties": {"name": {"type": "string"}}}


def problems(node: dict[str, Any], value: Any, *, closed: bool = True, rules: Any = None) -> list[str]:
    root = {"type": "object", "properties": {"spec": node}}
    schema = Schema(root=root, definitions={"Name": {"type": ["string", "null"]}}, closed=closed, metadata=METADATA)
    data = {"apiVersion": "x/v1", "kind": "X", "metadata": {"name": "a"}, "spec": value}
    if not closed:
        data = {"spec": value}
    found = check(schema, data, rules, open=lambda text: "{{" in text)
    return [f"{item.kind} {dotted(item.path)}: {item.what or item.help}" for item in found]


@pytest.mark.parametrize(
    ("node", "value"),
    [
        ({"type": "string"}, "a"),
        ({"type": "string", "nullable": True}, None),
        ({"type": "integer"}, 1),
        ({"type": "integer"}, 2.0),
        ({"type": "number"}, 1),
        ({"type": "boolean"}, False),
        ({"type": "array", "items": {"type": "string"}}, ["a"]),
        ({"type": "object", "additionalProperties": {"type": "string"}}, {"any": "a"}),
        ({"type": "object", "additionalProperties": True}, {"any": 1}),
        ({"type": "object", "x-kubernetes-preserve-unknown-fields": True}, {"any": {"thing": 1}}),
        ({"x-kubernetes-preserve-unknown-fields": True}, [1, "a"]),
        ({"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}, "50%"),
        ({"x-kubernetes-int-or-string": True}, 5),
        (
            {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True},
            {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": {}},
        ),
        ({"$ref": "#/$defs/Name"}, "a"),
        ({"type": "integer"}, "{{inputs.parameters.n}}"),
        ({"type": "string", "enum": ["a", "b"]}, "b"),
        ({"type": "string", "pattern": r"^a+$"}, "aa"),
        ({"type": "string", "pattern": r"[[:alpha:]]\z"}, "1a"),
        ({"type": "string", "format": "date-time"}, "2026-01-02T03:04:05Z"),
        ({"type": "string", "format": "some-word"}, "anything"),
        ({"type": "object", "properties": {"a": {"type": "string"}}, "oneOf": [{"required": ["a"]}]}, {"a": "x"}),
    ],
)
def test_values_that_fit(node: dict[str, Any], value: Any) -> None:
    assert problems(node, value) == []


@pytest.mark.parametrize(
    ("node", "value", "what"),
    [
        ({"type": "string"}, 1, "value spec: must be text"),
        ({"type": "string"}, None, "value spec: must not be null"),
        ({"type": "integer"}, True, "value spec: must be a whole number"),
        ({"type": "integer"}, 1.5, "value spec: must be a whole number"),
        ({"type": "integer"}, "1", "value spec: must be a whole number"),
        ({"type": "boolean"}, "true", "value spec: must be true or false"),
        ({"type": ["integer", "null"]}, "x", "value spec: must be a whole number"),
        ({"type": "array", "items": {"type": "string"}}, ["a", 1], "value spec[1]: must be text"),
        ({"type": "array"}, {}, "value spec: must be a list"),
        ({"type": "object"}, {"a": 1}, "field spec.a: it has no fields"),
        (
            {"type": "object", "properties": {"replicas": {"type": "integer"}, "image": {"type": "string"}}},
            {"replica": 1},
            "field spec.replica: did you mean `replicas`?",
        ),
        (
            {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}},
            {"xyz": 1},
            "field spec.xyz: its fields: a, b",
        ),
        ({"type": "object", "additionalProperties": {"type": "string"}}, {"a": 1}, "value spec.a: must be text"),
        (
            {
                "x-kubernetes-preserve-unknown-fields": True,
                "type": "object",
                "properties": {"a": {"type": "string"}},
            },
            {"a": 1, "b": 2},
            "value spec.a: must be text",
        ),
        ({"type": "object", "required": ["a"], "properties": {"a": {}}}, {}, "value spec: needs `a`"),
        ({"x-kubernetes-int-or-string": True}, 1.5, "value spec: must be a whole number or text"),
        ({"$ref": "#/$defs/Name"}, 1, "value spec: must be text"),
        ({"type": "string", "enum": ["a", "b"]}, "c", "value spec: must be one of `a`, `b`"),
        ({"type": "string", "pattern": "^a+$"}, "aa\n", "value spec: must match `^a+$`"),
        ({"type": "string", "format": "date-time"}, "2026-01-02", "value spec: must have the form `date-time`"),
        ({"type": "string", "format": "uuid"}, "1", "value spec: must have the form `uuid`"),
        ({"type": "string", "format": "ipv4"}, "1.2.3", "value spec: must have the form `ipv4`"),
        ({"type": "string", "format": "byte"}, "?", "value spec: must have the form `byte`"),
        ({"type": "string", "minLength": 2}, "a", "value spec: must have at least 2 characters, and has 1"),
        ({"type": "array", "maxItems": 1}, ["a", "b"], "value spec: must have at most 1 entries, and has 2"),
        ({"type": "object", "minProperties": 1}, {}, "value spec: must have at least 1 fields, and has 0"),
        ({"type": "integer", "minimum": 1}, 0, "value spec: must be at least 1"),
        ({"type": "integer", "maximum": 1, "exclusiveMaximum": True}, 1, "value spec: must be less than 1"),
        ({"type": "integer", "multipleOf": 8}, 12, "value spec: must be a multiple of 8"),
        ({"type": "integer", "format": "int32"}, 2**31, "value spec: must fit into 32 bits"),
        ({"type": "array", "x-kubernetes-list-type": "set"}, ["a", "a"], "value spec[1]: is there twice"),
        (
            {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
             "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
            [{"name": "a"}, {"name": "a"}],
            "value spec[1]: is the second entry with `name: a`",
        ),
        (
            {"type": "object", "properties": {"a": {}, "b": {}}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
            {"a": 1, "b": 1},
            "value spec: needs exactly one of `a`, `b`",
        ),
        (
            {"type": "object", "properties": {"a": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b", "c"]}]},
            {},
            "value spec: needs one of `a`, `b` with `c`",
        ),
        (
            {"type": "object", "properties": {"a": {}}, "not": {"required": ["a"]}},
            {"a": 1},
            "value spec: must not have `a`",
        ),
        (
            {"type": "object", "properties": {"n": {"type": "integer"}},
             "anyOf": [{"properties": {"n": {"minimum": 5}}}, {"properties": {"n": {"maximum": 1}}}]},
            {"n": 3},
            "value spec.n: must be at least 5",
        ),
        ({"allOf": [{"minimum": 1}, {"maximum": 2}], "type": "integer"}, 3, "value spec: must be at most 2"),
    ],
)  # fmt: skip
def test_values_that_do_not(node: dict[str, Any], value: Any, what: str) -> None:
    assert problems(node, value) == [what]


def test_schemas_of_kubernetes_itself_say_where_they_are_closed() -> None:
    node = {"type": "object", "properties": {"a": {"type": ["string", "null"]}}}
    assert problems(node, {"b": 1, "a": None}, closed=False) == []
    assert problems({**node, "additionalProperties": False}, {"b": 1}, closed=False) == ["field spec.b: its fields: a"]


def test_metadata_of_every_object_is_looked_at_and_its_type_is_not_asked_for() -> None:
    schema = Schema(root={"type": "object", "properties": {}}, definitions={}, closed=True, metadata=METADATA)
    data = {"apiVersion": "x/v1", "kind": "X", "metadata": {"name": "a", "nam": "b"}}
    (found,) = check(schema, data, None, open=lambda text: False)
    assert (found.kind, found.path) == ("field", ("metadata", "nam"))


def test_defaults_are_filled_in_before_rules_are_asked() -> None:
    node = {
        "type": "object",
        "properties": {"type": {"type": "string", "default": "Exact"}, "deep": {"default": {}, "properties": {
            "n": {"type": "integer", "default": 3}}}},
        "x-kubernetes-validations": [{"rule": "self.type == 'Exact'"}],
    }  # fmt: skip
    assert defaulted(node, {}) == {"type": "Exact", "deep": {"n": 3}}
    assert defaulted({"items": node}, [{"type": "Other"}]) == [{"type": "Other", "deep": {"n": 3}}]
    seen: list[Any] = []

    def rules(schema: Any, value: Any) -> Iterator[str]:
        seen.append(value)
        yield "is wrong"

    assert problems(node, {}, rules=rules) == ["rule spec: is wrong"]
    assert seen == [{"type": "Exact", "deep": {"n": 3}}]


def test_rules_are_not_asked_of_what_is_wrong_anyway() -> None:
    node = {"type": "object", "properties": {"a": {"type": "string"}}, "x-kubernetes-validations": [{"rule": "false"}]}
    assert problems(node, {"a": 1}, rules=lambda schema, value: iter(["no"])) == ["value spec.a: must be text"]
