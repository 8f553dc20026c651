"""Merging a patch into plain data: maps by key, lists by their entries' identity, null removes."""

from __future__ import annotations

import copy
from dataclasses import field
from typing import Any

from mlwright.record import dataclass
from mlwright.span import Path
from mlwright.target import ListKeys


@dataclass(slots=True, kw_only=True)
class Merge:
    """One merge. `touched` collects (path in the data, path in the patch) of everything that was set or removed."""

    list_keys: ListKeys
    touched: list[tuple[Path, Path]] = field(default_factory=list)

    def into(self, data: Any, patch: Any, path: Path = (), at: Path = ()) -> Any:
        """A copy of `data` with `patch` merged in; `path` is where `data` is in its document, `at` where `patch` is."""
        if isinstance(patch, dict):
            return self._map(data if isinstance(data, dict) else {}, patch, path, at, fresh=not isinstance(data, dict))
        if isinstance(patch, list) and isinstance(data, list) and (key := self._key(path, data, patch)):
            return self._list(data, patch, key, path, at)
        self.touched.append((path, at))
        return copy.deepcopy(patch)

    def _map(self, data: dict[str, Any], patch: dict[str, Any], path: Path, at: Path, *, fresh: bool) -> dict[str, Any]:
        result = copy.copy(data)
        if fresh and not any(value is not None for value in patch.values()):
            self.touched.append((path, at))
        for key, value in patch.items():
            here, there = (*path, key), (*at, key)
            if value is not None:
                result[key] = self.into(data.get(key), value, here, there)
            elif key in result:
                del result[key]
                self.touched.append((here, there))
        return result

    def _list(self, data: list[Any], patch: list[Any], key: str, path: Path, at: Path) -> list[Any]:
        result = list(data)
        places = {entry[key]: position for position, entry in enumerate(result)}
        for number, entry in enumerate(patch):
            place = places.setdefault(entry[key], len(result))
            if place == len(result):
                result.append(None)
            result[place] = self.into(result[place], entry, (*path, place), (*at, number))
        return result

    def _key(self, path: Path, *lists: list[Any]) -> str:
        """What identifies the entries of both lists: the target's key for this path, else `name`; empty for neither."""
        known = next((key for pattern, key in self.list_keys.items() if matches(pattern, path)), "name")
        entries = [entry for entries in lists for entry in entries]
        fits = all(isinstance(entry, dict) and isinstance(entry.get(known), (str, int)) for entry in entries)
        return known if fits and entries else ""


def matches(pattern: tuple[str, ...], path: Path) -> bool:
    """Whether `pattern`, in which `*` is any one part and a first `**` any number of them, is exactly `path`."""
    if pattern[:1] == ("**",):
        return len(path) >= len(pattern) - 1 and matches(pattern[1:], path[len(path) - len(pattern) + 1 :])
    return len(pattern) == len(path) and all(
        want == "*" or want == part for want, part in zip(pattern, path, strict=True)
    )
