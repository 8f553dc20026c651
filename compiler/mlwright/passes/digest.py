"""The identity of the runnable program: the same digest means that a run would do the same."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass, replace
from typing import Any

from mlwright import ir
from mlwright.diag import Bag


def stamp_digest(project: ir.Project, bag: Bag) -> ir.Project:
    """Set `spec_digest`: 64 hex digits over parameters, data, storage and nodes; not over services or positions."""
    runnable = [project.name, project.params, project.data, project.storage, project.artifacts, project.nodes]
    text = json.dumps(_plain(runnable), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return replace(project, spec_digest=hashlib.sha256(text.encode()).hexdigest())


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {
            "": type(value).__name__,
            **{f.name: _plain(getattr(value, f.name)) for f in fields(value) if f.compare},
        }
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value
