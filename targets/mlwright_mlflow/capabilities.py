"""What this target can express, field by field; everything that is not listed is exact."""

from __future__ import annotations

from mlwright.target import Capability

TABLE: tuple[Capability, ...] = (
    Capability(
        field="tracking.project",
        support="emulated",
        why="one step after another, as processes in one environment: steps' images, mounts, resources and users, "
        "more than one node, endpoints and notebooks are not in the MLproject",
    ),
    Capability(field="tracking.gateway", support="ignored", why="the gateway is not configured here"),
)
