"""How the language is declared: models, their fields, and what constrains them. The names and meanings are pydantic's.

A declaration is read in two ways. `acceptance` reads sound files with the standard library only; `explanation` makes
pydantic models of the same declarations, to say what is wrong with the other files and to draw the JSON Schema. That
is why nothing here imports pydantic: most runs never need it, and it takes longer to import than they take.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, TypeVar, dataclass_transform

REQUIRED: Any = type("Required", (), {"__repr__": lambda self: "REQUIRED", "__slots__": ()})()
"""In the place of a default: the field has none."""


class FieldInfo:
    """What a field says beside its type; in `Annotated`, the constraints of a type."""

    __slots__ = (
        "alias", "annotation", "default", "description", "discriminator", "examples", "ge", "gt", "le", "lt",
        "min_length", "pattern",
    )  # fmt: skip

    annotation: Any

    def __init__(
        self,
        default: Any,
        alias: str | None,
        description: str,
        examples: list[Any],
        discriminator: str | None,
        min_length: int | None,
        pattern: str | None,
        ge: float | None,
        gt: float | None,
        le: float | None,
        lt: float | None,
    ) -> None:
        self.default = default
        self.alias = alias
        self.description = description
        self.examples = examples
        self.discriminator = discriminator
        self.min_length = min_length
        self.pattern = pattern
        self.ge = ge
        self.gt = gt
        self.le = le
        self.lt = lt


def Field(
    *,
    default: Any = REQUIRED,
    alias: str | None = None,
    description: str = "",
    examples: list[Any] | None = None,
    discriminator: str | None = None,
    min_length: int | None = None,
    pattern: str | None = None,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
) -> Any:
    """A field's default, documentation and bounds. `pattern` is searched for, and its `$` means the very end."""
    return FieldInfo(default, alias, description, examples or [], discriminator, min_length, pattern, ge, gt, le, lt)


class _Function:
    __slots__ = ("function",)

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function


class BeforeValidator(_Function):
    """In `Annotated`: changes what is written before its type looks at it."""

    __slots__ = ()


class AfterValidator(_Function):
    """In `Annotated`: changes or refuses a value that is of its type."""

    __slots__ = ()


class Discriminator(_Function):
    """In `Annotated`: the function that chooses a union's member for a value, by the member's `Tag`."""

    __slots__ = ()


class Tag:
    """In `Annotated`: the name of a union's member."""

    __slots__ = ("tag",)

    def __init__(self, tag: str) -> None:
        self.tag = tag


class WithJsonSchema:
    """In `Annotated`: what the JSON Schema says in the place of the type."""

    __slots__ = ("json_schema",)

    def __init__(self, json_schema: dict[str, Any]) -> None:
        self.json_schema = json_schema


_Check = TypeVar("_Check", bound=Callable[..., Any])


def model_validator(*, mode: Literal["before", "after"]) -> Callable[[_Check], _Check]:
    """Marks a method: `before` (a class method) changes what is written, `after` refuses what does not agree."""

    def mark(method: _Check) -> _Check:
        function: Any = getattr(method, "__func__", method)
        function.validates = mode
        return method

    return mark


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(Field,))
class Declared:
    """Base of the models. An instance holds only what is set; the rest are the class's attributes.

    Made by `acceptance.accept` or `explanation.explain`, or by hand from values that are known to be right.
    """

    model_fields: ClassVar[Mapping[str, FieldInfo]] = {}
    """Fields by attribute, those of base classes first."""

    befores: ClassVar[tuple[str, ...]] = ()
    afters: ClassVar[tuple[str, ...]] = ()
    """Names of the validating methods, those of base classes first."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    @property
    def model_fields_set(self) -> frozenset[str]:
        """The fields that the file sets."""
        return frozenset(self.__dict__)

    def __init_subclass__(cls) -> None:
        fields: dict[str, FieldInfo] = {}
        checks: dict[str, str] = {}
        for base in reversed(cls.__mro__[1:]):
            fields |= base.__dict__.get("model_fields", {})
            checks |= dict.fromkeys(base.__dict__.get("befores", ()), "before")
            checks |= dict.fromkeys(base.__dict__.get("afters", ()), "after")
        for name, annotation in inspect.get_annotations(cls).items():
            field = cls.__dict__.get(name)
            if isinstance(field, FieldInfo):
                field.annotation = annotation
                fields[name] = field
                if field.default is REQUIRED:
                    delattr(cls, name)
                else:
                    setattr(cls, name, field.default)
        for name, member in cls.__dict__.items():
            if mode := getattr(getattr(member, "__func__", member), "validates", ""):
                checks[name] = mode
        cls.model_fields = fields
        cls.befores = tuple(name for name, mode in checks.items() if mode == "before")
        cls.afters = tuple(name for name, mode in checks.items() if mode == "after")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.model_fields)

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, name) for name in self.model_fields))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"
