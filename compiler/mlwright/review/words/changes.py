"""Which values of two resolved project files differ, leaf by leaf."""

from __future__ import annotations

from mlwright.record import dataclass
from mlwright.source.tree import Entry, Json, Map, Node, Scalar, Seq, plain
from mlwright.span import Path, Span
from mlwright.spec.scalars.duration import Duration
from mlwright.spec.scalars.quantity import Cpu, Memory

_SHORT = {
    "replicas": ("min", "max"),
    "expose": ("scope",),
    "build": ("context",),
    **dict.fromkeys(("argo_workflows", "argo_events", "argo_cd", "pipelines"), ("version",)),
}
"""Short forms that a resolved tree still has: the key, and the fields that a bare value stands for."""
_IN_ENTRIES = {"mounts": "source"}
_MEMORY = frozenset({"memory", "disk", "size", "max_proxied"})
_TIMES = frozenset(
    {
        "timeout", "backoff", "max_backoff", "startup", "request_timeout", "expected_duration", "older_than", "for",
        "max_latency",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A value that is not the same in both; None where one side has none."""

    path: Path
    before: Node | None
    after: Node | None

    @property
    def node(self) -> Node:
        """The value at head, or at base where it is gone."""
        found = self.after if self.after is not None else self.before
        assert found is not None
        return found

    @property
    def span(self) -> Span:
        """Where the value is set at head; at base where it is gone."""
        return self.node.span


def differences(
    before: Node | None, after: Node | None, path: Path = (), same: set[tuple[int, int]] | None = None
) -> list[Change]:
    """Each leaf that differs, in the order of head. A list is one leaf, and so is a mapping without anything in it;
    `x-` keys are notes, and the same amount or time in other words is no difference.

    `same` remembers pairs of nodes (by id) without a difference: environments share most of theirs."""
    found: list[Change] = []
    _compare(before, after, path, set() if same is None else same, found)
    return found


def _compare(
    before: Node | None, after: Node | None, path: Path, same: set[tuple[int, int]], found: list[Change]
) -> None:
    if type(before) is Scalar and type(after) is Scalar:
        if type(before.value) is type(after.value) and before.value == after.value:
            return
    elif (id(before), id(after)) in same:
        return
    many = len(found)
    old, new = _long(before, path), _long(after, path)
    olds, news = _entries(old), _entries(new)
    if (olds or news) and _mapping(old) and _mapping(new):
        for key in (*news, *(key for key in olds if key not in news)):
            first, second = (side[key].node if key in side else None for side in (olds, news))
            _compare(first, second, (*path, key), same, found)
    elif _value(old, path) != _value(new, path):
        found.append(Change(path=path, before=old, after=new))
    if len(found) == many:
        same.add((id(before), id(after)))


def _mapping(node: Node | None) -> bool:
    return node is None or isinstance(node, Map)


def _entries(node: Node | None) -> dict[str, Entry]:
    if not isinstance(node, Map):
        return {}
    return {key: entry for key, entry in node.entries.items() if not key.startswith("x-") and not empty(entry.node)}


def empty(node: Node | None) -> bool:
    """Whether there is nothing: no node, or `null`."""
    return node is None or (isinstance(node, Scalar) and node.value is None)


def _long(node: Node | None, path: Path) -> Node | None:
    if empty(node):
        return None
    if not isinstance(node, Scalar) or not path:
        return node
    keys: tuple[str, ...] = _SHORT.get(str(path[-1]), ())
    if path[-2:] == ("distributed", "nodes"):
        keys = ("min", "max")
    if not keys and len(path) > 1 and path[-2] in _IN_ENTRIES:
        keys = (_IN_ENTRIES[str(path[-2])],)
    if not keys:
        return node
    entries = {key: Entry(key=key, key_span=node.span, node=node) for key in keys}
    return Map(entries=entries, span=node.span, layer=node.layer, alias=node.alias)


def _value(node: Node | None, path: Path) -> object:
    """What is compared: `True` is not 1, and `2Gi` is `2048Mi`."""
    if node is None:
        return None
    if isinstance(node, Map):
        return {key: _value(entry.node, (*path, key)) for key, entry in _entries(node).items()}
    if isinstance(node, Seq):
        return [_value(item, (*path, index)) for index, item in enumerate(node.items)]
    value, key = node.value, path[-1] if path else ""
    try:
        if key in _MEMORY:
            return ("bytes", Memory.parse(value).bytes)
        if key == "cpu":
            return ("milli", Cpu.parse(value).milli)
        if key in _TIMES:
            return ("seconds", Duration.parse(value).seconds)
    except ValueError:
        pass
    return (isinstance(value, bool), isinstance(value, str), value)


def json(node: Node | None, path: Path = ()) -> Json:
    """The plain value with short forms written out and without notes; None where there is nothing."""
    node = _long(node, path)
    if isinstance(node, Map):
        return {key: json(entry.node, (*path, key)) for key, entry in _entries(node).items()}
    return None if node is None else plain(node)
