"""Which project files a command is about."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Sequence

from mlwright.source.files import Disk

SPEC = "mlproject.yaml"


def projects(paths: Sequence[str]) -> list[str] | str:
    """The project files that the paths mean, or why they mean none."""
    found: dict[str, None] = {}
    for path in paths or (SPEC,):
        clean = path.replace(os.sep, "/")
        if not os.path.isdir(clean):
            if not paths and not os.path.exists(clean):
                return f"there is no {SPEC} here: name one, or start with `mlwright init`"
            found[posixpath.normpath(clean)] = None
            continue
        below = list(Disk(".").walk(clean, SPEC))
        if not below:
            return f"there is no {SPEC} in {path} or below it"
        found.update(dict.fromkeys(posixpath.normpath(item) for item in below))
    return list(found)
