"""What this target can express, field by field; everything that is not listed is exact."""

from __future__ import annotations

from mlwright.target import Capability, Support


def _one(field: str, support: Support, why: str, *values: str) -> Capability:
    return Capability(field=field, support=support, why=why, values=values)


TABLE: tuple[Capability, ...] = (
    _one(
        "tracking.project",
        "emulated",
        "one step after another, as processes in one environment: steps' images, mounts, resources and users, "
        "more than one node, endpoints and notebooks are not in the MLproject",
    ),
    _one("tracking.autolog", "emulated", "the launcher turns a library's logging on when it is imported"),
    _one("tracking.server.image", "ignored", "no container engine runs here: `version` decides what pip installs"),
    _one("tracking.server.resources.cpu", "ignored", "systemd reserves nothing; `limits` hold"),
    _one("tracking.server.resources.disk", "ignored", "systemd reserves no disk space"),
    _one("tracking.server.expose.host", "emulated", "a proxy of yours speaks TLS and passes requests on to port 5000"),
    _one("tracking.artifacts", "emulated", "a folder of the server takes the place of a volume", "volume"),
)
