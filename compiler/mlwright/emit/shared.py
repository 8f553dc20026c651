"""Parts that many documents have in the same words, kept once: their text is written once, too."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import lru_cache, wraps
from typing import Any, NoReturn, ParamSpec, TypeVar

Asked = ParamSpec("Asked")
Part = TypeVar("Part")


def shared(value: Part) -> Part:
    """A mapping or list of JSON values that refuses to be changed, and so do those in it; a copy of it can be changed.

    What is not finished comes back as it is: text that is more than text, or that has an `@`, after which a name may
    still be put in.
    """
    found: Any = _kept(value)
    return value if found is _OPEN else found


def once(make: Callable[Asked, Part]) -> Callable[Asked, Part]:
    """`make`, whose result is shared by all who ask with the same arguments; where it is not finished, each gets one
    of its own."""
    kept: Callable[..., Any] = lru_cache(maxsize=1024, typed=True)(lambda *args, **named: shared(make(*args, **named)))

    @wraps(make)
    def part(*args: Asked.args, **named: Asked.kwargs) -> Part:
        found = kept(*args, **named)
        if type(found) not in KINDS:
            return make(*args, **named)
        same: Part = found
        return same

    return part


def _kept(value: Any) -> Any:
    kind = type(value)
    if kind is dict:
        inside = {key: _kept(item) for key, item in value.items()}
        return _OPEN if any(item is _OPEN for item in inside.values()) else Shared(inside)
    if kind is list or kind is tuple:
        items = [_kept(item) for item in value]
        return _OPEN if any(item is _OPEN for item in items) else SharedList(items)
    if kind is str:
        return _OPEN if "@" in value else value
    return value if kind in _FINISHED else _OPEN


def _refuse(self: Any, *_: Any, **__: Any) -> NoReturn:
    raise TypeError("a shared part cannot be changed: other documents have it, too")


class Shared(dict[str, Any]):
    """A mapping that documents share. `made` is what has been made of it: texts by writers, by what their lines begin
    with, and the checks that have found nothing in it."""

    __slots__ = ("made",)

    def __init__(self, value: dict[str, Any]) -> None:
        super().__init__(value)
        self.made: dict[Any, Any] = {}

    def __reduce__(self) -> tuple[type[Shared], tuple[dict[str, Any]]]:
        return Shared, (dict(self),)

    def __copy__(self) -> dict[str, Any]:
        return dict(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return {key: deepcopy(item, memo) for key, item in self.items()}

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse


class SharedList(list[Any]):
    """A list that documents share, as `Shared`."""

    __slots__ = ("made",)

    def __init__(self, items: list[Any]) -> None:
        super().__init__(items)
        self.made: dict[Any, Any] = {}

    def __reduce__(self) -> tuple[type[SharedList], tuple[list[Any]]]:
        return SharedList, (list(self),)

    def __copy__(self) -> list[Any]:
        return list(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Any]:
        return [deepcopy(item, memo) for item in self]

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse


KINDS = frozenset([Shared, SharedList])
_FINISHED = frozenset([str, int, float, bool, type(None), Shared, SharedList])
_OPEN = object()
