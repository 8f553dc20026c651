"""Documents that an old schema accepts are accepted by every new one that the comparison lets pass."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemadiff import incompatible

NAMES = ("a", "b", "x-c")
SMALL = st.integers(0, 2)
WORDS = st.lists(st.sampled_from(["a", "b", "", 0, 1, True, None]), min_size=1, max_size=3)
LEAVES = st.one_of(
    st.sampled_from([True, {}, {"type": "boolean"}, {"type": "number"}, {"type": ["string", "null"]}]),
    st.builds(lambda low, span: {"type": "integer", "minimum": low, "maximum": low + span}, SMALL, SMALL),
    st.builds(lambda low: {"type": "number", "exclusiveMinimum": low}, SMALL),
    st.builds(lambda least, more: {"type": "string", "minLength": least, "maxLength": least + more}, SMALL, SMALL),
    st.builds(lambda values: {"enum": values}, WORDS),
    st.sampled_from([{"const": "a"}, {"const": 1}, {"$ref": "#/$defs/D"}, {"$ref": "#/$defs/E"}]),
).map(copy.deepcopy)
RECURSIVE = {"type": "object", "properties": {"a": {"$ref": "#/$defs/D"}}}


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    fields = st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
    members = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        st.builds(lambda items, most: {"type": "array", "items": items, "maxItems": most}, inner, SMALL),
        st.builds(mapping, fields, st.sets(st.sampled_from(["a", "b"])), st.booleans() | inner, st.none() | inner),
        st.builds(lambda word, some: {word: some}, st.sampled_from(["anyOf", "oneOf"]), members),
    )


def mapping(properties: dict[str, Any], required: set[str], others: Any, noted: Any) -> dict[str, Any]:
    made = {"type": "object", "properties": properties, "required": sorted(required), "additionalProperties": others}
    return {**made, "patternProperties": {"^x-": noted}} if noted is not None else made


SCHEMAS = st.recursive(LEAVES, nested, max_leaves=6).map(copy.deepcopy)
PLAIN = SCHEMAS.filter(lambda one: "$ref" not in str(one))
ROOTS = st.builds(
    lambda root, first, second: {"anyOf": [root], "$defs": {"D": first, "E": second}},
    SCHEMAS,
    PLAIN | st.just(RECURSIVE).map(copy.deepcopy),
    PLAIN,
)
ANYTHING = ("", "a", "abc", 0, 1, 3, 1.5, True, None, [], ["a", 1], {}, {"a": "b"}, {"x-c": 0, "y": "a"})


@st.composite
def changed(draw: st.DrawFn) -> tuple[Any, Any, list[Any]]:
    """A schema, the same with one of its parts in another way, and documents that are made by the first."""
    old = draw(ROOTS)
    new = copy.deepcopy(old)
    places = parts(new)
    word = draw(st.sampled_from(sorted({key for _, key in places})))  # rare ones as often as others
    holder, key = draw(st.sampled_from([place for place in places if place[1] == word]))
    value = holder[key]
    if key in ("minimum", "maximum", "exclusiveMinimum", "minLength", "maxLength", "maxItems"):
        holder[key] = max(0, value + draw(st.sampled_from([-1, 1])))
    elif key in ("anyOf", "oneOf", "enum"):
        more = draw(SCHEMAS if key != "enum" else st.sampled_from(["a", "b", 2]))
        holder[key] = draw(st.sampled_from([[*value, more], [more, *value], value[1:] or value, value[::-1]]))
    elif key == "properties":
        holder[key] = {**value, draw(st.sampled_from(NAMES)): draw(SCHEMAS)}
    elif key == "required":
        holder[key] = draw(st.sampled_from([[], ["a"], ["a", "b"]]))
    elif key == "additionalProperties":
        holder[key] = draw(st.sampled_from([True, False, {"type": "number"}]))
    elif key == "type":
        holder[key] = draw(st.sampled_from([["string", "null"], value, "string"]))
    else:
        holder[key] = draw(SCHEMAS)
    return old, new, [_example(draw, old, old) for _ in range(6)]


def _example(draw: st.DrawFn, schema: Any, root: Any) -> Any:
    """A value that most probably fits."""
    if not isinstance(schema, dict) or not schema.keys() - {"$defs"}:
        return draw(st.sampled_from(ANYTHING))
    if "$ref" in schema:
        return _example(draw, root["$defs"][schema["$ref"][-1]], root)
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return _example(draw, draw(st.sampled_from(schema[word])), root)
    if "const" in schema or "enum" in schema:
        return draw(st.sampled_from(schema.get("enum") or [schema["const"]]))
    kind = draw(st.sampled_from(schema["type"])) if isinstance(schema["type"], list) else schema["type"]
    if kind == "integer":
        return draw(st.sampled_from([schema.get("minimum", 0), schema.get("maximum", 0)]))
    if kind == "number":
        return schema.get("exclusiveMinimum", 0) + draw(st.sampled_from([0.5, 1, 2]))
    if kind == "string":
        return "a" * draw(st.sampled_from([schema.get("minLength", 0), schema.get("maxLength", 3)]))
    if kind == "array":
        return [
            _example(draw, schema.get("items", True), root) for _ in range(draw(st.integers(0, schema["maxItems"])))
        ]
    if kind == "object":
        names = {*schema.get("required", ()), *draw(st.sets(st.sampled_from([*NAMES, "y"])))}
        fields, others = schema["properties"], schema.get("additionalProperties", True)
        known = {**schema.get("patternProperties", {})}.get("^x-", others)
        of = {name: fields.get(name, known if name == "x-c" else others) for name in sorted(names)}
        return {name: _example(draw, one, root) for name, one in of.items() if one is not False}
    return draw(st.booleans()) if kind == "boolean" else None


def parts(schema: Any) -> list[tuple[Any, Any]]:
    """Where something can be changed."""
    found: list[tuple[Any, Any]] = []
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key not in ("$ref", "const", "$defs", "patternProperties"):
                found.append((schema, key))
            if key in ("properties", "$defs", "patternProperties"):
                found += [(value, name) for name in value]
                found += [one for inner in value.values() for one in parts(inner)]
            elif key in ("items", "additionalProperties"):
                found += parts(value)
            elif key in ("anyOf", "oneOf"):
                found += [one for inner in value for one in parts(inner)]
    return found


@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(changed())
def test_what_is_compatible_accepts_all_that_was_accepted(made: tuple[Any, Any, list[Any]]) -> None:
    old, new, documents = made
    assume(not incompatible(old, new))
    before, after = Draft202012Validator(old), Draft202012Validator(new)
    for document in documents:
        assert after.is_valid(document) or not before.is_valid(document), document


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(ROOTS)
def test_every_schema_is_compatible_with_itself(schema: Any) -> None:
    assert incompatible(schema, copy.deepcopy(schema)) == []
