"""Two JSON Schemas compared by what they accept: what was a document of the old one has to be one of the new one, and
has to mean the same.

What cannot be proven compatible is told: schemas here are drawn from models, and use few of the language's words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator

Schema = Any
"""A mapping, True (anything) or False (nothing)."""
_NOTES = frozenset(["$schema", "$id", "$comment", "$defs", "title", "description", "examples", "deprecated", "default"])
"""Words that accept and refuse nothing; a default has a rule of its own."""
_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_SAME = ("pattern", "format", "multipleOf")
_KNOWN = frozenset(
    (
        *(*_LEAST, *_MOST, *_SAME, "type", "enum", "const", "required", "properties", "patternProperties", "items"),
        *("additionalProperties", "propertyNames", "uniqueItems", "anyOf", "oneOf", "allOf", "$ref"),
    )
)
_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")

RULES: Mapping[str, str] = {
    "field-removed": "a field that was accepted is not any more",
    "field-reserved": "a name that was free is a field now, with rules of its own",
    "closed": "names that were free are refused",
    "required-added": "a field that could be left out has to be there",
    "type-narrowed": "values of a type that was accepted are not any more",
    "value-removed": "a word of a list of choices is not accepted any more",
    "choices-added": "any value was accepted, and now only those of a list",
    "bounds-tightened": "a limit was added, or is narrower",
    "form-changed": "the pattern or format of a text was added or changed",
    "member-removed": "nothing accepts what one of several alternatives accepted",
    "members-overlap": "a value may fit two alternatives of which only one may fit",
    "default-changed": "what is left out means something else",
    "unknown-change": "a word of JSON Schema changed that is not understood here",
    "refused": "nothing is accepted any more",
}
"""Every rule, and what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One incompatible change: the rule, the path of the value in a document (`*` for any name, `[]` for any entry),
    and what there was and is."""

    rule: str
    path: str
    detail: str

    def __str__(self) -> str:
        return f"{self.path or 'the document'}: {RULES[self.rule]} ({self.rule}): {self.detail}"


def incompatible(old: Schema, new: Schema) -> list[Change]:
    """Why documents of `old` may be none of `new`, or mean something else; empty where they stay what they are."""
    found = _Comparison(old, new).compare(old, new, "")
    return list(dict.fromkeys(found))


@dataclass(slots=True)
class _Comparison:
    """`seen` are the pairs with definitions that are compared already, or just now: what is found is told once."""

    old: Schema
    new: Schema
    seen: set[tuple[str, str]] = field(default_factory=set)

    def compare(self, old: Schema, new: Schema, path: str) -> Iterator[Change]:
        """Why a value of `old` may be none of `new`, or mean something else."""
        yield from _defaults(old, new, path)
        if _refers(old) or _refers(new):
            pair = json.dumps(old, sort_keys=True), json.dumps(new, sort_keys=True)
            if pair in self.seen:
                return
            self.seen.add(pair)
        yield from self._whole(_resolved(old, self.old), _resolved(new, self.new), path)

    def _tried(self, old: Schema, new: Schema, path: str) -> list[Change]:
        """The same where several may fit: what is found counts only if the best does not."""
        return list(_Comparison(self.old, self.new, set(self.seen)).compare(old, new, path))

    def _whole(self, old: Schema, new: Schema, path: str) -> Iterator[Change]:
        if old is False or new is True or new == {}:
            return
        if new is False:
            yield Change(rule="refused", path=path, detail=_short(old))
            return
        old = {} if old is True else old
        before, after = _alternatives(old), _alternatives(new)
        if "oneOf" in new:
            yield from self._overlaps(new["oneOf"], old.get("oneOf", ()), path)
        if old == new:  # in as many words: definitions that they refer to may differ
            for one, other in zip(before[0], after[0], strict=True):
                yield from self.compare(one, other, path)
            yield from self._below(old, new, path)
            return
        if not before[0]:
            yield from self._covered(old, new, path)
            return
        for one in before[0]:
            if one in after[0]:
                yield from self.compare(one, after[0][after[0].index(one)], path)
            else:
                for leaf in self._leaves(one, before[1]):
                    yield from self._covered(leaf, new, path)
        if after[0]:
            yield from self._covered(before[1], after[1], path)

    def _leaves(self, schema: Schema, rest: dict[str, Any]) -> Iterator[Schema]:
        """The alternatives within an alternative, with what holds beside them."""
        whole = _resolved(schema, self.old)
        if not isinstance(whole, dict):
            yield rest if whole else False
            return
        members, more = _alternatives(whole)
        together = {**rest, **more}
        if needed := sorted({*rest.get("required", ()), *more.get("required", ())}):
            together["required"] = needed
        if not members:
            yield schema if not rest else together
        for member in members:
            yield from self._leaves(member, together)

    def _covered(self, leaf: Schema, new: Schema, path: str) -> Iterator[Change]:
        """Why a value of a schema without alternatives may be none of `new`."""
        whole, after = _resolved(leaf, self.old), _resolved(new, self.new)
        if whole is False or after is True:
            return
        if after is False or whole is True or not isinstance(whole, dict):
            yield from self._whole(whole, after, path) if after is not False else (_refused(path, whole),)
            return
        members, rest = _alternatives(after)
        if not members:
            yield from self._plain(whole, after, path)
            return
        if isinstance(whole.get("type"), list):
            for kind in whole["type"]:
                yield from self._covered({**whole, "type": kind}, new, path)
            return
        yield from self._plain(whole, rest, path) if rest else ()
        tried = [self._tried(leaf, member, path) for member in members]
        best = min(tried, key=len)
        if best:
            alike = _kind(whole) == _kind(_resolved(members[tried.index(best)], self.new))
            near = alike and len(best) <= 3
            yield from best if near else (Change(rule="member-removed", path=path, detail=_short(leaf)),)

    def _overlaps(self, members: Sequence[Schema], before: Sequence[Schema], path: str) -> Iterator[Change]:
        """Alternatives of `oneOf` have to keep apart; those that were there before did."""
        kept = [one in before and self._unchanged(one) for one in members]
        for number, one in enumerate(members):
            for which, other in enumerate(members[:number]):
                if not (kept[number] and kept[which]) and not self._apart(one, other):
                    yield Change(rule="members-overlap", path=path, detail=f"{_short(one)} and {_short(other)}")

    def _unchanged(self, schema: Schema) -> bool:
        """Whether all definitions that a schema leads to are in both in as many words."""
        todo, seen = [schema], set[str]()
        while todo:
            for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(todo.pop())):
                if reference not in seen:
                    seen.add(reference)
                    one = {"$ref": reference}
                    todo.append(_resolved(one, self.old))
                    if todo[-1] != _resolved(one, self.new):
                        return False
        return True

    def _apart(self, one: Schema, other: Schema) -> bool:
        """Whether no value fits both, as far as types, choices and required fields with constants say so."""
        first, second = _resolved(one, self.new), _resolved(other, self.new)
        if not isinstance(first, dict) or not isinstance(second, dict):
            return first is False or second is False
        for left, right in ((first, second), (second, first)):
            if members := _alternatives(left)[0]:
                return all(self._apart(member, right) for member in members)
        mine, theirs = _values(first), _values(second)
        if mine is not None and theirs is not None:
            return not any(value in theirs for value in mine)
        kinds = [_kinds(one) | ({"integer"} if "number" in _kinds(one) else set()) for one in (first, second)]
        if not kinds[0] & kinds[1]:
            return True
        if kinds != [{"object"}, {"object"}]:
            return False
        return any(
            self._apart(first["properties"][name], second["properties"][name])
            for name in {*first.get("required", ()), *second.get("required", ())}
            if name in first.get("properties", {}) and name in second.get("properties", {})
        )

    def _plain(self, old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[Change]:
        """Two schemas without alternatives, word by word."""
        finite = _values(old)
        if finite is not None:
            root = self.new if isinstance(self.new, dict) else {}
            checker = Draft202012Validator({**new, "$defs": root.get("$defs", {})})
            if lost := [value for value in finite if not checker.is_valid(value)]:
                yield Change(rule="value-removed", path=path, detail=", ".join(map(json.dumps, lost)))
            return
        kinds, taken = _kinds(old), _kinds(new)
        if lost := sorted(kinds - taken - ({"integer"} if "number" in taken else set())):
            now = ", ".join(sorted(taken))
            yield Change(rule="type-narrowed", path=path, detail=f"{', '.join(lost)}: now {now}")
        if (choices := _values(new)) is not None:
            yield Change(rule="choices-added", path=path, detail=json.dumps(choices))
        for word in (*_LEAST, *_MOST):
            if word in new and kinds & _of(word) and not _within(word, new[word], old):
                detail = f"{word}: {_or_none(old.get(word))} -> {new[word]}"
                yield Change(rule="bounds-tightened", path=path, detail=detail)
        for word in _SAME:
            if word in new and new[word] != old.get(word) and kinds & _of(word):
                detail = f"{word}: {_or_none(old.get(word))} -> {_or_none(new[word])}"
                yield Change(rule="form-changed", path=path, detail=detail)
        if new.get("uniqueItems") and not old.get("uniqueItems") and "array" in kinds:
            yield Change(rule="bounds-tightened", path=path, detail="uniqueItems")
        for word in sorted(new.keys() - _KNOWN):
            if new[word] != old.get(word):
                yield Change(rule="unknown-change", path=path, detail=f"{word}: {_short(new[word])}")
        yield from self._below(old, new, path)

    def _below(self, old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[Change]:
        """Entries of lists and fields of mappings."""
        if "array" in _kinds(old):
            yield from self.compare(old.get("items", True), new.get("items", True), f"{path}[]")
        if "object" not in _kinds(old):
            return
        for name in sorted({*new.get("required", ())} - {*old.get("required", ())}):
            yield Change(rule="required-added", path=_join(path, name), detail="it could be left out")
        for name in {**old.get("properties", {}), **new.get("properties", {})}:
            yield from self._field(name, old, new, path)
        yield from self._others(old, new, path)
        names = old.get("propertyNames", True), new.get("propertyNames", True)
        yield from self.compare(*names, f"{path}.(names)".lstrip("."))

    def _field(self, name: str, old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[Change]:
        before, after = _governing(name, old), _governing(name, new)
        inner, known = _join(path, name), name in old.get("properties", {})
        if any(one is False for one in before):
            return
        for schema in after:
            if schema is False:
                what = "it was a field, and is refused" if known else "the name was free, and is refused"
                yield Change(rule="field-removed", path=inner, detail=what)
                continue
            if len(before) == 1:
                found = list(self.compare(before[0], schema, inner))
            else:
                found = min((self._tried(one, schema, inner) for one in before), key=len)
            for one in found:
                yield one if known else Change(rule="field-reserved", path=one.path, detail=f"{one.rule}: {one.detail}")

    def _others(self, old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[Change]:
        """Names that are no fields: those of patterns, and all others."""
        before, after = old.get("patternProperties", {}), new.get("patternProperties", {})
        rest, now = old.get("additionalProperties", True), new.get("additionalProperties", True)
        inner = _join(path, "*")
        for pattern, schema in before.items():
            if pattern in after:
                yield from self.compare(schema, after[pattern], inner)
            elif now is False:
                yield Change(rule="closed", path=inner, detail=f"names like {pattern}")
            else:
                yield from self.compare(schema, now, inner)
        for pattern, schema in after.items():
            for other, was in before.items():
                if pattern not in before and _may_meet(pattern, other):
                    yield from self._tried(was, schema, inner)
            if pattern not in before and rest is not False:
                yield from self.compare(rest, schema, inner)
        if rest is not False and now is False:
            yield Change(rule="closed", path=inner, detail="any other name was accepted")
        elif rest is not False:
            yield from self.compare(rest, now, inner)


def _defaults(old: Schema, new: Schema, path: str) -> Iterator[Change]:
    was, now = (one.get("default") if isinstance(one, dict) else None for one in (old, new))
    if was != now or isinstance(was, bool) != isinstance(now, bool):
        yield Change(rule="default-changed", path=path, detail=f"{_or_none(was)} -> {_or_none(now)}")


def _refers(schema: Schema) -> bool:
    return isinstance(schema, dict) and "$ref" in schema


def _resolved(schema: Schema, root: Schema) -> Schema:
    """A schema with what its `$ref` leads to and all of `allOf` in it, without notes."""
    if isinstance(schema, bool):
        return schema
    parts: list[Schema] = [{key: value for key, value in schema.items() if key not in (*_NOTES, "$ref", "allOf")}]
    if "$ref" in schema:
        value = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            value = value[part.replace("~1", "/").replace("~0", "~")]
        parts.append(_resolved(value, root))
    parts += [_resolved(one, root) for one in schema.get("allOf", ())]
    made: dict[str, Any] = {}
    for part in parts:
        if part is False:
            return False
        for key, value in part.items() if part is not True else ():
            if made.setdefault(key, value) != value:
                raise ValueError(f"`{key}` stands beside a `$ref` or `allOf` that has it, too: {_short(schema)}")
    return made


def _alternatives(schema: Schema) -> tuple[list[Schema], dict[str, Any]]:
    """The members of `anyOf` or `oneOf`, and the rest of a schema."""
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return schema[word], {key: value for key, value in schema.items() if key != word}
    return [], schema


def _governing(name: str, schema: dict[str, Any]) -> list[Schema]:
    """All schemas that a field of a mapping has to fit."""
    found = [schema["properties"][name]] if name in schema.get("properties", {}) else []
    found += [one for pattern, one in schema.get("patternProperties", {}).items() if re.search(pattern, name)]
    return found or [schema.get("additionalProperties", True)]


def _kinds(schema: Schema) -> set[str]:
    """The types of values that a schema may accept."""
    if not isinstance(schema, dict):
        return set(_TYPES) if schema else set()
    kinds = schema.get("type", list(_TYPES))
    return {kinds} if isinstance(kinds, str) else set(kinds)


def _kind(schema: Schema) -> Any:
    """What alternatives are told apart by: types, and constants of fields."""
    if not isinstance(schema, dict):
        return schema
    marks = {
        name: one["const"]
        for name, one in schema.get("properties", {}).items()
        if isinstance(one, dict) and "const" in one
    }
    return sorted(_kinds(schema)), sorted(map(str, marks.items()))


def _values(schema: Schema) -> list[Any] | None:
    """All values that there are, where they are listed."""
    if not isinstance(schema, dict):
        return None
    if "const" in schema:
        return [schema["const"]]
    found: list[Any] | None = schema.get("enum")
    return found


def _of(word: str) -> set[str]:
    """The types of values that a limit is about."""
    if word in ("pattern", "format") or word.endswith("Length"):
        return {"string"}
    return {"array"} if word.endswith("Items") else {"object"} if word.endswith("Properties") else {"number", "integer"}


def _within(word: str, bound: Any, old: dict[str, Any]) -> bool:
    """Whether the old schema keeps within a limit; `exclusiveMinimum: 0` is within `minimum: 0`."""
    least = word in _LEAST
    for other, was in old.items():
        inside = (was >= bound if least else was <= bound) if other == word else False
        if other == {"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}.get(word):
            inside = was >= bound if least else was <= bound
        if other == {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}.get(word):
            inside = was > bound if least else was < bound
        if inside:
            return True
    return False


def _may_meet(one: str, other: str) -> bool:
    """Whether one name may fit both patterns, as far as the letters that they begin with say."""
    begins = [re.match(r"\^([\w/-]*)(?![*?{|])", each) for each in (one, other)]
    first, second = (
        found[1] if found and "|" not in each else "" for found, each in zip(begins, (one, other), strict=True)
    )
    return first.startswith(second) or second.startswith(first)


def _refused(path: str, old: Schema) -> Change:
    return Change(rule="refused", path=path, detail=_short(old))


def _join(path: str, part: str) -> str:
    if not path or not part or part.startswith("["):
        return f"{path}{part}"
    return f"{path}.{part}"


def _short(schema: Any) -> str:
    text = json.dumps(schema, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _or_none(value: Any) -> str:
    return "none" if value is None else json.dumps(value, ensure_ascii=False)
