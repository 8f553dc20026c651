"""`dataclass` for the frozen, slotted classes that this compiler is made of, made in a fifth of the time.

The standard decorator writes and compiles six methods for every class, which for all our classes takes as long as
importing pydantic. Here comparison, text and freezing are the same functions for all, and `__init__` is compiled when
the first instance is made: most runs use few of the classes that they import. `replace` is quicker, too. Everything
else, such as `fields`, is the standard library's.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

_set = object.__setattr__


def _dataclass(*, frozen: bool = False, slots: bool = False, kw_only: bool = False) -> Callable[[type], type]:
    """As `dataclasses.dataclass`, which makes all classes that are not both frozen and slotted."""
    if not (frozen and slots):
        return dataclasses.dataclass(frozen=frozen, slots=slots, kw_only=kw_only)

    def make(cls: type) -> type:
        own = {**_SHARED, **{name: cls.__dict__[name] for name in _SHARED if cls.__dict__.get(name) is not None}}
        written = inspect.get_annotations(cls)
        cls.__annotations__ = {name: _plainly(kind) for name, kind in written.items()}
        cls.__doc__ = cls.__doc__ or cls.__name__  # else it becomes the signature, which takes a millisecond to write
        made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(cls)
        made.__annotations__ = written
        for name in written.keys() & made.__dataclass_fields__.keys():
            made.__dataclass_fields__[name].type = written[name]
        for name, method in own.items():
            setattr(made, name, method)
        type.__setattr__(made, "__init__", _first(made))
        kind: type = made
        return kind

    return make


def _plainly(kind: Any) -> Any:
    """A type in place of its text: the decorator searches every text for what would make it no field."""
    special = not isinstance(kind, str) or any(mark in kind for mark in ("ClassVar", "InitVar", "KW_ONLY"))
    return kind if special else object


def _replace(record: Any, /, **changes: Any) -> Any:
    """As `dataclasses.replace`, which takes five times as long for records of many fields."""
    kind: Any = type(record)
    if kind.__dict__.get("__setstate__") is not _setstate:
        return dataclasses.replace(record, **changes)
    names = _names(kind)
    if not changes.keys() <= names.keys():
        raise TypeError(f"{kind.__name__} has no field {', '.join(sorted(changes.keys() - names.keys()))}")
    made = object.__new__(kind)
    for name, put in names.items():
        put(made, changes[name] if name in changes else getattr(record, name))
    return made


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
    from dataclasses import replace as replace
else:
    dataclass, replace = _dataclass, _replace


def _first(cls: type) -> Callable[..., None]:
    """An `__init__` that puts the real one in its own place."""

    def __init__(self: Any, *args: Any, **values: Any) -> None:
        made = _initializer(cls)
        type.__setattr__(cls, "__init__", made)
        made(self, *args, **values)

    return __init__


def _initializer(cls: type) -> Callable[..., None]:
    known: dict[str, Any] = {"_missing": dataclasses.MISSING}
    places: list[str] = []
    named: list[str] = []
    body: list[str] = []
    for field in dataclasses.fields(cls):
        name = field.name
        value, given = name, name
        if field.default_factory is not dataclasses.MISSING:
            known[f"_make_{name}"] = field.default_factory
            given, value = f"{name}=_missing", f"_make_{name}() if {name} is _missing else {name}"
        elif field.default is not dataclasses.MISSING:
            known[f"_default_{name}"] = field.default
            given = f"{name}=_default_{name}"
        (named if field.kw_only else places).append(given)
        known[f"_set_{name}"] = getattr(cls, name).__set__  # a slot's own: quicker than to look for it by name
        body.append(f"    _set_{name}(self, {value})")
    arguments = ", ".join(["self", *places, *(["*", *named] if named else [])])
    exec(f"def __init__({arguments}):\n" + ("\n".join(body) or "    pass"), known)
    made: Callable[..., None] = known["__init__"]
    return made


@cache
def _names(cls: type) -> dict[str, Callable[[Any, Any], None]]:
    """The fields, and what sets each: a slot's own function is quicker than to look for it by name."""
    return {field.name: getattr(cls, field.name).__set__ for field in dataclasses.fields(cls)}


@cache
def _compared(cls: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(cls) if field.compare)


def _values(record: Any) -> tuple[Any, ...]:
    kind: Any = type(record)
    return tuple([getattr(record, name) for name in _compared(kind)])


def _eq(self: Any, other: object) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    return self is other or _values(self) == _values(other)


def _hash(self: Any) -> int:
    return hash(_values(self))


def _repr(self: Any) -> str:
    shown = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr)
    return f"{type(self).__qualname__}({shown})"


def _setattr(self: Any, name: str, value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(self: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _getstate(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _setstate(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        _set(self, field.name, value)


_SHARED: dict[str, Callable[..., Any]] = {
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
    "__setattr__": _setattr,
    "__delattr__": _delattr,
    "__getstate__": _getstate,
    "__setstate__": _setstate,
}
