"""What the language says of a field: its description, type, default and an example, by its path in a project file."""

from __future__ import annotations

import typing
from typing import Any

from mlwright.record import dataclass
from mlwright.source.tree import Node, Scalar, at
from mlwright.span import Path
from mlwright.spec.base import Model
from mlwright.spec.declaration import REQUIRED, FieldInfo
from mlwright.spec.project import Project
from mlwright.spec.shape import _field, _item_type, aliased, literals, strip, tagged


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """`kind` is the type in words, `choices` the words that a field takes, where it takes few. `default` and `example`
    are plain values; None where there is none. `required`: it has no default."""

    description: str = ""
    kind: str = ""
    choices: tuple[str, ...] = ()
    default: Any = None
    example: Any = None
    required: bool = False


def describe(path: Path, tree: Node | None = None) -> Described | None:
    """The field at `path`, None where the language has none; an entry of a map or list is described by its type.
    `tree` says which form a field has where it may have several."""
    field, wanted, around = _walk(path, tree)
    if field is None and wanted is None:
        return None
    bare = strip(wanted)
    own = (getattr(bare, "__doc__", None) or "") if isinstance(bare, type) and issubclass(bare, Model) else ""
    if field is None:
        return Described(description=" ".join(own.split()), kind=_kind(wanted))
    default = field.default
    return Described(
        description=field.description or " ".join(own.split()),
        kind=_kind(wanted),
        choices=tuple(tagged(around)) if path[-1] == "type" and tagged(around) else tuple(map(str, literals(wanted))),
        default=default if isinstance(default, (bool, int, float, str)) and default != "" else None,
        example=next(iter(field.examples), None),
        required=default is REQUIRED,
    )


def names(path: Path, tree: Node | None = None) -> tuple[str, ...]:
    """The fields that the language has below `path`; empty for a map of the user's own names."""
    _, wanted, _ = _walk(path, tree)
    found: dict[str, None] = {}
    for member in (wanted, *tagged(wanted).values()):
        bare = strip(member)
        if isinstance(bare, type) and issubclass(bare, Model):
            found.update(dict.fromkeys(aliased(bare)))
    return tuple(found)


def _walk(path: Path, tree: Node | None) -> tuple[FieldInfo | None, Any, Any]:
    """The field at `path`, what it takes, and what the mapping around it is."""
    wanted: Any = Project
    around: Any = None
    field: FieldInfo | None = None
    for depth, part in enumerate(path):
        around = wanted
        bare = strip(_form(wanted, str(part), at(tree, path[:depth]) if tree is not None else None))
        if isinstance(bare, type) and issubclass(bare, Model):
            field = _field(bare, str(part))
            wanted = field.annotation if field else None
            if field is None and (field := _field(bare, "/")):  # amounts of any resource
                wanted = _item_type(strip(field.annotation), part)
        else:
            field, wanted = None, _item_type(bare, part)
        if wanted is None:
            return None, None, None
    return field, wanted, around


def _form(wanted: Any, part: str, node: Node | None) -> Any:
    """The member of a union that a mapping in the tree is, else the first that has the field `part`."""
    members = tagged(wanted)
    if not members:
        return wanted
    kind = at(node, ("type",)) if node is not None else None
    if isinstance(kind, Scalar) and str(kind.value) in members:
        return members[str(kind.value)]
    for member in members.values():
        bare = strip(member)
        if isinstance(bare, type) and issubclass(bare, Model) and _field(bare, part):
            return member
    return wanted


def _kind(wanted: Any) -> str:
    bare = strip(wanted)
    if literals(wanted):
        return "one of"
    origin, arguments = typing.get_origin(bare), typing.get_args(bare)
    if origin is dict and len(arguments) == 2:
        return "map"
    if origin in (tuple, list):
        return "list"
    if isinstance(bare, type):
        plain = {str: "text", int: "whole number", float: "number", bool: "true or false"}
        return plain.get(bare, "mapping" if issubclass(bare, Model) else "")
    return ""
