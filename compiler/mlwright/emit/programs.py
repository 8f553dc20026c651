"""The runtime programs that an output carries: each with every sibling that it imports."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from mlwright.regex import lazy
from mlwright.target import Runtime

_IMPORT = lazy(r"^[ \t]*(?:from|import)[ \t]+([A-Za-z_]\w*)", re.MULTILINE)


def closure(names: Iterable[str], runtime: Runtime) -> dict[str, str]:
    """The texts of the programs `names` (`step.py`) and of the siblings that they import, directly or not."""
    wanted = tuple(names)
    found: dict[str, str] = {}
    waiting = list(wanted)
    while waiting:
        file = waiting.pop()
        if file in found:
            continue
        try:
            found[file] = runtime(file)
        except (LookupError, OSError):
            if file in wanted:
                raise
            continue  # a module of the standard library
        waiting += [f"{module}.py" for module in _imports(found[file])]
    return found


@cache
def shipped(name: str) -> str:
    """The text of a program that is no part of the runtime: `smoke.py`, `bucket.py`."""
    return Path(__file__).with_name("shipped").joinpath(name).read_text(encoding="utf-8")


@cache
def _imports(program: str) -> tuple[str, ...]:
    return tuple(_IMPORT.findall(program))
