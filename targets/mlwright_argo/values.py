"""What a run gets of the event that started it: parameters of the pipeline, and the event itself."""

from __future__ import annotations

import re
from typing import Any

from mlwright.emit.kube.environment import canonical
from mlwright.ir import Json, Pipeline, Project, Trigger
from mlwright_argo.parameters import EVENT
from mlwright_argo.sources import Source

DEPENDENCY = "event"
"""What a Sensor calls the event that it waits for."""
_REFERENCE = re.compile(r"(?<!\$)\$\{event\.body\.([^}\s]+)\}")

Object = dict[str, Any]


def arguments(
    project: Project, pipeline: Pipeline, trigger: Trigger, source: Source
) -> tuple[list[Object], list[Object]]:
    """The arguments of the workflow, and where in them values of the event go."""
    given = dict(trigger.settings).get("params")
    found: list[Object] = []
    taken: list[Object] = []
    for name, value in (given if isinstance(given, dict) else {}).items():
        argument: Object = {"name": name}
        where = f"spec.arguments.parameters.{len(found)}.value"
        if isinstance(value, str) and _REFERENCE.search(value):
            usual = _usual(project, pipeline, name)
            argument["value"] = usual or ""
            taken.append({"src": {"dependencyName": DEPENDENCY, **_read(value, source, usual)}, "dest": where})
        else:
            argument["value"] = value.replace("$${", "${") if isinstance(value, str) else canonical(value)
        found.append(argument)
    if source.event:
        where = f"spec.arguments.parameters.{len(found)}.value"
        read = {"dataTemplate": _whole(source.event), "value": "{}"}
        taken.append({"src": {"dependencyName": DEPENDENCY, **read}, "dest": where})
    found.append({"name": EVENT, "value": "{}"})
    return found, taken


def _whole(event: str) -> str:
    """The event as JSON in which Argo finds nothing to fill in: `{{` can only be inside of a text there."""
    if "{{" in event:
        return event
    keys = " ".join(key if key.isdigit() else f'"{key}"' for key in event.split("."))
    return f'{{{{ index .Input {keys} | default dict | toJson | replace "{{{{" "{{\\u007b" }}}}'


def _usual(project: Project, pipeline: Pipeline, name: str) -> str | None:
    """What the parameter is where the event does not have it; None where it has to."""
    param = next(param for param in project.params if param.name == name)
    given: dict[str, Json] = dict(pipeline.params)
    return canonical(given.get(name, param.default)) if name in given or not param.required else None


def _read(text: str, source: Source, usual: str | None) -> Object:
    """Where the value stands in the event: a key of it, or a text with several."""
    fallback = {} if usual is None else {"value": usual}
    if whole := _REFERENCE.fullmatch(text):
        return {"dataKey": source.key(whole[1]), **fallback}
    pieces = _REFERENCE.split(text)  # texts and keys by turns
    return {
        "dataTemplate": "".join(_piece(piece, index % 2 == 1, source) for index, piece in enumerate(pieces)),
        **fallback,
    }


def _piece(piece: str, key: bool, source: Source) -> str:
    if not key:
        return piece.replace("$${", "${").replace("{{", '{{"{{"}}')
    keys = " ".join(f'"{part}"' for part in source.key(piece).split("."))
    return f"{{{{ index .Input {keys} }}}}"
