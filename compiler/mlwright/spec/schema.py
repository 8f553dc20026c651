"""The JSON Schema of the language, for editors: made from the models, so that both cannot differ."""

from __future__ import annotations

import copy
import typing
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from mlwright.spec.base import Model
from mlwright.spec.container import Resources
from mlwright.spec.environments import Environment
from mlwright.spec.explanation import schema as drawn
from mlwright.spec.params import Param
from mlwright.spec.project import Project
from mlwright.spec.scalars.names import RESOURCE
from mlwright.spec.serving import Service
from mlwright.spec.shape import strip, tagged

ID = "https://mlwright.dev/schemas/mlproject.v1.schema.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
NOTE = "^x-"
PARTIAL = "Partial"
_REFERENCE = {"$ref": "#/$defs/Reference"}
_BARE: dict[type, str] = {str: "string", int: "integer", float: "number", bool: "boolean", list: "array"}
_FIXED = ("apiVersion", "kind", "extends", "environments")
"""What an environment cannot change."""

Schema = dict[str, Any]


def json_schema() -> Schema:
    """The schema of one project file, draft 2020-12; `environments.NAME` takes own fields and parts of sections."""
    root = drawn(Project)
    definitions: dict[str, Schema] = root.pop("$defs", {})
    _open_special(definitions)
    for schema in (root, *definitions.values()):
        _each(schema, _close)
    for model in models(Project):
        if model.__name__ in definitions:
            definitions[model.__name__] = _with_short_form(definitions[model.__name__], model)
    changes = _partial(root, definitions)
    definitions["Reference"] = {
        "title": "Reference",
        "description": "A reference to a parameter, `metadata` or `environment.name`, known when compiling.",
        "type": "string",
        "pattern": r"\$\{",
    }
    environment = definitions["Environment"]
    environment["properties"] = {**environment["properties"], **changes}
    definitions["Environment"] = environment
    return {"$schema": DIALECT, "$id": ID, **root, "$defs": dict(sorted(definitions.items()))}


def plain_schema(model: type[Model], id: str) -> Schema:
    """The schema of a file that `model` describes and that has neither references nor environments."""
    root = drawn(model)
    definitions: dict[str, Schema] = root.pop("$defs", {})
    for schema in (root, *definitions.values()):
        _each(schema, partial(_close, references=False))
    for each in models(model):
        if each.__name__ in definitions:
            definitions[each.__name__] = _with_short_form(definitions[each.__name__], each)
    return {"$schema": DIALECT, "$id": id, **root, "$defs": dict(sorted(definitions.items()))}


def _open_special(definitions: dict[str, Schema]) -> None:
    resources = definitions[Resources.__name__]
    amount = resources["properties"].pop("/")
    resources["patternProperties"] = {
        RESOURCE: {"type": "integer", "minimum": 0, "description": amount["description"], "examples": [1]}
    }
    service = definitions[Service.__name__]
    service["required"] = [name for name in service.get("required", []) if name != "type"]
    if not service["required"]:
        del service["required"]
    param = definitions[Param.__name__]
    param["required"] = []
    param["anyOf"] = [{"required": ["type"]}, {"required": ["default"]}]


def _each(schema: Schema, change: Callable[[Schema], None]) -> None:
    """Calls `change` for every schema below and at `schema`, the innermost first."""
    for key in ("properties", "patternProperties"):
        for item in schema.get(key, {}).values():
            if isinstance(item, dict):
                _each(item, change)
    for key in ("anyOf", "oneOf", "prefixItems"):
        for item in schema.get(key, []):
            _each(item, change)
    for key in ("additionalProperties", "propertyNames", "items"):
        if isinstance(schema.get(key), dict):
            _each(schema[key], change)
    change(schema)


def _close(schema: Schema, references: bool = True) -> None:
    """Notes, references and no `null`, for one level of a schema."""
    if isinstance(schema.get("anyOf"), list):
        members = [item for item in schema["anyOf"] if item != {"type": "null"}]
        if len(members) < len(schema["anyOf"]):
            schema.pop("anyOf")
            schema |= members[0] if len(members) == 1 else {"anyOf": members}
    if schema.get("default", "") is None or schema.get("default") in ([], {}, ""):
        schema.pop("default", None)
    properties = schema.get("properties")
    if isinstance(properties, dict) and schema.get("type") == "object":
        schema["additionalProperties"] = False
        schema["patternProperties"] = {**schema.get("patternProperties", {}), NOTE: True}
        for key, item in properties.items():
            item.pop("title", None)  # only the key once more, with capitals
            if references and key not in ("type", "apiVersion", "kind"):
                properties[key] = _or_reference(item)
    elif schema.get("type") == "object":
        if schema.get("patternProperties", {}).keys() - {NOTE}:
            schema["additionalProperties"] = False
        schema["patternProperties"] = {**schema.get("patternProperties", {}), NOTE: True}
        if "propertyNames" in schema:
            schema["propertyNames"] = {"anyOf": [schema["propertyNames"], {"pattern": NOTE}]}
    schema.pop("discriminator", None)


