"""The JSON Schema of `mlproject.lock`, from the fields of its entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields

from mlwright.ir import Json
from mlwright.passes.lock import LockedImage, LockedModel

_FIELDS: Mapping[type, Mapping[str, tuple[str, dict[str, Json]]]] = {
    LockedModel: {
        "version": ("Version of the registered model.", {"type": "string", "pattern": "^[1-9][0-9]*$"}),
        "model_id": ("Logged model that the version is.", {"type": "string"}),
        "run_id": ("Run that made it.", {"type": "string"}),
        "source": ("What was registered.", {"type": "string"}),
        "uri": ("Where the files are: in the object store, or behind the tracking server.", {"type": "string"}),
        "digest": (
            "What the files must be: `sha256:` over all of them, or `list:` over their list and MLmodel.",
            {"type": "string", "pattern": "^(sha256|list):"},
        ),
    },
    LockedImage: {
        "digest": (
            "Digest that the tag points at, the index's where there is one.",
            {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
        ),
        "entrypoint": ("The image's ENTRYPOINT on linux/amd64.", {"type": "array", "items": {"type": "string"}}),
        "cmd": ("The image's CMD on linux/amd64.", {"type": "array", "items": {"type": "string"}}),
    },
}


def json_schema() -> dict[str, Json]:
    """The schema, a new one each time."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://mlwright.dev/schemas/lock.v1.schema.json",
        "title": "mlproject.lock",
        "description": "Aliases of models pinned to versions, tags of images pinned to digests. Written by mlwright.",
        **_object(
            {
                "environments": _map(
                    "Environments by name.",
                    {
                        "description": "One environment.",
                        **_object({"models": _map("Versions by MODEL@ALIAS.", _entry(LockedModel, "One version."))}),
                    },
                ),
                "images": _map("Images by reference, for all environments.", _entry(LockedImage, "One image.")),
            }
        ),
    }


def _entry(kind: type, description: str) -> dict[str, Json]:
    properties: dict[str, Json] = {}
    for field in fields(kind):
        said, shape = _FIELDS[kind][field.name]
        properties[field.name] = {"description": said, **shape}
    required: list[Json] = [field.name for field in fields(kind) if field.default is MISSING]
    return {"description": description, **_object(properties), "required": required}


def _object(properties: dict[str, Json]) -> dict[str, Json]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _map(description: str, item: dict[str, Json]) -> dict[str, Json]:
    return {"description": description, "type": "object", "additionalProperties": item}
