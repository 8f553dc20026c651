"""docs/reference/fields.md: every field of the language, read from its JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mlwright.platform.prices import json_schema as prices_schema
from mlwright.platform.schema import json_schema as platform_schema
from mlwright.spec.schema import json_schema

Schema = Mapping[str, Any]

INTRODUCTION = """\
# Fields

Fields in **bold** are required. A field that holds one value also takes a reference such as `${params.x}`, where the
language allows references. Keys that begin with `x-` are notes.
"""


PLATFORM = """\
# Platform files

Fields in **bold** are required. Keys that begin with `x-` are notes. `# yaml-language-server: $schema=...` in the first
line, with the file that `mlwright schema --platform` prints, lets editors complete them.
"""


def page() -> str:
    """One table a mapping of the language: fields, types, defaults, meaning and an example."""
    return _page(INTRODUCTION, "mlproject.yaml", json_schema())


def platform_page() -> str:
    """The same of the platform file."""
    return _page(PLATFORM, "Platform file", platform_schema())


def prices() -> str:
    """The section on price files, which stands on the page of platform files."""
    return "\n".join(_section("Price file", prices_schema()))


def _page(introduction: str, title: str, schema: Schema) -> str:
    parts = [introduction, *_section(title, schema)]
    for name, definition in sorted(schema["$defs"].items()):
        if not name.startswith("Partial") and name != "Reference":
            parts += _section(name, definition)
    return "\n".join(parts)


def _section(title: str, definition: Schema) -> Iterator[str]:
    whole, short = _mapping(definition)
    if whole is None:
        return
    yield f"## {title}\n\n{definition.get('description', '')}\n"
    if short:
        yield f"Short form: {short}.\n"
    yield "| field | type | default | meaning | example |\n|---|---|---|---|---|"
    required = set(whole.get("required", ()))
    # An environment takes every section again, to change it: those are documented once, above.
    own = {name: field for name, field in whole["properties"].items() if "Partial" not in json.dumps(field)}
    for name, field in own.items():
        shown = f"**`{name}`**" if name in required else f"`{name}`"
        cells = (shown, _type(field), _value(field, "default"), field.get("description", ""), _example(field))
        yield f"| {' | '.join(_cell(text) for text in cells)} |"
    yield ""


def _mapping(definition: Schema) -> tuple[Schema | None, str]:
    """The form with named fields, and the types of the other forms that stand for it."""
    if "properties" in definition:
        return definition, ""
    forms = definition.get("anyOf", definition.get("oneOf", ()))
    whole = next((form for form in forms if "properties" in form), None)
    return whole, " or ".join(_type(form) for form in forms if form is not whole)


def _type(field: Schema) -> str:
    if "$ref" in field:
        name = field["$ref"].rsplit("/", 1)[1]
        return "" if name == "Reference" else f"[{name}](#{name.lower()})"
    if "enum" in field:
        return ", ".join(f"`{item}`" for item in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    forms = field.get("anyOf") or field.get("oneOf")
    if forms:
        return " or ".join(dict.fromkeys(filter(None, map(_type, forms))))
    kind = field.get("type", "any")
    if kind == "array" and field.get("items"):
        return f"list of {_type(field['items'])}"
    if kind == "object" and _entries(field):
        return f"map of {_type(_entries(field))}"
    return {"object": "map", "array": "list"}.get(kind, kind) if isinstance(kind, str) else " or ".join(kind)


def _entries(field: Schema) -> Schema:
    """The schema of a map's values: its additional properties, or its only pattern beside notes."""
    if isinstance(field.get("additionalProperties"), dict):
        return dict(field["additionalProperties"])
    patterns = {name: value for name, value in field.get("patternProperties", {}).items() if value is not True}
    return dict(next(iter(patterns.values()), {}))


def _value(field: Schema, name: str) -> str:
    value = field.get(name)
    return "" if value in (None, "", [], {}) else f"`{json.dumps(value, ensure_ascii=False)}`"


def _example(field: Schema) -> str:
    examples = field.get("examples") or [None]
    return "" if examples[0] is None else f"`{json.dumps(examples[0], ensure_ascii=False)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
