"""A value against a structural schema, as the API server does it: defaults, unknown fields, types, values, rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

from mlwright.record import dataclass
from mlwright.source.suggest import did_you_mean
from mlwright.span import Path
from mlwright.verify import values

Node = Mapping[str, Any]
"""One schema, as OpenAPI 3 has it."""
Rules = Callable[[Node, Any], Iterator[str]]
"""The messages of the rules of a schema that a value breaks."""

_OBJECT = ("apiVersion", "kind", "metadata")


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """`definitions` are what `$ref` names. A `closed` schema allows no field that it does not name unless it says so,
    which is how resources of one's own are read; else unknown fields are those of `additionalProperties: false`.
    `metadata` is the schema of every object's metadata. Of a `partial` value nothing is required."""

    root: Node
    definitions: Mapping[str, Node]
    closed: bool
    metadata: Node
    partial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """`path` is below the object; `what` completes a sentence about the value there, and is empty for a field that is
    not known."""

    path: Path
    kind: Literal["field", "value", "rule"]
    what: str = ""
    help: str = ""


def check(schema: Schema, data: dict[str, Any], rules: Rules | None, *, open: Callable[[str], bool]) -> list[Problem]:
    """Everything that the schema has against an object. Text that is `open` is filled in later and may become
    anything."""
    walk = _Walk(schema, rules, open)
    walk.object(schema.root, defaulted(schema.root, data) if schema.closed else data, ())
    return walk.problems


def defaulted(schema: Node, value: Any) -> Any:
    """The value with the defaults of the schema, where it has any."""
    if isinstance(value, dict):
        result = dict(value)
        for key, below in schema.get("properties", {}).items():
            if key in result:
                result[key] = defaulted(below, result[key])
            elif "default" in below:
                result[key] = defaulted(below, below["default"])
        if isinstance(other := schema.get("additionalProperties"), dict):
            known = schema.get("properties", {})
            result.update({key: defaulted(other, item) for key, item in value.items() if key not in known})
        return result
    if isinstance(value, (list, tuple)) and isinstance(items := schema.get("items"), dict):
        return [defaulted(items, item) for item in value]
    return value


