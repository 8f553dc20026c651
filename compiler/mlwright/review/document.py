"""A review as JSON, for programs, and the JSON Schema that it keeps to: both follow the fields of the model."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from mlwright.diag import Diagnostic
from mlwright.diag.render.json import entry
from mlwright.ir import Json
from mlwright.review import model
from mlwright.span import Path, Span, dotted

VERSION = 1
_SCHEMA = "https://mlwright.dev/schemas/review.v1.schema.json"
_DOTTED = {(model.Remark, "path"), (model.FieldChange, "origin")}
"""Paths of the project file, as people write them. Other paths are lists: names in them may have dots."""
_PLAIN: dict[Any, dict[str, Json]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    float: {"type": "number"},
    NoneType: {"type": "null"},
}
_PLACE: dict[str, Json] = {
    "file": {"type": ["string", "null"]},
    "line": {"type": ["integer", "null"]},
    "col": {"type": ["integer", "null"]},
    "end_line": {"type": ["integer", "null"]},
    "end_col": {"type": ["integer", "null"]},
}


def document(review: model.Review) -> str:
    """The whole review: `version`, `plan` and `risk`, and below `projects` all that there is to say."""
    plan: dict[str, Json] = {str(action): count for action, count in review.plan.items()}
    made: dict[str, Json] = {"version": VERSION, "plan": plan, "risk": review.risk, **_mapping(review)}
    return json.dumps(made, indent=2, ensure_ascii=False)


def json_schema() -> dict[str, Json]:
    """The schema of `document`."""
    definitions: dict[str, Json] = {
        "Diagnostic": _object(
            "A finding, as `validate --format json` has it.",
            {
                "code": {"type": "string"},
                "severity": {"enum": ["error", "warning", "note"]},
                "message": {"type": "string"},
                **_PLACE,
                "path": {"type": "string"},
                "label": {"type": "string"},
                "help": {"type": "string"},
                "related": {"type": "array", "items": {"type": "object"}},
            },
        )
    }
    whole = _record(model.Review, definitions)
    assert isinstance(whole["properties"], dict) and isinstance(whole["required"], list)
    count: dict[str, Json] = {"type": "integer", "minimum": 0}
    actions: tuple[str, ...] = get_args(model.Action)
    head: dict[str, Json] = {
        "version": {"const": VERSION},
        "plan": _object("How many objects of each action there are.", dict.fromkeys(actions, count)),
        "risk": {"enum": list(model.RISKS)},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": _SCHEMA,
        "title": "A review of mlwright",
        **whole,
        "properties": {**head, **whole["properties"]},
        "required": [*head, *whole["required"]],
        "$defs": dict(sorted(definitions.items())),
    }


def _mapping(record: Any) -> dict[str, Json]:
    kind: Any = type(record)
    return {name: _value(getattr(record, name), hint, (kind, name) in _DOTTED) for name, hint in _hints(kind).items()}


def _value(value: Any, hint: Any, as_text: bool = False) -> Json:
    if hint == Path:
        return dotted(value) if as_text else list(value)
    if isinstance(value, Diagnostic):
        found: Json = json.loads(json.dumps(entry(value)))
        return found
    if isinstance(value, Span):
        return {name: getattr(value, name) for name in _PLACE}
    if is_dataclass(value):
        return _mapping(value)
    if isinstance(value, tuple):
        inner = get_args(hint)[0]
        if get_origin(inner) is tuple:
            return {str(name): _value(item, get_args(inner)[1]) for name, item in value}
        return [_value(item, inner) for item in value]
    plain: Json = value
    return plain


@cache
def _hints(kind: type) -> dict[str, Any]:
    """The types of a record's fields in their order; Any for what may be any JSON."""
    written = kind.__annotations__
    hints = get_type_hints(kind, localns={"Json": Any})
    return {item.name: Any if written[item.name] == "Json" else hints[item.name] for item in fields(kind)}


def _record(kind: type, definitions: dict[str, Json]) -> dict[str, Json]:
    properties: dict[str, Json] = {
        name: _schema(hint, definitions, (kind, name) in _DOTTED) for name, hint in _hints(kind).items()
    }
    return _object(" ".join((kind.__doc__ or "").split()), properties)


def _object(description: str, properties: dict[str, Json]) -> dict[str, Json]:
    return {
        "description": description,
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _schema(hint: Any, definitions: dict[str, Json], as_text: bool = False) -> dict[str, Json]:
    if hint is Any:
        return {}
    if hint == Path:
        return {"type": "string"} if as_text else {"type": "array", "items": {"type": ["string", "integer"]}}
    if hint in _PLAIN:
        return dict(_PLAIN[hint])
    if get_origin(hint) is Literal:
        return {"enum": list(get_args(hint))}
    if isinstance(hint, UnionType):
        return {"anyOf": [_schema(one, definitions) for one in get_args(hint)]}
    if get_origin(hint) is tuple:
        inner = get_args(hint)[0]
        if get_origin(inner) is tuple:
            return {"type": "object", "additionalProperties": _schema(get_args(inner)[1], definitions)}
        return {"type": "array", "items": _schema(inner, definitions)}
    if hint is Span:
        return _object("A place in a file.", _PLACE)
    if hint.__name__ not in definitions:
        definitions[hint.__name__] = {}
        definitions[hint.__name__] = _record(hint, definitions)
    return {"$ref": f"#/$defs/{hint.__name__}"}
