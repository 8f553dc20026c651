"""Amounts in the form that the API server gives back, so that nothing looks changed."""

from __future__ import annotations

from typing import Any

from mlwright.ir import Resources
from mlwright.platform import Profile

_UNITS = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def cpu(milli: int) -> str:
    """Milli-cores as cores where they are whole ones."""
    return str(milli // 1000) if milli % 1000 == 0 else f"{milli}m"


def size(count: int) -> str:
    """Bytes in the greatest binary unit that divides them."""
    unit = 0
    while count and count % 1024 == 0 and unit < len(_UNITS) - 1:
        count, unit = count // 1024, unit + 1
    return f"{count}{_UNITS[unit]}"


def resources(asked: Resources, platform: Profile) -> dict[str, Any]:
    """`resources` of a container: CPU is a request, and a limit only where one is given; the rest is both."""
    both = {
        "ephemeral-storage": size(asked.disk) if asked.disk else "",
        platform.gpu_resource(asked.gpu.model): str(asked.gpu.count or ""),
        **{name: str(count) for name, count in asked.extended},
    }
    requests = {"cpu": cpu(asked.cpu) if asked.cpu else "", "memory": size(asked.memory) if asked.memory else "", **both}
    memory = asked.memory_limit or asked.memory
    limits = {
        "cpu": cpu(asked.cpu_limit) if asked.cpu_limit else "",
        "memory": size(memory) if memory else "",
        **both,
    }
    found = {
        "requests": {name: text for name, text in requests.items() if text},
        "limits": {name: text for name, text in limits.items() if text},
    }
    return {key: value for key, value in found.items() if value}


def ours(cpu_request: str = "50m", memory: str = "128Mi", most: str = "512Mi") -> dict[str, Any]:
    """`resources` of a container that runs one of our own programs."""
    return {"requests": {"cpu": cpu_request, "memory": memory}, "limits": {"memory": most}}
