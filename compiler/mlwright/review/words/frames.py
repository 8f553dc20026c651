"""Which part of a project a path is in: the node or entry that a sentence is about, and what remains of the path."""

from __future__ import annotations

from typing import Literal

from mlwright.record import dataclass
from mlwright.span import Path

Place = Literal[
    "step", "service", "notebook", "server", "variant", "tuning", "registry", "param", "data", "storage", "secret",
    "pipeline", "patch", "objects", "alert", "environment", "tracking", "model", "platform", "top",
]  # fmt: skip
CONTAINERS: tuple[Place, ...] = ("step", "service", "notebook", "server", "variant")
"""Places that have the fields of a container."""

_NAMED: dict[str, Place] = {
    "steps": "step", "serving": "service", "notebooks": "notebook", "params": "param", "data": "data",
    "storage": "storage", "secrets": "secret", "pipelines": "pipeline", "patches": "patch", "objects": "objects",
}  # fmt: skip
_MODEL: dict[str, Place] = {"training": "step", "evaluation": "step", "registry": "registry"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """`label` begins the sentence (`features`, `ranker training`; "" where the section says all), `rest` is the path
    below it."""

    place: Place
    section: str
    label: str
    root: Path
    rest: Path


def frame(path: Path) -> Frame:
    """The frame of a path into a resolved project file."""
    section = str(path[0]) if path else ""
    place, length, label = _found(path, section)
    return Frame(place=place, section=section, label=label, root=path[:length], rest=path[length:])


def _found(path: Path, section: str) -> tuple[Place, int, str]:
    words = list(map(str, path))
    if section in ("training", "evaluation"):
        return "step", 1, ""
    if section == "registry":
        return "registry", 1, ""
    if section == "tuning":
        return ("step", 2, "trials") if words[1:2] == ["trial"] else ("tuning", 1, "")
    if section == "models" and len(words) > 2:
        if words[2] == "tuning":
            inside = words[3:4] == ["trial"]
            return ("step", 4, f"{words[1]} trials") if inside else ("tuning", 3, f"{words[1]} tuning")
        if words[2] in _MODEL:
            return _MODEL[words[2]], 3, f"{words[1]} {words[2]}"
        return "model", 2, words[1]
    if section == "serving" and len(words) > 2 and words[2] in ("transformer", "explainer"):
        return "service", 3, f"{words[1]} {words[2]}"
    if section == "serving" and len(words) > 3 and words[2] == "variants":
        return "variant", 4, f"{words[1]} {words[3]}"
    if section in _NAMED and len(words) > 1:
        return _NAMED[section], 2, words[1]
    if section == "monitoring" and len(words) > 2:
        return "alert", 3, words[2]
    if section == "environments" and len(words) > 1:
        return "environment", 2, ""
    if section == "tracking":
        return ("server", 2, "server") if words[1:2] == ["server"] and len(words) > 2 else ("tracking", 1, "")
    return ("platform" if section == "platform" else "top"), 1, ""
