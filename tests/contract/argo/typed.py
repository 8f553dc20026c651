"""Hera's typed models of Argo's objects, and what they lose of an object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from hera.events import models as events
from hera.workflows import models as workflows

MODELS: Mapping[str, Any] = {
    "WorkflowTemplate": workflows.WorkflowTemplate,
    "ClusterWorkflowTemplate": workflows.ClusterWorkflowTemplate,
    "Workflow": workflows.Workflow,
    "CronWorkflow": workflows.CronWorkflow,
    "EventSource": events.EventSource,
    "Sensor": events.Sensor,
}
NEWER = frozenset({"podResources", "pendingTimeout", "resourceClaims", "addressingStyle"})
"""Fields of Argo 4.1: the models are of 4.0."""
_INLINED = {
    "webhook": ("webhookContext", ("endpoint", "port", "method", "url", "authSecret", "maxPayloadSize")),
    "resource": ("groupVersionResource", ("group", "version", "resource")),
}
"""Kind of source -> fields that Argo Events' own types inline, and the key that the models have them under."""


def lost(item: Mapping[str, Any]) -> list[str]:
    """Paths that the model of the object's kind does not know, or changes."""
    given = _reshaped(item)
    made = [source.pop("resource") for source in _made(given)] if item["kind"] == "Sensor" else []
    inner = [f"resource{path}" for one in made for path in lost(one)]
    read = MODELS[item["kind"]].model_validate(given)
    return inner + list(_differences(given, read.model_dump(by_alias=True, exclude_none=True, mode="json"), ""))


def _made(sensor: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Where a Sensor has the objects that it makes: its own model has bytes in their place."""
    for trigger in sensor["spec"]["triggers"]:
        yield trigger["template"]["k8s"]["source"]


def _reshaped(item: Mapping[str, Any]) -> dict[str, Any]:
    """An object as the models of Argo Events have it: made from a description without inlined fields and `kind`, in
    which numbers of 64 bits are texts."""
    found = deepcopy(dict(item))
    if item["kind"] not in ("EventSource", "Sensor"):
        return found
    for key in ("apiVersion", "kind"):
        del found[key]
    for kind, (inner, names) in _INLINED.items():
        for source in found["spec"].get(kind, {}).values() if item["kind"] == "EventSource" else ():
            source[inner] = {name: source.pop(name) for name in names if name in source}
    for source in found["spec"].get("sqs", {}).values():
        source["waitTimeSeconds"] = str(source["waitTimeSeconds"])
    return found


def _differences(given: Any, kept: Any, path: str) -> Iterator[str]:
    if isinstance(given, dict) and isinstance(kept, dict):
        for key, value in given.items():
            if key not in NEWER and value is not None:
                yield from _differences(value, kept.get(key), f"{path}/{key}")
    elif isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        for number, (one, other) in enumerate(zip(given, kept, strict=True)):
            yield from _differences(one, other, f"{path}/{number}")
    elif given != kept and str(given) != str(kept):
        yield path
