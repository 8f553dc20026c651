"""Where a pydantic error is: its `loc` walked along the models and the tree at once."""

from __future__ import annotations

import typing
from types import UnionType
from typing import Any

from mlwright.record import dataclass
from mlwright.source.tree import Node, Scalar, child
from mlwright.span import Path, dotted
from mlwright.spec.base import Model
from mlwright.spec.declaration import FieldInfo, Tag


@dataclass(frozen=True, slots=True)
class Place:
    """`path` and `node` in the tree; `model` is the mapping that the last key belongs to, `field` what it declares.

    `on_key` is true when the name itself is wrong; `wanted` is the type that is expected there.
    """

    path: Path
    node: Node | None
    model: type[Model] | None = None
    field: FieldInfo | None = None
    wanted: Any = None
    on_key: bool = False


def place(loc: tuple[str | int, ...], tree: Node, root: type[Model]) -> Place:
    """The place that `loc` means. Tags of unions are told from keys by the models, not by guessing."""
    path: Path = ()
    node: Node | None = tree
    wanted: Any = root
    model: type[Model] | None = None
    field: FieldInfo | None = None
    for part in loc:
        if part == "[key]":
            return Place(path, node, model, field, wanted, on_key=True)
        members = tagged(wanted)
        if members and isinstance(part, str) and part in members:
            wanted = members[part]
            continue
        bare = strip(wanted)
        if isinstance(bare, type) and issubclass(bare, Model):
            model, field = bare, _field(bare, str(part))
            wanted = field.annotation if field else None
            if part == "/":  # extended resources stand among the others
                continue
        else:
            model, field, wanted = None, None, _item_type(bare, part)
        below = child(node, part) if node is not None else None
        if below is None and isinstance(node, Scalar):
            continue  # a short form: the field that it stands for has no place of its own
        path, node = (*path, part), below
    return Place(path, node, model, field, wanted)


def strip(annotation: Any) -> Any:
    """`annotation` without `Annotated` and without `None`."""
    while True:
        if typing.get_origin(annotation) is typing.Annotated:
            annotation = annotation.__origin__
        elif typing.get_origin(annotation) in (typing.Union, UnionType):
            members = [member for member in typing.get_args(annotation) if member is not type(None)]
            if len(members) != 1:
                return annotation
            annotation = members[0]
        else:
            return annotation


def tagged(annotation: Any) -> dict[str, Any]:
    """The members of a union by their tag; empty for everything else."""
    bare = strip(annotation)
    if typing.get_origin(bare) not in (typing.Union, UnionType):
        return {}
    members: dict[str, Any] = {}
    for member in typing.get_args(bare):
        for item in getattr(member, "__metadata__", ()):
            if isinstance(item, Tag):
                members[item.tag] = member
        model = strip(member)
        if isinstance(model, type) and issubclass(model, Model) and "type" in model.model_fields:
            for name in literals(model.model_fields["type"].annotation):
                members[str(name)] = model
    return members


def literals(annotation: Any) -> tuple[object, ...]:
    """The values of a `Literal`, at any depth of `Annotated` and `None`; empty for everything else."""
    bare = strip(annotation)
    return typing.get_args(bare) if typing.get_origin(bare) is typing.Literal else ()


def aliased(model: type[Model]) -> dict[str, FieldInfo]:
    """The fields of `model` by the key that users write."""
    return {field.alias or name: field for name, field in model.model_fields.items() if field.alias != "/"}


def _field(model: type[Model], key: str) -> FieldInfo | None:
    for name, field in model.model_fields.items():
        if key in (name, field.alias):
            return field
    return None


def _item_type(annotation: Any, part: str | int) -> Any:
    arguments = typing.get_args(annotation)
    origin = typing.get_origin(annotation)
    if origin is dict and len(arguments) == 2:
        return arguments[1]
    return arguments[0] if origin is tuple and arguments and isinstance(part, int) else None


def mapping_name(path: Path) -> str:
    """A path the way users say it."""
    return f"`{dotted(path)}`" if path else "a project file"
