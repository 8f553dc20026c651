"""Reads what is sound, with the standard library only: the values of a model, or `Refused` without a reason.

Every declared type becomes one function, made when it is first needed. Whatever is refused here goes to `explanation`,
which has the last word; so this reader may be too strict at the edges, but never accepts what pydantic refuses. The
tests hold the two against each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import GenericAlias, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from mlwright.spec.declaration import (
    REQUIRED,
    AfterValidator,
    BeforeValidator,
    Declared,
    Discriminator,
    FieldInfo,
    Tag,
)
from mlwright.spec.scalars.refusal import Scalar

Reader = Callable[[Any], Any]
Made = TypeVar("Made", bound=Declared)


class Refused(ValueError):
    """Something in the value is not right; a value error like those that the scalars raise."""


def accept(model: type[Made], value: object) -> Made:
    """The instance of `model` that `value` (plain YAML) describes. Raises ValueError for everything else."""
    try:
        made: Made = _model(model)(value)
    finally:
        _SEEN.clear()
    return made


def reader(annotation: Any) -> Reader:
    """The function that reads one value of a declared type."""
    if annotation is Any:
        return _anything  # Json: whatever YAML can say
    if isinstance(annotation, type) and not isinstance(annotation, GenericAlias):
        return _class(annotation)
    if metadata := getattr(annotation, "__metadata__", ()):
        return _annotated(annotation.__origin__, metadata)
    origin = get_origin(annotation)
    if origin is Literal:
        return _choice(frozenset(get_args(annotation)))
    if origin in (Union, UnionType):
        return _optional(annotation)
    if origin is tuple:
        return _items(reader(get_args(annotation)[0]))
    if origin is dict:
        key, item = get_args(annotation)
        return _mapping(reader(key), reader(item))
    raise TypeError(f"{annotation!r} is no type of the language")


def _class(kind: type) -> Reader:
    if issubclass(kind, Declared):
        return _model(kind)
    if issubclass(kind, Scalar):
        return kind.accept
    return _SIMPLE[kind]


def _anything(value: Any) -> Any:
    return value


def _text(value: Any) -> str:
    if type(value) is not str:
        raise Refused
    if not value.isascii():
        value.encode()  # half of a surrogate pair: UnicodeEncodeError is a ValueError
    return value


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise Refused
    return value


def _number(value: Any) -> float:
    if (type(value) is float and value == value) or (type(value) is int and abs(value) < 2**1000):
        return float(value)
    raise Refused


def _truth(value: Any) -> bool:
    if value is not True and value is not False:
        raise Refused
    return value


_SIMPLE: Mapping[type, Reader] = {str: _text, int: _whole, float: _number, bool: _truth}


def _choice(choices: frozenset[Any]) -> Reader:
    def read(value: Any) -> Any:
        if type(value) is not str or value not in choices:
            raise Refused
        return value

    return read


def _items(item: Reader) -> Reader:
    def read(value: Any) -> Any:
        if type(value) is not list and type(value) is not tuple:
            raise Refused
        return tuple([item(one) for one in value])

    return read


def _mapping(key: Reader, item: Reader) -> Reader:
    def read(value: Any) -> Any:
        if type(value) is not dict:
            raise Refused
        return {key(name): item(one) for name, one in value.items()}

    return read


def _optional(annotation: Any) -> Reader:
    members = [member for member in get_args(annotation) if member is not type(None)]
    if len(members) != 1:
        raise TypeError(f"{annotation} needs a discriminator")
    inner = reader(members[0])
    return lambda value: None if value is None else inner(value)


def _annotated(annotation: Any, metadata: tuple[Any, ...]) -> Reader:
    union = _union(annotation, metadata)
    read = union or (_anything if any(isinstance(item, type) for item in metadata) else reader(annotation))
    for item in metadata:
        if isinstance(item, BeforeValidator):
            read = _chain(item.function, read)
        elif isinstance(item, AfterValidator):
            read = _chain(read, item.function)
        elif isinstance(item, FieldInfo):
            read = _bounded(read, item)
        elif isinstance(item, type) and issubclass(item, Scalar):
            read = item.accept
    return read


def _chain(first: Reader, second: Reader) -> Reader:
    return lambda value: second(first(value))


def _union(annotation: Any, metadata: tuple[Any, ...]) -> Reader | None:
    """The reader of a union whose member is known before it is read, None for everything else."""
    for item in metadata:
        if isinstance(item, Discriminator):
            return _chosen(item.function, {_tag(member): reader(member) for member in get_args(annotation)})
        if isinstance(item, FieldInfo) and item.discriminator:
            return _tagged(item.discriminator, _by_tag(annotation, item.discriminator))
    return None


def _tag(member: Any) -> str:
    return next(item.tag for item in member.__metadata__ if isinstance(item, Tag))


def _by_tag(annotation: Any, key: str) -> dict[str, Reader]:
    return {
        name: reader(member)
        for member in get_args(annotation)
        for name in get_args(member.model_fields[key].annotation)
    }


def _chosen(choose: Callable[[Any], Any], members: Mapping[str, Reader]) -> Reader:
    return lambda value: members[choose(value)](value)


def _tagged(key: str, members: Mapping[str, Reader]) -> Reader:
    def read(value: Any) -> Any:
        tag = value.get(key) if type(value) is dict else None
        if type(tag) is not str or tag not in members:
            raise Refused
        return members[tag](value)

    return read


def _bounded(read: Reader, bounds: FieldInfo) -> Reader:
    """`read`, then the bounds, each of which None passes."""
    tests: list[Callable[[Any], bool]] = []
    if (least := bounds.min_length) is not None:
        tests.append(lambda value: len(value) >= least)
    if (ge := bounds.ge) is not None:
        tests.append(lambda value: value >= ge)
    if (gt := bounds.gt) is not None:
        tests.append(lambda value: value > gt)
    if (le := bounds.le) is not None:
        tests.append(lambda value: value <= le)
    if (lt := bounds.lt) is not None:
        tests.append(lambda value: value < lt)
    if bounds.pattern is not None:
        # `$` of pydantic's engine is the very end, Python's also stands before a last line break
        search = re.compile(bounds.pattern.replace("$", r"\Z")).search
        tests.append(lambda value: search(value) is not None)
    if not tests:
        return read

    def bounded(value: Any) -> Any:
        found = read(value)
        if found is not None and not all(test(found) for test in tests):
            raise Refused
        return found

    return bounded


_SEEN: dict[tuple[type[Declared], object], tuple[Declared, object]] = {}
"""What values became, by model and text or identity: what many entries share, such as defaults, is read once. The
values are kept so that no other gets the identity of one."""
_READERS: dict[type[Declared], Reader] = {}


def _model(model: type[Declared]) -> Reader:
    if model not in _READERS:
        _READERS[model] = _made(model)
    return _READERS[model]


def _made(model: type[Declared]) -> Reader:
    """The reader of a model; the readers of its fields are made when the field is first seen."""
    fields = {field.alias or name: (name, field) for name, field in model.model_fields.items()}
    required = frozenset(key for key, (_, field) in fields.items() if field.default is REQUIRED)
    befores = [getattr(model, name) for name in reversed(model.befores)]
    afters = [getattr(model, name) for name in model.afters]
    readers: dict[str, tuple[str, Reader]] = {}

    def find(key: str) -> tuple[str, Reader]:
        if key not in fields:
            raise Refused
        name, field = fields[key]
        readers[key] = name, _bounded(reader(field.annotation), field)
        return readers[key]

    def read(given: Any) -> Declared:
        seen = (model, given if type(given) is str else id(given))
        if seen in _SEEN:
            return _SEEN[seen][0]
        value = given
        for before in befores:
            value = before(value)
        if type(value) is not dict or not required <= value.keys():
            raise Refused
        values = {}
        for key, item in value.items():
            name, accepted = readers.get(key) or find(key)
            values[name] = accepted(item)
        made = object.__new__(model)
        made.__dict__.update(values)
        for after in afters:
            after(made)
        _SEEN[seen] = made, given
        return made

    return read
