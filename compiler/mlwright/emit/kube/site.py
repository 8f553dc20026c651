"""What ops say about a cluster in the platform file, as pods need it."""

from __future__ import annotations

from typing import Any

from mlwright.platform import Profile

GPU = "nvidia.com/gpu"


def section(platform: Profile, name: str, key: str) -> dict[str, Any]:
    """The entry `key` of a section of named things; empty where there is none."""
    found = platform.settings.get(name)
    entry = found.get(key) if isinstance(found, dict) else None
    return entry if isinstance(entry, dict) else {}


def gpu_resource(platform: Profile, model: str) -> str:
    """The resource that GPUs of `model` are asked for by."""
    return str(section(platform, "gpus", model).get("resource") or GPU)


def gpu_selector(platform: Profile, model: str) -> dict[str, str]:
    """The labels of nodes with GPUs of `model`."""
    return dict(section(platform, "gpus", model).get("selector") or {})


def account(platform: Profile, identity: str) -> str:
    """The ServiceAccount behind an identity."""
    return str(section(platform, "identities", identity).get("service_account", ""))
