"""Which targets are installed: entry points of the group `mlwright.targets`, each loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import metadata
from typing import cast

from mlwright.target import Target

GROUP = "mlwright.targets"


class UnknownTargetError(LookupError):
    """No target of that name is installed; `known` are those that are."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"no target {name!r} is installed; there is {', '.join(known) or 'none'}")
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
    found = {point.name: _factory(point) for point in metadata.entry_points(group=GROUP)}
    return Registry({**found, **(extra or {})})


def _factory(point: metadata.EntryPoint) -> Callable[[], Target]:
    return lambda: cast("Callable[[], Target]", point.load())()
