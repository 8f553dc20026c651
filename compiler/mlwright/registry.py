"""Which targets are installed: entry points of the group `mlwright.targets`, each loaded when it is first asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from operator import attrgetter
from typing import cast

from mlwright.source.suggest import closest
from mlwright.target import Target

GROUP = "mlwright.targets"


class UnknownTargetError(LookupError):
    """No target of that name is installed; `known` are those that are."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        meant = closest(name, known)
        more = f": did you mean {meant!r}?" if meant else f"; there is {', '.join(known) or 'none'}"
        super().__init__(f"no target {name!r} is installed{more}")
        self.name = name
        self.known = known


class BrokenTargetError(RuntimeError):
    """A target is installed but cannot be loaded; the message says what its package raised."""


class Registry:
    """Targets by name. Listing names imports nothing; `get` imports one target's package, once."""

    __slots__ = ("_factories", "_loaded")

    def __init__(self, factories: Mapping[str, Callable[[], Target]]) -> None:
        self._factories = dict(factories)
        self._loaded: dict[str, Target] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The installed targets, sorted."""
        return tuple(sorted(self._factories))

    def get(self, name: str) -> Target:
        """The target called `name`. Raises UnknownTargetError or BrokenTargetError."""
        if name not in self._factories:
            raise UnknownTargetError(name, self.names)
        if name not in self._loaded:
            try:
                target = self._factories[name]()
            except Exception as error:
                raise BrokenTargetError(f"the target {name!r} cannot be loaded: {error}") from error
            if not isinstance(target, Target) or target.name != name:
                raise BrokenTargetError(f"what is installed as the target {name!r} is not a target of that name")
            self._loaded[name] = target
        return self._loaded[name]


def installed(extra: Mapping[str, Callable[[], Target]] | None = None) -> Registry:
    """The targets of all installed packages; `extra` adds factories by name, or takes the place of installed ones."""
    found: dict[str, Callable[[], Target]] = {}
    for folder in sys.path:
        for name, value in _declared(folder or "."):
            found.setdefault(name, _factory(value))
    return Registry({**found, **(extra or {})})


def _factory(value: str) -> Callable[[], Target]:
    module, _, attribute = value.partition("[")[0].strip().partition(":")
    return lambda: cast("Callable[[], Target]", attrgetter(attribute)(import_module(module)))()


def _declared(folder: str) -> Iterator[tuple[str, str]]:
    """The (name, `module:attribute`) pairs of GROUP that the packages installed in a folder declare.

    This is `importlib.metadata.entry_points` for packages in folders, without the email and archive libraries that it
    imports: they take as long as reading a project.
    """
    try:
        packages = sorted(
            entry.path for entry in os.scandir(folder) if entry.name.endswith((".dist-info", ".egg-info"))
        )
    except OSError:
        return
    for package in packages:
        try:
            with open(os.path.join(package, "entry_points.txt"), encoding="utf-8") as file:
                yield from _section(file)
        except OSError:
            continue


def _section(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    section = ""
    for line in map(str.strip, lines):
        if line.startswith("["):
            section = line.strip("[]").strip()
        elif section == GROUP and "=" in line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            yield name.strip(), value.strip()
