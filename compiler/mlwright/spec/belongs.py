"""Where a key belongs that stands in the wrong place, or what it is called here."""

from __future__ import annotations

import re
import typing
from collections.abc import Collection
from functools import cache
from typing import Any

from mlwright.span import Path, dotted
from mlwright.spec.base import Model
from mlwright.spec.project import Project
from mlwright.spec.shape import aliased, strip, tagged

_HABITS = {
    "environment": "env",
    "env_vars": "env",
    "envs": "env",
    "depends_on": "needs",
    "dependencies": "needs",
    "after": "needs",
    "volumes": "mounts",
    "volume_mounts": "mounts",
    "entrypoint": "command",
    "script": "command",
    "cmd": "command",
    "run": "command",
    "parameters": "params",
    "inputs": "data",
    "datasets": "data",
    "retry": "retries",
    "node_selector": "placement",
    "tolerations": "placement",
    "affinity": "placement",
    "service_account": "identity",
    "service_account_name": "identity",
    "gpus": "resources: {gpu: ...}",
    "gpu": "resources: {gpu: ...}",
    "cpus": "resources: {cpu: ...}",
    "requests": "resources: {cpu: ..., memory: ...}",
    "active_deadline_seconds": "timeout",
    "deadline": "timeout",
    "condition": "when",
    "if": "when",
    "matrix": "for_each",
    "with_items": "for_each",
    "cron": "schedule",
    "search_space": "space",
    "parameters_space": "space",
    "jobs": "steps",
    "stages": "steps",
    "tasks": "steps",
    "services": "serving",
    "deploy": "serving",
    "deployment": "serving",
    "evaluate": "evaluation",
    "train": "training",
    "tune": "tuning",
    "targets": "environments",
    "profiles": "environments",
    "mlflow": "tracking",
    "name": "metadata: {name: ...}",
    "variables": "params",
    "model_registry": "registry",
}
"""What other tools call it, and what it is called here."""

_Home = tuple[str, str]
_USUAL = ("service", "list", "text")
_PREFER = ("steps.NAME", "training", "serving.NAME", "environments.NAME")


def elsewhere(key: str) -> bool:
    """True when a mapping of the language has this very key, so that it is misplaced rather than misspelt."""
    return key in _index() and key not in _HABITS


def belongs(key: str, fields: Collection[str]) -> str:
    """A hint such as ``it belongs to `serving.NAME.replicas` ``; "" where the key is known nowhere.

    `fields` are the keys that the mapping has in which `key` stands.
    """
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).replace("-", "_").lower()
    if snake in _HABITS and _HABITS[snake].split(":")[0] in fields:
        return f"here it is called `{_HABITS[snake]}`"
    if snake in fields:
        return f"write `{snake}`"
    known = key if key in _index() else snake
    places = [f"`{name}`{kind}" for name, kind in _best(_index().get(known, ()))]
    return f"`{known}` belongs to {' or '.join(places)}" if places else ""


def _best(places: tuple[_Home, ...]) -> list[_Home]:
    def rank(home: _Home) -> tuple[int, int, str]:
        name = home[0]
        return name.count("."), _PREFER.index(name) if name in _PREFER else len(_PREFER), name

    return sorted(places, key=rank)[:2]


@cache
def _index() -> dict[str, tuple[_Home, ...]]:
    """Key -> the mappings that have it: their path with NAME for the name of an entry, and which type they are of."""
    found: dict[str, list[_Home]] = {}
    _gather(Project, (), "", found)
    return {key: tuple(dict.fromkeys(places)) for key, places in found.items()}


def _gather(annotation: Any, path: Path, kind: str, found: dict[str, list[_Home]]) -> None:
    if len(path) > 6:
        return
    bare = strip(annotation)
    for tag, member in tagged(annotation).items():
        _gather(member, path, "" if tag in _USUAL else f" of type `{tag}`", found)
    if isinstance(bare, type) and issubclass(bare, Model):
        for key, field in aliased(bare).items():
            found.setdefault(key, []).append((dotted(path) or "the top of the file", kind))
            _gather(field.annotation, (*path, key), "", found)
    elif typing.get_origin(bare) is dict:
        _gather(typing.get_args(bare)[1], (*path, "NAME"), "", found)
    elif typing.get_origin(bare) is tuple and typing.get_args(bare):
        _gather(typing.get_args(bare)[0], path, "", found)
