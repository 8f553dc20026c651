"""The JSON Schema of platform files, for editors: made from the models, so that both cannot differ."""

from __future__ import annotations

from typing import Any

from mlwright.platform.model import Platform
from mlwright.spec.schema import plain_schema

ID = "https://mlwright.dev/schemas/platform.v1.schema.json"


def json_schema() -> dict[str, Any]:
    """The schema of one platform file, draft 2020-12."""
    return plain_schema(Platform, ID)
