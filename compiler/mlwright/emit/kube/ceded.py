"""What controllers write over that stands in objects of ours: who compares these with live ones leaves it out, and does
not put it back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlwright.emit.kube.placement import QUEUE
from mlwright.span import Path

REPLICAS: Path = ("spec", "replicas")
"""What an autoscaler decides."""
QUEUED: tuple[Path, ...] = (
    ("spec", "suspend"),
    ("spec", "template", "spec", "nodeSelector"),
    ("spec", "template", "spec", "tolerations"),
)
"""What Kueue writes into a Job when it lets it in."""
Object = Mapping[str, Any]


def ceded(objects: Iterable[Object]) -> Iterator[tuple[Object, tuple[Path, ...]]]:
    """Objects with the paths of what is left to controllers; by kind and name of what decides it."""
    everything = sorted(objects, key=lambda data: (str(data["kind"]), str(data["metadata"]["name"])))
    named = {(data["kind"], data["metadata"]["name"]): data for data in everything}
    for data in everything:
        if data["kind"] in ("HorizontalPodAutoscaler", "ScaledObject"):
            target = data["spec"]["scaleTargetRef"]
            if found := named.get((target.get("kind", "Deployment"), target["name"])):
                yield found, (REPLICAS,)
        elif data["kind"] == "Job" and QUEUE in data["metadata"].get("labels", {}):
            yield data, QUEUED
