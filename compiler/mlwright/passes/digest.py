"""The identity of the runnable program: the same digest means that a run would do the same."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from functools import cache
from typing import Any

from mlwright import ir
from mlwright.diag import Bag
from mlwright.record import replace


def stamp_digest(project: ir.Project, bag: Bag) -> ir.Project:
    """Set `spec_digest`: 64 hex digits over parameters, data, storage and nodes; not over services or positions."""
    runnable = [project.name, project.params, project.data, project.storage, project.artifacts, project.nodes]
    text = json.dumps(runnable, default=_plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return replace(project, spec_digest=hashlib.sha256(text.encode()).hexdigest())


def _plain(value: Any) -> dict[str, Any]:
    kind: Any = type(value)
    return {"": kind.__name__, **{name: getattr(value, name) for name in _compared(kind)}}


@cache
def _compared(kind: Any) -> tuple[str, ...]:
    """The fields of a dataclass that tell two of its instances apart. Raises TypeError for other types."""
    return tuple(field.name for field in fields(kind) if field.compare)
