"""The schemas of Kubernetes itself, from the files of the package `kubernetes-validate`; its code is not used."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PACKAGE = "kubernetes_validate"
POD = "io.k8s.api.core.v1.PodSpec"
METADATA = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


def is_installed() -> bool:
    """Whether the package is there."""
    return importlib.util.find_spec(PACKAGE) is not None


def read(version: str) -> Mapping[str, Any]:
    """The definitions of a Kubernetes version by name: of the newest one that is known and not newer, else of the
    oldest."""
    found = importlib.util.find_spec(PACKAGE)
    assert found is not None and found.origin is not None
    folder = Path(found.origin).parent / "kubernetes-json-schema"
    known = {_number(item.name): item for item in folder.glob("v*-strict")}
    fitting = [number for number in known if number <= _number(version)]
    chosen = known[max(fitting) if fitting else min(known)]
    definitions: Mapping[str, Any] = json.loads((chosen / "_definitions.json").read_bytes())["$defs"]
    return definitions


def kinds(definitions: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, str]]:
    """(group, kind) -> version -> name of its definition."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for name, definition in definitions.items():
        for entry in definition.get("x-kubernetes-group-version-kind") or ():
            found.setdefault((entry["group"], entry["kind"]), {})[entry["version"]] = name
    return found


def _number(version: str) -> tuple[int, int]:
    major, minor, *_ = [*version.removeprefix("v").partition("-")[0].split("."), "0"]
    return int(major), int(minor)
