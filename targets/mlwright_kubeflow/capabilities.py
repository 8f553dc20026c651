"""What this target can express, field by field; everything that is not listed is exact."""

from __future__ import annotations

from mlwright.target import Capability

TABLE: tuple[Capability, ...] = ()
