"""Where pods go, by the names that the platform file defines."""

from __future__ import annotations

from typing import Any

from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.site import gpu_selector, section
from mlwright.ir import Container

QUEUE = "kueue.x-k8s.io/queue-name"


def placed(objects: Objects, box: Container | None) -> dict[str, Any]:
    """Node selector, tolerations and priority of a pod with the container `box`."""
    platform = objects.context.platform
    if box is None:
        return {}
    selector: dict[str, str] = gpu_selector(platform, box.resources.gpu.model) if box.resources.gpu.count else {}
    found: dict[str, Any] = {}
    if box.placement:
        place = section(platform, "placements", box.placement)
        selector |= place.get("selector") or {}
        tolerations = place.get("tolerations") or ()
        found["tolerations"] = [
            {key: value for key, value in one.items() if value not in ("", None)} for one in tolerations
        ]
        found["priorityClassName"] = place.get("priority_class")
    found["nodeSelector"] = selector
    return {key: value for key, value in found.items() if value}


def queue_label(objects: Objects, box: Container) -> dict[str, str]:
    """The label by which Kueue admits a Job."""
    queue = section(objects.context.platform, "placements", box.placement).get("queue") if box.placement else ""
    return {QUEUE: queue} if queue else {}
