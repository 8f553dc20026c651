"""Namespaces as Profiles: owner, quota, contributors."""

from __future__ import annotations

from mlwright.emit.kube.objects import Objects


def emit_profile(objects: Objects) -> None:
    """The Profile of the environment's namespace."""
