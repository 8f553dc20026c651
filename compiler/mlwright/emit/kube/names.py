"""Names of objects: project first, within Kubernetes' limits, with a mark where a digest of the content goes."""

from __future__ import annotations

import hashlib

from mlwright.ir import Project

HASH = "@hash"
"""Ends the name of an object that is called after its content; `settle` puts the digest in its place."""
DIGITS = 10
"""Length of that digest."""


def stem(project: Project) -> str:
    """What the name of every object of the project begins with."""
    return f"{project.environment.name_prefix}{project.name}"


def named(project: Project, *parts: str, limit: int = 63) -> str:
    """The name of an object of the project: its parts joined with `-`, cut to `limit` with a digest of the rest."""
    return shortened("-".join((stem(project), *(part.replace("_", "-") for part in parts if part))), limit)


def hashed(name: str, limit: int = 63) -> str:
    """`name` with the mark for its content's digest, short enough for both."""
    return shortened(name, limit - DIGITS - 1) + HASH


def shortened(text: str, limit: int) -> str:
    """`text`, or its beginning and a digest of the whole where it is longer than `limit`."""
    if len(text) <= limit:
        return text
    tail = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{text[: limit - 9].rstrip('-.')}-{tail}"
