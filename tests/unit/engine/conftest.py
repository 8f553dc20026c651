"""The fake engine for all tests here."""

from __future__ import annotations

from tests.unit.engine.docker import docker

__all__ = ["docker"]
