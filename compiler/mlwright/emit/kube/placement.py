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
    selector = dict(platform.gpu(box.resources.gpu.model).selector) if box.resources.gpu.count else {}
    found: dict[str, Any] = {}
    if box.placement:
        place = platform.placement(box.placement)
        selector |= place.selector
        found["tolerations"] = [
            {key: value for key in ("key", "operator", "value", "effect") if (value := getattr(one, key))}
            for one in place.tolerations
        ]
        found["priorityClassName"] = place.priority_class
        found["schedulerName"] = place.scheduler
    found["nodeSelector"] = selector
    return {key: value for key, value in found.items() if value}


def queue_label(objects: Objects, box: Container) -> dict[str, str]:
    """The label by which Kueue admits a Job."""
    queue = objects.context.platform.placement(box.placement).queue
    return {QUEUE: queue} if queue else {}
