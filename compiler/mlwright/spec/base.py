"""What every section's model shares: frozen, closed, with short forms and `x-` notes.

Modules of models leave `from __future__ import annotations` out: the readers of the declarations need the types.
"""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar

from mlwright.spec.declaration import BeforeValidator, Declared, model_validator
from mlwright.spec.scalars.names import Name

if TYPE_CHECKING:
    Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
else:
    Json = Any  # whatever YAML can say

Item = TypeVar("Item")
Key = TypeVar("Key", bound=str)

Many = tuple[Item, ...]
"""A YAML list, kept as a tuple."""


def without_notes(value: object) -> object:
    """A mapping without its `x-` keys and without keys that say nothing (`key:` or null); other values unchanged."""
    if not isinstance(value, dict):
        return value
    return {key: item for key, item in value.items() if item is not None and not key.startswith("x-")}


Mapped = Annotated[dict[Key, Item], BeforeValidator(without_notes)]
"""A map with keys of one kind; `x-` keys are notes and are dropped."""

Named = Annotated[dict[Name, Item], BeforeValidator(without_notes)]
"""A map of entries by name."""


def _is_note(key: str) -> bool:
    return key.startswith("x-")


class Model(Declared):
    """One mapping of the specification. Attribute names are the keys as written; `_` follows Python's keywords.

    `short` names the field that a bare value of one of `short_types` stands for.
    """

    short: ClassVar[str] = ""
    short_types: ClassVar[tuple[type, ...]] = (str,)

    @model_validator(mode="before")
    @classmethod
    def open_notes(cls, value: object) -> object:
        """The mapping without notes and empty fields, its short form spelt out. An unknown key stays, empty or not."""
        if isinstance(value, dict):
            if None not in value.values() and not any(map(_is_note, value)):
                return value
            return {
                key: item
                for key, item in value.items()
                if not key.startswith("x-") and (item is not None or not cls.has(key))
            }
        if (
            cls.short
            and isinstance(value, cls.short_types)
            and (bool in cls.short_types or not isinstance(value, bool))
        ):
            return cls.lengthen(value)
        return value

    @classmethod
    def has(cls, key: str) -> bool:
        """Whether there is a field that files call `key`."""
        return key in cls.model_fields or any(field.alias == key for field in cls.model_fields.values())

    @classmethod
    def lengthen(cls, value: object) -> dict[str, object]:
        """The mapping that a short form stands for."""
        return {cls.short: value}


def typed(kind: str) -> BeforeValidator:
    """Entries of a union without `type` are of type `kind`."""

    def fill(value: object) -> object:
        return {"type": kind, **value} if isinstance(value, dict) and "type" not in value else value

    return BeforeValidator(fill)
