"""Custom resource definitions of the platforms that output is for, installed into a control plane."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.e2e.kubernetes.plane import Plane, Refused
from tests.e2e.programs import Missing, told

_COLLECTION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def installed(plane: Plane, *names: str) -> None:
    """Installs these definitions from `MLWRIGHT_CRDS`, by their full names, and waits until they are served."""
    since = time.monotonic()
    texts = {name: text for name, _, text in _definitions() if name in names}
    lacking = sorted(set(names) - set(texts))
    if lacking:
        raise Missing(f"no folder of MLWRIGHT_CRDS has a definition of {', '.join(lacking)}")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda item: _made(plane, *item), texts.items()))
    for name in texts:
        plane.await_(f"{_COLLECTION}/{name}", _established, 300)
    told(f"{len(texts)} custom resource definitions are served", since)


def names(kinds: Collection[tuple[str, str]]) -> list[str]:
    """The names of the definitions of these kinds, given with their groups. What none of them defines is left out: the
    API server itself may know it."""
    return [name for name, kind, _ in _definitions() if (name.partition(".")[2], kind) in kinds]


def _definitions() -> Iterator[tuple[str, str, str]]:
    """The name, kind and text of every definition, the first of each name. They are not parsed: they are 20 MB."""
    root = os.environ.get("MLWRIGHT_CRDS")
    if not root:
        raise Missing("MLWRIGHT_CRDS does not say where custom resource definitions are: a folder for each platform")
    seen = set()
    for path in sorted(Path(root).glob("*/*.yaml")):
        for text in re.split(r"^---.*$", path.read_text(), flags=re.MULTILINE):
            name = re.search(r"^metadata:\n(?:[ #].*\n|\n)*?  name: *[\"']?([a-z0-9.-]+)", text, re.MULTILINE)
            kind = re.search(r"^  names:\n(?:    .*\n)*?    kind: *[\"']?(\w+)", text, re.MULTILINE)
            if re.search(r"^kind: *[\"']?CustomResourceDefinition\b", text, re.MULTILINE) and name and kind:
                if name[1] not in seen:
                    yield name[1], kind[1], text
                seen.add(name[1])


def _made(plane: Plane, name: str, text: str) -> None:
    """Makes a definition where it is not there yet. A busy machine may need more than the server's patience."""
    end = time.monotonic() + 300
    while True:
        try:
            plane.ask("POST", f"{_COLLECTION}?fieldValidation=Ignore", text.encode(), "application/yaml")
        except Refused as problem:
            if problem.code == 504 and time.monotonic() < end:
                continue
            if problem.code != 409:
                raise
        return


def _established(found: dict[str, Any]) -> bool:
    """Whether it is served; fails, saying why, when its names are taken."""
    conditions: list[dict[str, str]] = found.get("status", {}).get("conditions") or []
    held = {each["type"]: each["status"] == "True" for each in conditions}
    assert held.get("NamesAccepted", True), json.dumps(conditions)
    return held.get("Established", False)
