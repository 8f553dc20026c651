"""Custom resource definitions of the platforms that output is for, installed into a control plane."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.e2e.kubernetes.plane import Plane, Refused
from tests.e2e.programs import Missing, told

_COLLECTION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def installed(plane: Plane, *folders: str) -> dict[str, str]:
    """Installs the definitions in these folders of `MLWRIGHT_CRDS`, or in all, and waits until they are served.

    Returns why those that the API server refuses are not there, by name. One of several of the same name is taken.
    """
    since = time.monotonic()
    found = dict(reversed(list(_definitions(*folders))))
    with ThreadPoolExecutor(4) as pool:
        refused = {name: why for name, why in pool.map(lambda item: _applied(plane, *item), found.items()) if why}
    for name in sorted(set(found) - set(refused)):
        plane.await_(f"{_COLLECTION}/{name}", _established)
    told(f"{len(found) - len(refused)} custom resource definitions are served", since)
    return refused


def _definitions(*folders: str) -> Iterator[tuple[str, str]]:
    """The name and text of every definition."""
    root = os.environ.get("MLWRIGHT_CRDS")
    if not root:
        raise Missing("MLWRIGHT_CRDS does not say where custom resource definitions are: a folder for each platform")
    for folder in folders or sorted(path.name for path in Path(root).iterdir() if path.is_dir()):
        for path in sorted(Path(root, folder).glob("*.yaml")):
            for text in re.split(r"^---.*$", path.read_text(), flags=re.MULTILINE):
                name = re.search(r"^metadata:\n(?:[ #].*\n|\n)*?  name: *[\"']?([a-z0-9.-]+)", text, re.MULTILINE)
                if re.search(r"^kind: *[\"']?CustomResourceDefinition\b", text, re.MULTILINE) and name:
                    yield name[1], text


def _applied(plane: Plane, name: str, text: str) -> tuple[str, str]:
    """The definition's name and, when it is refused, why."""
    path = f"{_COLLECTION}/{name}?fieldManager=platform&force=true&fieldValidation=Ignore"
    try:
        plane.ask("PATCH", path, text.encode(), "application/apply-patch+yaml")
    except Refused as problem:
        return name, str(problem.status.get("message", problem))
    return name, ""


def _established(found: dict[str, object]) -> bool:
    """Whether it is served; fails, saying why, when its names are taken."""
    status = found.get("status")
    conditions = status.get("conditions") if isinstance(status, dict) else None
    held = {each["type"]: each["status"] == "True" for each in conditions or ()}
    assert held.get("NamesAccepted", True), json.dumps(conditions)
    return held.get("Established", False)
