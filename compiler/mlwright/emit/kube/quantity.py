"""Amounts in the form that the API server gives back, so that nothing looks changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlwright.emit.shared import once
from mlwright.ir import Resources
from mlwright.platform import Profile

_UNITS = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_THOUSANDS = ("", "k", "M", "G", "T", "P", "E")


def cpu(milli: int) -> str:
    """Milli-cores as cores where they are whole ones; empty for none."""
    if not milli:
        return ""
    return f"{milli}m" if milli % 1000 else str(milli // 1000)


def size(count: int) -> str:
    """Bytes in the greatest binary unit that divides them, else in thousands; empty for none."""
    if not count:
        return ""
    units, step = (_UNITS, 1024) if count % 1024 == 0 else (_THOUSANDS, 1000)
    unit = 0
    while count % step == 0 and unit < len(units) - 1:
        count, unit = count // step, unit + 1
    return f"{count}{units[unit]}"


def resources(asked: Resources, platform: Profile) -> dict[str, Any]:
    """`resources` of a container: CPU is a request, and a limit only where one is given; the rest is both."""
    return _resources(asked, platform.gpu(asked.gpu.model).resource)


@once
def _resources(asked: Resources, gpu: str) -> dict[str, Any]:
    """Most containers ask for what others ask for too."""
    both = {
        "ephemeral-storage": size(asked.disk),
        gpu: str(asked.gpu.count or ""),
        **{name: str(count) for name, count in asked.extended},
    }
    found = {
        "requests": {"cpu": cpu(asked.cpu), "memory": size(asked.memory), **both},
        "limits": {"cpu": cpu(asked.cpu_limit), "memory": size(asked.memory_limit or asked.memory), **both},
    }
    given = {key: {name: text for name, text in amounts.items() if text} for key, amounts in found.items()}
    return {key: amounts for key, amounts in given.items() if amounts}


def amounts(given: Mapping[str, Any]) -> dict[str, str]:
    """Amounts of a platform file as text."""
    return {name: str(value) for name, value in given.items()}


@once
def ours(cpu_request: str = "50m", memory: str = "128Mi", most: str = "512Mi") -> dict[str, Any]:
    """`resources` of a container that runs one of our own programs."""
    return {"requests": {"cpu": cpu_request, "memory": memory}, "limits": {"memory": most}}
