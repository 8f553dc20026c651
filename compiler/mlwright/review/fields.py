"""How two values differ: mappings by key, lists by what identifies their entries, texts of JSON by their fields."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from functools import cached_property
from re import Pattern
from typing import Any

from mlwright.emit.json import canonical
from mlwright.emit.merge import matches
from mlwright.ir import Json
from mlwright.record import dataclass
from mlwright.source.secrets_text import conceal
from mlwright.span import Path
from mlwright.target import ListKeys

_DIGESTS = ("mlwright.revision", "mlwright.dev/graph")
"""Labels and annotations that hold a digest of another file or object."""
_ORDERED = ("initContainers",)
"""Lists whose entries have names, and do their work in their order."""
LONG = 4000
"""Characters of a text from which on only its beginning is kept."""
_SAME = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One value that differs. `path` is for people (`containers`, `name=main`), `place` leads to it in the head's data
    (in the base's where it is removed). `echo`: nothing differs but digests and names that follow another change."""

    path: Path
    place: Path
    before: Json = None
    after: Json = None
    added: bool = False
    removed: bool = False
    echo: bool = False


class Neutral:
    """Texts in which what is only called differently is called alike: each pair is (as base says, as head says)."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._pairs = [(old, new) for old, new in pairs if old != new]

    def same(self, old: str, new: str) -> bool:
        """Whether both texts say the same in their own words."""
        if not self._pairs or not self._old[0].search(old) or not self._new[0].search(new):
            return False
        return self._plain(old, *self._old) == self._plain(new, *self._new)

    @cached_property
    def _old(self) -> tuple[Pattern[str], dict[str, str]]:
        return self._table(0)

    @cached_property
    def _new(self) -> tuple[Pattern[str], dict[str, str]]:
        return self._table(1)

    def _table(self, side: int) -> tuple[Pattern[str], dict[str, str]]:
        import re

        names = {pair[side]: f"\0{number}\0" for number, pair in enumerate(self._pairs)}
        longest = sorted(names, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, longest))), names

    @staticmethod
    def _plain(text: str, pattern: Pattern[str], names: dict[str, str]) -> str:
        return pattern.sub(lambda found: names[found[0]], text)


def differences(old: Any, new: Any, list_keys: ListKeys, at: Path, neutral: Neutral) -> Iterator[Difference]:
    """Everything that differs between two values; `at` is where they stand in their documents, which patterns of
    `list_keys` go by."""
    return _Walk(list_keys, at, neutral).values(old, new, (), (), ())


def shown(value: Any, name: str = "", most: int = LONG) -> Json:
    """A value as it may be shown: what looks like a secret as `*`, and of a text of more than `most` characters the
    beginning."""
    if isinstance(value, str):
        cut = value if len(value) <= most else f"{value[:most]}... ({len(value)} characters)"
        cut = conceal(cut)
        if name and "\n" not in cut:
            cut = conceal(f"{name}={cut}")[len(name) + 1 :]
        return cut
    if isinstance(value, dict):
        called = value.get("name")
        return {
            str(key): shown(item, called if key == "value" and isinstance(called, str) else str(key), most)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [shown(item, name, most) for item in value]
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


class _Walk:
    def __init__(self, list_keys: ListKeys, at: Path, neutral: Neutral) -> None:
        self._list_keys = list_keys
        self._at = at
        self._neutral = neutral

    def values(self, old: Any, new: Any, path: Path, there: Path, place: Path, name: str = "") -> Iterator[Difference]:
        """`there` and `place` lead to the values in base and head, `name` says what they are of."""
        if old is new or (old == new and repr(old) == repr(new)):  # 1 and true are equal, and not the same
            return
        if isinstance(old, dict) and isinstance(new, dict):
            yield from self._maps(old, new, path, there, place)
        elif isinstance(old, (list, tuple)) and isinstance(new, (list, tuple)):
            yield from self._lists(old, new, path, there, place)
        elif isinstance(old, str) and isinstance(new, str):
            yield from self._texts(old, new, path, there, place, name)
        elif old != new or isinstance(old, bool) != isinstance(new, bool):
            yield _leaf(old, new, path, place, name)

    def _maps(
        self, old: dict[str, Any], new: dict[str, Any], path: Path, there: Path, place: Path
    ) -> Iterator[Difference]:
        for key in [*old, *(key for key in new if key not in old)]:
            before, after = old.get(key, _SAME), new.get(key, _SAME)
            inside = "!" if getattr(after, "embedded", False) or getattr(before, "embedded", False) else ""
            called = (*path, f"{key}{inside}")
            if before is _SAME:
                yield Difference(path=called, place=(*place, key), after=shown(after, _about(new, key)), added=True)
            elif after is _SAME:
                yield Difference(path=called, place=(*there, key), before=shown(before, _about(old, key)), removed=True)
            else:
                about = _about(new, key)
                yield from self.values(before, after, called, (*there, key), (*place, key), about)

    def _lists(
        self, old: Sequence[Any], new: Sequence[Any], path: Path, there: Path, place: Path
    ) -> Iterator[Difference]:
        key = self._key(old, new, place)
        if not key:
            yield from self._aligned(old, new, path, there, place)
            return
        olds = {entry[key]: number for number, entry in enumerate(old)}
        news = {entry[key]: number for number, entry in enumerate(new)}
        for name in [*olds, *(name for name in news if name not in olds)]:
            called = (*path, f"{key}={name}")
            if name not in olds:
                yield self._one(new[news[name]], called, (*place, news[name]), added=True)
            elif name not in news:
                yield self._one(old[olds[name]], called, (*there, olds[name]), added=False)
            else:
                yield from self.values(
                    old[olds[name]], new[news[name]], called, (*there, olds[name]), (*place, news[name])
                )
        if place and place[-1] in _ORDERED:
            left, right = [name for name in olds if name in news], [name for name in news if name in olds]
            if left != right:
                yield Difference(path=(*path, "order"), place=place, before=shown(left), after=shown(right))

    def _aligned(
        self, old: Sequence[Any], new: Sequence[Any], path: Path, there: Path, place: Path
    ) -> Iterator[Difference]:
        """A list of entries without names: alike ones are found wherever they have moved to."""
        if len(old) == len(new):
            for number, (before, after) in enumerate(zip(old, new, strict=True)):
                yield from self.values(before, after, (*path, number), (*there, number), (*place, number))
            return
        if not any(isinstance(entry, (dict, list, tuple)) for entry in (*old, *new)):
            yield Difference(path=path, place=place, before=shown(old), after=shown(new))
            return
        matcher = SequenceMatcher(None, [_text(entry) for entry in old], [_text(entry) for entry in new], False)
        for _, start, end, first, last in matcher.get_opcodes():
            both = min(end - start, last - first)
            for count in range(both):
                here, now = start + count, first + count
                yield from self.values(old[here], new[now], (*path, now), (*there, here), (*place, now))
            for here in range(start + both, end):
                yield self._one(old[here], (*path, here), (*there, here), added=False)
            for now in range(first + both, last):
                yield self._one(new[now], (*path, now), (*place, now), added=True)

    def _texts(self, old: str, new: str, path: Path, there: Path, place: Path, name: str) -> Iterator[Difference]:
        documents = _document(old), _document(new)
        if documents[0] is not None and documents[1] is not None:
            called = (*path[:-1], f"{path[-1]}!") if path and isinstance(path[-1], str) else path
            yield from self.values(*documents, called, there, place)
        elif (path and path[-1] in _DIGESTS) or self._neutral.same(old, new):
            yield Difference(path=path, place=place, before=old, after=new, echo=True)
        elif "\n" in old and "\n" in new:
            yield _lines(old, new, path, place)
        else:
            yield _leaf(old, new, path, place, name)

    def _key(self, old: Sequence[Any], new: Sequence[Any], place: Path) -> str:
        """What identifies the entries of both lists; empty where nothing does."""
        where = (*self._at, *place)
        key = next((key for pattern, key in self._list_keys.items() if matches(pattern, where)), "name")
        for entries in (old, new):
            names = [entry.get(key) if isinstance(entry, dict) else None for entry in entries]
            if not all(isinstance(name, (str, int)) for name in names) or len(set(names)) != len(names):
                return ""
        return key

    def _one(self, value: Any, path: Path, place: Path, *, added: bool) -> Difference:
        said = shown(value)
        if added:
            return Difference(path=path, place=place, after=said, added=True)
        return Difference(path=path, place=place, before=said, removed=True)


def _leaf(old: Any, new: Any, path: Path, place: Path, name: str) -> Difference:
    return Difference(path=path, place=place, before=shown(old, name), after=shown(new, name))


def _about(holder: dict[str, Any], key: str) -> str:
    """What a value of a mapping is of: an environment entry says the variable's name beside its value."""
    name = holder.get("name") if key == "value" else key
    return name if isinstance(name, str) else str(key)


def _document(text: str) -> Any:
    """The JSON mapping or list that a text is; None where it is none."""
    if text[:1] not in "{[" or not text:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, (dict, list)) else None


def _text(entry: Any) -> str:
    try:
        return canonical(entry)
    except (TypeError, ValueError):
        return repr(entry)


def _lines(old: str, new: str, path: Path, place: Path) -> Difference:
    """What is between the lines that two texts begin with and those that they end with."""
    left, right = old.split("\n"), new.split("\n")
    first = 0
    while first < min(len(left), len(right)) and left[first] == right[first]:
        first += 1
    last = 0
    while last < min(len(left), len(right)) - first and left[-1 - last] == right[-1 - last]:
        last += 1
    before, after = left[first : len(left) - last], right[first : len(right) - last]
    called = (*path, f"line {first + 1}")
    if not before:
        return Difference(path=called, place=place, after=shown("\n".join(after)), added=True)
    if not after:
        return Difference(path=called, place=place, before=shown("\n".join(before)), removed=True)
    return Difference(path=called, place=place, before=shown("\n".join(before)), after=shown("\n".join(after)))