def _or_reference(schema: Schema) -> Schema:
    """A number, a truth value, a choice or a shaped text may be a reference, too."""
    plain = schema.get("type") in ("integer", "number", "boolean")
    shaped = schema.get("type") == "string" and ("pattern" in schema or "enum" in schema)
    choice = "enum" in schema or (
        "anyOf" in schema and all(item.get("type") in ("string", "integer", "number") for item in schema["anyOf"])
    )
    if not (plain or shaped or choice):
        return schema
    around: Schema = {key: schema[key] for key in ("title", "description", "examples", "default") if key in schema}
    inner = {key: item for key, item in schema.items() if key not in around}
    members = inner["anyOf"] if set(inner) == {"anyOf"} else [inner]
    return {**around, "anyOf": [*members, _REFERENCE]}


def _with_short_form(schema: Schema, model: type[Model]) -> Schema:
    if not model.short:
        return schema
    around: Schema = {key: schema[key] for key in ("title", "description") if key in schema}
    target = schema["properties"][model.model_fields[model.short].alias or model.short]
    if model is Param:
        short: list[Schema] = [
            {"type": [_BARE[kind] for kind in model.short_types if kind in _BARE and kind is not int]}
        ]
    else:
        value = {
            key: item for key, item in target.items() if key not in ("title", "description", "examples", "default")
        }
        short = [value]
    return {**around, "anyOf": [schema, *short]}


def models(root: type[Model]) -> Iterator[type[Model]]:
    """`root` and every model below it, each once."""
    seen: set[type[Model]] = set()

    def visit(annotation: Any) -> Iterator[type[Model]]:
        for member in tagged(annotation).values():
            yield from visit(member)
        bare = strip(annotation)
        if isinstance(bare, type) and issubclass(bare, Model):
            if bare not in seen:
                seen.add(bare)
                yield bare
                for field in bare.model_fields.values():
                    yield from visit(field.annotation)
        else:
            for argument in typing.get_args(bare):
                yield from visit(argument)

    yield from visit(root)


def _partial(root: Schema, definitions: dict[str, Schema]) -> Schema:
    """Schemas of sections of which any part may be left out, and any key set to null; adds what they need."""
    own = set(Environment.model_fields)
    sections = {key: copy.deepcopy(item) for key, item in root["properties"].items() if key not in (*_FIXED, *own)}
    added: dict[str, Schema] = {}
    waiting: list[Any] = list(sections.values())
    while waiting:
        for name in _loosen(waiting.pop()):
            if PARTIAL + name not in added and name in definitions:
                added[PARTIAL + name] = copy.deepcopy(definitions[name])
                _each(added[PARTIAL + name], _without_examples)
                waiting.append(added[PARTIAL + name])
    definitions.update(added)
    return {key: _or_null(item) for key, item in sections.items()}


def _without_examples(schema: Schema) -> None:
    schema.pop("examples", None)


def _loosen(schema: Any) -> set[str]:
    """Removes `required`, allows null, points at partial definitions; returns the names of those."""
    names: set[str] = set()

    def change(level: Schema) -> None:
        for key in ("required", "minProperties"):
            level.pop(key, None)
        if "oneOf" in level:
            level["anyOf"] = level.pop("oneOf")
        if level.get("anyOf") and all(item == {} for item in level["anyOf"]):
            level.pop("anyOf")
        for key in ("properties", "patternProperties"):
            if key in level:
                level[key] = {name: item if item is True else _or_null(item) for name, item in level[key].items()}
        if isinstance(level.get("additionalProperties"), dict):
            level["additionalProperties"] = _or_null(level["additionalProperties"])
        reference = level.get("$ref", "")
        if reference.startswith("#/$defs/") and reference != _REFERENCE["$ref"]:
            name = reference.removeprefix("#/$defs/")
            if not name.startswith(PARTIAL):
                names.add(name)
                level["$ref"] = f"#/$defs/{PARTIAL}{name}"

    _each(schema, change)
    return names


def _or_null(schema: Schema) -> Schema:
    around: Schema = {key: schema[key] for key in ("title", "description", "examples") if key in schema}
    inner = {key: item for key, item in schema.items() if key not in around}
    members = inner["anyOf"] if set(inner) == {"anyOf"} else [inner]
    if {"type": "null"} in members:
        return schema
    return {**around, "anyOf": [*members, {"type": "null"}]}
