"""The identity of the runnable program: the same digest means that a run would do the same."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from mlwright import ir
from mlwright.diag import Bag
from mlwright.record import replace

_SIMPLE = (str, int, float, type(None))


def stamp_digest(project: ir.Project, bag: Bag) -> ir.Project:
    """Set `spec_digest`: 64 hex digits over parameters, data, storage and nodes; not over services or positions."""
    runnable = [project.name, project.params, project.data, project.storage, project.artifacts, project.nodes]
    text = json.dumps(_plain(runnable), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return replace(project, spec_digest=hashlib.sha256(text.encode()).hexdigest())


def _plain(value: Any) -> Any:
    if isinstance(value, _SIMPLE):
        return value
    if isinstance(value, (list, tuple)):
        return [item if isinstance(item, _SIMPLE) else _plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    kind: Any = type(value)
    names = _compared(kind)
    if names is None:
        return value
    plain = {"": kind.__name__}
    for name in names:
        item = getattr(value, name)
        plain[name] = item if isinstance(item, _SIMPLE) else _plain(item)
    return plain


@cache
def _compared(kind: type) -> tuple[str, ...] | None:
    """The fields of a dataclass that tell two of its instances apart, None for other types."""
    return tuple(field.name for field in fields(kind) if field.compare) if is_dataclass(kind) else None
