"""The table of codes: what `mlwright explain CODE` prints. One module for each family; a new module is found
by itself."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import MappingProxyType

from mlwright.diag.diagnostic import Severity

FAMILIES = (
    "yaml", "ignore", "env", "spec", "ref", "when", "step", "tune", "gate", "registry", "track", "catalog", "serve",
    "secret", "patch", "name", "owner", "platform", "price", "argo", "kfp", "compose", "verify", "output", "check",
    "lock", "run",
)  # fmt: skip
"""Order of the families in the reference; families that are not listed follow by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One code. `bad` and `good` are YAML or a command that can be run: one that is refused, and its correction.

    `severity` is the usual one; each finding has its own. `explanation` is prose: what it means, why, what to do.
    """

    code: str
    title: str
    severity: Severity = "error"
    explanation: str
    bad: str = ""
    good: str = ""


CODES: Mapping[str, Code]
"""Every code of every family, in order. Gathered when first asked for."""


def __getattr__(name: str) -> Mapping[str, Code]:
    if name == "CODES":
        return _gathered()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def _gathered() -> Mapping[str, Code]:
    found = {module.name for module in pkgutil.iter_modules(__path__)}
    order = [*(name for name in FAMILIES if name in found), *sorted(found.difference(FAMILIES))]
    codes: dict[str, Code] = {}
    for family in order:
        for code in import_module(f"{__name__}.{family}").CODES:
            if code.code in codes:
                raise ValueError(f"two explanations of {code.code}; the second is in {family}")
            codes[code.code] = code
    return MappingProxyType(codes)
