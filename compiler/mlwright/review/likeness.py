"""Which field of a project an emitted value is like: by its value and the words around it.

Emitters record what an object was made for, not each field of it. What is found here is near, not proven: whoever shows
it says so, or tries it by compiling with another value.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from mlwright.record import dataclass
from mlwright.regex import lazy
from mlwright.source.tree import Map, Node, Scalar, Seq, text_of
from mlwright.span import Path

_WORD = lazy(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_TIME = lazy(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_SIZE = lazy(r"(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|m)")
_UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "m": 0.001}
_LONG = 8
"""Characters from which on an equal text says enough without a word in common."""
_ANYWHERE: tuple[Path, ...] = (("metadata", "labels"), ("params",), ("environments",))
"""Sections that may decide a value of any object."""
_PLAIN = frozenset({"metadata", "label", "params", "param", "environment", "default", "name"})
_SILENT = _PLAIN | {"count", "ref", "value"}
"""Words that say nothing of their own: of `image.ref`, it is `image` that tells."""
_UNITS_OF_NAMES = frozenset({"second", "number", "num", "com"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leaf:
    """A scalar of the tree. `key` are the words of its last name that tells anything; `text` is true of texts."""

    path: Path
    words: frozenset[str]
    key: frozenset[str]
    text: bool


class Leaves:
    """The scalars of an environment's tree, by what they may look like when they are emitted."""

    def __init__(self, tree: Node) -> None:
        self._known: dict[str, list[_Leaf]] = {}
        for path, node in _scalars(tree, ()):
            named = path[2:] if path[0] == "environments" else path  # no word of the environment's name
            parts = [_words(part) for part in named if isinstance(part, str)]
            key = next((words for words in reversed(parts) if words - _SILENT), frozenset())
            words = frozenset(word for part in parts for word in part)
            leaf = _Leaf(path=path, words=words, key=key, text=isinstance(node.value, str))
            for form in _forms(node.value):
                self._known.setdefault(form, []).append(leaf)

    def like(self, section: Path, words: tuple[str, ...], value: object) -> Path | None:
        """The field below `section` that an emitted value most likely came from; None where none or several fit.
        `words` are names of entries of lists on the way to the value, then the way."""
        around, known, tail = frozenset[str](), frozenset[str](), frozenset[str]()
        best: list[Path] = []
        score: tuple[int, int, bool] = (0, 0, False)
        own = section[:1] not in ((), ("environments",))
        for form in _forms(value):
            for leaf in self._known.get(form, ()):
                inside = own and leaf.path[: len(section)] == section
                if not inside and not any(leaf.path[: len(part)] == part for part in _ANYWHERE):
                    continue
                if not around:
                    around = frozenset(word for part in words for word in _words(part))
                    known = frozenset(word for part in section for word in _words(part))
                    tail = _words(next((part for part in reversed(words) if not part.isdigit()), ""))
                wanted = leaf.words - (known if inside else _PLAIN)
                if not _fits(leaf, inside, wanted, around, tail, len(form) >= _LONG):
                    continue
                this = (len(wanted & around), -len(wanted - around), inside)
                if this > score or not best:
                    best, score = [leaf.path], this
                elif this == score and leaf.path not in best:
                    best.append(leaf.path)
        return _common(best, section) if best else None


def _fits(
    leaf: _Leaf, inside: bool, wanted: frozenset[str], around: frozenset[str], tail: frozenset[str], long: bool
) -> bool:
    """Whether a leaf of the same value is likely: its name is on the way to the value or, of a text that is no short
    word, the value alone says enough. A number is of another field where its name says several things more."""
    if not inside:
        return bool(wanted & around) and not wanted - around
    if leaf.text and long:
        return True
    return bool(leaf.key & around) and (leaf.text or len(tail - leaf.words - _UNITS_OF_NAMES) <= 1)


def _common(paths: list[Path], section: Path) -> Path | None:
    """The one path, or what several have in common where that is more than the section."""
    first, *others = paths
    size = len(first)
    for other in others:
        size = min(size, next((n for n, (a, b) in enumerate(zip(first, other, strict=False)) if a != b), len(other)))
    return first[:size] if not others or size > len(section) else None


def _scalars(node: Node, path: Path) -> Iterator[tuple[Path, Scalar]]:
    if isinstance(node, Scalar):
        if node.value is not None:
            yield path, node
    elif isinstance(node, Map):
        for key, entry in node.entries.items():
            if not key.startswith("x-"):
                yield from _scalars(entry.node, (*path, key))
    elif isinstance(node, Seq):
        for index, item in enumerate(node.items):
            yield from _scalars(item, (*path, index))


@cache
def _words(text: str | int) -> frozenset[str]:
    found = {word.lower() for word in _WORD.findall(str(text))}
    return frozenset(word.removesuffix("s") if len(word) > 3 else word for word in found)


def _forms(value: object) -> Iterator[str]:
    """What a value may be written as: its text, and its number with units taken away."""
    if isinstance(value, bool) or value is None:
        yield f"b:{value}"
        return
    if isinstance(value, (int, float)):
        yield f"n:{float(value):g}"
        yield f"t:{text_of(value)}"
        return
    if not isinstance(value, str) or not value:
        return
    text = value.partition("@sha256:")[0]
    yield f"t:{text}"
    if text in ("true", "false"):
        yield f"b:{text == 'true'}"
    if len(text) > 20 or not text[0].isdigit():
        return
    yield from _numbers(text)


def _numbers(text: str) -> Iterator[str]:
    try:
        yield f"n:{float(text):g}"
        return
    except ValueError:
        pass
    if size := _SIZE.fullmatch(text):
        yield f"n:{float(size[1]) * _UNITS[size[2]]:g}"
    if (time := _TIME.fullmatch(text)) and time[0]:
        days, hours, minutes, seconds = (int(part or 0) for part in time.groups())
        yield f"n:{float(((days * 24 + hours) * 60 + minutes) * 60 + seconds):g}"
