"""Where pods go, by the names that the platform file defines."""

from __future__ import annotations

from typing import Any

from mlwright.emit.kube.objects import Objects
from mlwright.ir import Container

QUEUE = "kueue.x-k8s.io/queue-name"


def placed(objects: Objects, box: Container | None) -> dict[str, Any]:
    """Node selector, tolerations and priority of a pod with the container `box`."""
    platform = objects.context.platform
    if box is None:
        return {}
    selector: dict[str, str] = dict(platform.gpu_selector(box.resources.gpu.model)) if box.resources.gpu.count else {}
    found: dict[str, Any] = {}
    if box.placement:
        place = platform.placement(box.placement)
        selector |= place.selector
        found["tolerations"] = [
            {key: value for key, value in one.items() if value not in ("", None)} for one in place.tolerations
        ]
        found["priorityClassName"] = place.priority_class
    found["nodeSelector"] = selector
    return {key: value for key, value in found.items() if value}


def queue_label(objects: Objects, box: Container) -> dict[str, str]:
    """The label by which Kueue admits a Job."""
    queue = objects.context.platform.placement(box.placement).queue if box.placement else ""
    return {QUEUE: queue} if queue else {}
