"""JSON Patch (RFC 6902) on plain data, with the paths that it touched."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from mlwright.span import Path


class OperationError(ValueError):
    """Operation number `index` cannot be done; the message says why."""

    def __init__(self, index: int, why: str) -> None:
        super().__init__(why)
        self.index = index


def apply(data: Any, operations: Sequence[Mapping[str, Any]]) -> tuple[Any, list[tuple[Path, int]]]:
    """The changed copy of `data`, and each touched path with its operation's number. Raises OperationError.

    Adding to or removing from a list touches the whole list, because what follows moves.
    """
    result = copy.deepcopy(data)
    touched: list[tuple[Path, int]] = []
    for index, operation in enumerate(operations):
        try:
            result, paths = _one(result, operation)
        except (LookupError, ValueError) as error:
            raise OperationError(index, str(error.args[0])) from error
        touched += [(path, index) for path in paths]
    return result, touched


def pointer(text: str) -> tuple[str, ...]:
    """The parts of a JSON pointer. Raises ValueError."""
    if text and not text.startswith("/"):
        raise ValueError(f"the path {text!r} does not begin with `/`")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:])


def _one(data: Any, operation: Mapping[str, Any]) -> tuple[Any, list[Path]]:
    path = pointer(operation["path"])
    match operation["op"]:
        case "test":
            found = _get(data, path)
            if not _equal(found, operation.get("value")):
                raise ValueError(f"the test of {operation['path']!r} fails: the value there is {found!r}")
            return data, []
        case "add":
            return _add(data, path, copy.deepcopy(operation.get("value")))
        case "replace":
            _get(data, path)
            return _replace(data, path, copy.deepcopy(operation.get("value")))
        case "remove":
            return _remove(data, path)
        case "copy":
            return _add(data, path, copy.deepcopy(_get(data, pointer(operation["from"]))))
        case "move":
            return _move(data, pointer(operation["from"]), path)
        case other:
            raise ValueError(f"there is no operation {other!r}")


def _move(data: Any, source: tuple[str, ...], path: tuple[str, ...]) -> tuple[Any, list[Path]]:
    if path[: len(source)] == source and path != source:
        raise ValueError("a value cannot be moved into itself")
    value = _get(data, source)
    data, gone = _remove(data, source)
    data, here = _add(data, path, value)
    return data, gone + here


def _get(data: Any, path: tuple[str, ...]) -> Any:
    for position, part in enumerate(path):
        data = data[_key(data, part, path[: position + 1])]
    return data


def _key(holder: Any, part: str, path: tuple[str, ...]) -> str | int:
    """The key or index of an existing entry."""
    text = "/" + "/".join(path)
    if isinstance(holder, dict):
        if part not in holder:
            raise LookupError(f"there is nothing at {text!r}")
        return part
    if isinstance(holder, list):
        number = _index(part, text)
        if number >= len(holder):
            raise LookupError(f"there is nothing at {text!r}: the list has {len(holder)} entries")
        return number
    raise LookupError(f"there is nothing at {text!r}: what holds it is neither a map nor a list")


def _index(part: str, text: str) -> int:
    if not (part.isascii() and part.isdigit()) or (len(part) > 1 and part[0] == "0"):
        raise LookupError(f"{text!r} is in a list, where {part!r} is no position")
    return int(part)


def _concrete(data: Any, path: tuple[str, ...]) -> tuple[Any, Path]:
    """The value at `path` and the path with list positions as numbers."""
    found: Path = ()
    for position, part in enumerate(path):
        key = _key(data, part, path[: position + 1])
        data, found = data[key], (*found, key)
    return data, found


def _add(data: Any, path: tuple[str, ...], value: Any) -> tuple[Any, list[Path]]:
    if not path:
        return value, [()]
    holder, above = _concrete(data, path[:-1])
    if isinstance(holder, dict):
        holder[path[-1]] = value
        return data, [(*above, path[-1])]
    text = "/" + "/".join(path)
    if not isinstance(holder, list):
        raise LookupError(f"nothing can be added at {text!r}: what holds it is neither a map nor a list")
    number = len(holder) if path[-1] == "-" else _index(path[-1], text)
    if number > len(holder):
        raise LookupError(f"nothing can be added at {text!r}: the list has {len(holder)} entries")
    holder.insert(number, value)
    return data, [above]


def _replace(data: Any, path: tuple[str, ...], value: Any) -> tuple[Any, list[Path]]:
    if not path:
        return value, [()]
    holder, above = _concrete(data, path[:-1])
    key = _key(holder, path[-1], path)
    holder[key] = value
    return data, [(*above, key)]


def _remove(data: Any, path: tuple[str, ...]) -> tuple[Any, list[Path]]:
    if not path:
        raise ValueError("the whole object cannot be removed")
    holder, above = _concrete(data, path[:-1])
    key = _key(holder, path[-1], path)
    del holder[key]
    return data, [above if isinstance(holder, list) else (*above, key)]


def _equal(one: Any, other: Any) -> bool:
    """Equality of JSON values: numbers by value, but true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other)
