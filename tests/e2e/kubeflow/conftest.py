"""The engine of the Compose tests, and the SDK's own Python."""

from __future__ import annotations

from tests.e2e.compose.conftest import engine

__all__ = ["engine"]
