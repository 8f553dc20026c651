"""Pydantic's view of the declarations: for files that `acceptance` refuses, and for the JSON Schema.

Each model is made anew as a pydantic model with the same fields, types and checks; what it reads comes out as an
instance of the declared model.
"""

from __future__ import annotations

from collections.abc import Callable
from types import GenericAlias, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import pydantic
from pydantic import BaseModel, ConfigDict, Strict, TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import ErrorDetails

from mlwright.spec import declaration
from mlwright.spec.declaration import REQUIRED, Declared, FieldInfo
from mlwright.spec.scalars.refusal import Scalar

Made = TypeVar("Made", bound=Declared)
_BOUNDS = ("min_length", "pattern", "ge", "gt", "le", "lt")


def explain(model: type[Made], value: object) -> tuple[Made | None, list[ErrorDetails]]:
    """What `model` makes of `value` (plain YAML): the instance, or every error as pydantic tells it."""
    try:
        made: Any = _mirrored(model).model_validate(value)
    except ValidationError as error:
        return None, error.errors(include_url=False)
    return made, []


def schema(model: type[Declared]) -> JsonSchemaValue:
    """Pydantic's JSON Schema of a model, with the keys that users write."""
    return _mirrored(model).model_json_schema(by_alias=True, schema_generator=_Drawn)


class _Drawn(GenerateJsonSchema):
    def encode_default(self, dft: Any) -> Any:
        """A default as users would write it."""
        if isinstance(dft, Declared):
            return {name: self.encode_default(getattr(dft, name)) for name in dft.model_fields_set}
        text = getattr(dft, "text", None) if isinstance(dft, Scalar) else None
        return super().encode_default(dft) if text is None else text


def adapter(annotation: Any) -> TypeAdapter[Any]:
    """Pydantic's reader of one declared type."""
    return TypeAdapter(translated(annotation))


class _Mirror(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


_MIRRORS: dict[type[Declared], type[BaseModel]] = {}


def _mirrored(model: type[Declared]) -> type[BaseModel]:
    """The pydantic model of a declared one."""
    if model not in _MIRRORS:
        _MIRRORS[model] = _made(model)
    return _MIRRORS[model]


def _made(model: type[Declared]) -> type[BaseModel]:
    fields: dict[str, Any] = {name: _field(field) for name, field in model.model_fields.items()}
    validators: dict[str, Any] = {name: _before(getattr(model, name)) for name in model.befores}
    validators["made"] = pydantic.model_validator(mode="after")(_maker(model))
    return pydantic.create_model(
        model.__name__, __base__=_Mirror, __doc__=model.__doc__, __module__=model.__module__,
        __validators__=validators, **fields,
    )  # fmt: skip


def _before(check: Callable[[Any], Any]) -> Any:
    method: Any = classmethod(lambda _, value: check(value))
    return pydantic.model_validator(mode="before")(method)


def _maker(model: type[Declared]) -> Callable[[BaseModel], Any]:
    def made(read: BaseModel) -> Declared:
        found = model(**{name: getattr(read, name) for name in read.model_fields_set})
        for name in model.afters:
            getattr(found, name)()
        return found

    return made


def _field(field: FieldInfo) -> tuple[Any, Any]:
    default = {} if field.default is REQUIRED else {"default": field.default}
    said: Any = pydantic.Field(
        **default, alias=field.alias, description=field.description, examples=field.examples, **_bounds(field)
    )
    return translated(field.annotation), said


def _bounds(field: FieldInfo) -> dict[str, Any]:
    return {name: value for name in _BOUNDS if (value := getattr(field, name)) is not None}


def translated(annotation: Any) -> Any:
    """A declared type in pydantic's words."""
    if annotation is Any:
        return annotation
    if isinstance(annotation, type) and not isinstance(annotation, GenericAlias):
        return _mirrored(annotation) if issubclass(annotation, Declared) else annotation
    origin, arguments = get_origin(annotation), get_args(annotation)
    if metadata := getattr(annotation, "__metadata__", ()):
        words = tuple(_word(item) for item in metadata)
        return Annotated[(translated(annotation.__origin__), *words)]
    if origin in (Union, UnionType):
        return Union[tuple(translated(item) for item in arguments)]  # noqa: UP007 - a computed tuple
    if origin is tuple:
        return Annotated[GenericAlias(tuple, (translated(arguments[0]), ...)), Strict(False)]
    if origin is dict:
        return GenericAlias(dict, tuple(translated(item) for item in arguments))
    assert origin is Literal, annotation
    return annotation


def _word(item: Any) -> Any:
    match item:
        case declaration.BeforeValidator():
            return pydantic.BeforeValidator(item.function)
        case declaration.AfterValidator():
            return pydantic.AfterValidator(item.function)
        case declaration.Discriminator():
            return pydantic.Discriminator(item.function)
        case declaration.Tag():
            return pydantic.Tag(item.tag)
        case declaration.WithJsonSchema():
            return pydantic.WithJsonSchema(item.json_schema)
        case FieldInfo():
            said: dict[str, Any] = {"discriminator": item.discriminator} if item.discriminator else {}
            return pydantic.Field(**said, **_bounds(item))
        case _:
            return item