class _Walk:
    def __init__(
        self, schema: Schema, rules: Rules | None, open: Callable[[str], bool], *, only_values: bool = False
    ) -> None:
        self.schema, self.rules, self.open, self.only_values = schema, rules, open, only_values
        self.problems: list[Problem] = []

    def add(self, path: Path, what: str, help: str = "", kind: Literal["field", "value", "rule"] = "value") -> None:
        self.problems.append(Problem(path=path, kind=kind, what=what, help=help))

    def object(self, node: Node, value: dict[str, Any], path: Path) -> None:
        """A whole object: what every object has is checked alike, the rest by its own schema."""
        if self.schema.closed:
            if isinstance(meta := value.get("metadata"), dict):
                inner = _Walk(replace(self.schema, closed=False), None, self.open)
                inner.value(self.schema.metadata, meta, (*path, "metadata"))
                self.problems += inner.problems
            self.value(node, value, path, aside=_OBJECT)
        else:
            self.value(node, value, path)

    def value(self, node: Node, value: Any, path: Path, aside: tuple[str, ...] = ()) -> None:
        """One value; `aside` are fields of it that are looked at elsewhere."""
        node = self.resolved(node)
        if isinstance(value, str) and self.open(value):
            return
        before = len(self.problems)
        if wrong := _type(node, value):
            self.add(path, wrong)
            return
        if value is None:
            return
        for what in values.problems(node, value):
            self.add(path, what)
        if isinstance(value, dict):
            self.fields(node, value, path, aside)
        elif isinstance(value, (list, tuple)):
            self.entries(node, value, path)
        self.combinations(node, value, path)
        if self.rules is not None and "x-kubernetes-validations" in node and len(self.problems) == before:
            for what in self.rules(node, value):
                self.add(path, what, kind="rule")

    def resolved(self, node: Node) -> Node:
        """The schema that a reference stands for."""
        while "$ref" in node:
            node = self.schema.definitions.get(str(node["$ref"]).rpartition("/")[2], {})
        return node

    def fields(self, node: Node, value: dict[str, Any], path: Path, aside: tuple[str, ...]) -> None:
        known: Mapping[str, Node] = node.get("properties") or {}
        other = node.get("additionalProperties")
        if node.get("x-kubernetes-embedded-resource"):
            aside = _OBJECT  # found and checked as an object of its own
        for key, item in value.items():
            if key in aside:
                continue
            if key in known:
                self.value(known[key], item, (*path, key))
            elif isinstance(other, dict):
                self.value(other, item, (*path, key))
            elif self._unknown(node, other):
                self.add((*path, key), "", _instead(key, known), kind="field")
        for key in () if self.schema.partial else node.get("required") or ():
            if key not in value and key not in aside:
                self.add(path, f"needs `{key}`")

    def _unknown(self, node: Node, other: Any) -> bool:
        """Whether fields that the schema does not name are none."""
        if other is False:
            return True
        if self.only_values or not self.schema.closed or other is True:
            return False
        return not node.get("x-kubernetes-preserve-unknown-fields")

    def entries(self, node: Node, value: Iterable[Any], path: Path) -> None:
        items = node.get("items")
        for position, item in enumerate(value):
            if isinstance(items, dict):
                self.value(items, item, (*path, position))
        for position, what in values.repeated(node, value):
            self.add((*path, position), what)

    def combinations(self, node: Node, value: Any, path: Path) -> None:
        """`allOf`, `anyOf`, `oneOf` and `not`: about values alone, fields are named outside of them."""
        for part in node.get("allOf") or ():
            self.value(part, value, path) if "$ref" in part else self.problems.extend(self._against(part, value, path))
        for word, needed in (("anyOf", "one of"), ("oneOf", "exactly one of")):
            parts = node.get(word) or ()
            if not parts or (word == "anyOf" and node.get("x-kubernetes-int-or-string")):
                continue
            against = [self._against(part, value, path) for part in parts]
            fitting = against.count([])
            if fitting == 1 or (fitting and word == "anyOf"):
                continue
            if all(set(part) <= {"required"} for part in parts):
                names = ", ".join("`" + "` with `".join(part["required"]) + "`" for part in parts if "required" in part)
                self.add(path, f"needs {needed} {names}")
            elif fitting:
                self.add(path, "fits several forms of which the schema allows one")
            else:
                nearest = min(against, key=len)
                self.problems.append(nearest[0])
        if isinstance(part := node.get("not"), dict) and not self._against(part, value, path):
            required = " with ".join(f"`{name}`" for name in part.get("required") or ())
            self.add(path, f"must not have {required}" if required else "is what the schema rules out")

    def _against(self, node: Node, value: Any, path: Path) -> list[Problem]:
        inner = _Walk(self.schema, None, self.open, only_values=True)
        inner.value(node, value, path)
        return inner.problems


def _instead(key: str, known: Iterable[str]) -> str:
    names = sorted(known)
    if near := did_you_mean(key, names):
        return near
    if not names:
        return "it has no fields"
    return f"its fields: {', '.join(names[:12])}{' ...' if len(names) > 12 else ''}"


_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list, tuple),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
_ARTICLES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
}


def _type(node: Node, value: Any) -> str:
    """What the value must be instead; empty where its type fits."""
    if node.get("x-kubernetes-int-or-string"):
        return "" if isinstance(value, (int, str)) and not isinstance(value, bool) else "must be a whole number or text"
    wanted = node.get("type")
    names = [wanted] if isinstance(wanted, str) else list(wanted or ())
    if value is None:
        return "" if not names or "null" in names or node.get("nullable") else "must not be null"
    for name in names:
        if name == "boolean" and isinstance(value, bool):
            return ""
        if isinstance(value, bool):
            continue
        if isinstance(value, _TYPES.get(name, ())) or (
            name == "integer" and isinstance(value, float) and value % 1 == 0
        ):
            return ""
    readable = [_ARTICLES.get(name, "true or false") for name in names if name != "null"]
    return f"must be {' or '.join(readable)}" if names else ""
