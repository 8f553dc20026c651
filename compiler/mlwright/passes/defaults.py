"""`defaults`, and what trials take over from training, merged beneath each entry while everything still has a place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from mlwright.source.overlay import merge
from mlwright.source.tree import Entry, Map, Node, Scalar, at, relayered
from mlwright.span import Path

LAYER = "defaults"


def fill_defaults(tree: Node) -> Node:
    """The tree with `defaults.steps` beneath every step, `defaults.serving` beneath every endpoint, and `training`
    beneath `tuning.trial`. What an entry says itself always wins; a distributed step takes no default timeout."""
    if not isinstance(tree, Map):
        return tree
    steps, services = at(tree, ("defaults", "steps")), at(tree, ("defaults", "serving"))
    for path in _steps(tree):
        tree = _change(tree, path, partial(_beneath, steps))
    for path in _entries(tree, ("serving",)):
        if _word(tree, (*path, "type")) in (None, "service"):
            tree = _change(tree, path, partial(_beneath, services))
    for above in ((), *_entries(tree, ("models",))):
        training = at(tree, (*above, "training"))
        if at(tree, (*above, "tuning", "trial")) is not None and isinstance(training, Map):
            kept = replace(training, entries={k: v for k, v in training.entries.items() if k != "gates"})
            tree = _change(tree, (*above, "tuning", "trial"), partial(_over, kept))
    return tree


def _steps(tree: Node) -> Iterator[Path]:
    yield from _entries(tree, ("steps",))
    for above in ((), *_entries(tree, ("models",))):
        for section in ("training", "evaluation"):
            if at(tree, (*above, section)) is not None:
                yield (*above, section)


def _entries(tree: Node, path: Path) -> Iterator[Path]:
    node = at(tree, path)
    if isinstance(node, Map):
        yield from ((*path, key) for key in node.entries if not key.startswith("x-"))


def _word(tree: Node, path: Path) -> object:
    node = at(tree, path)
    return node.value if isinstance(node, Scalar) else None


def _beneath(defaults: Node | None, entry: Node) -> Node:
    if not isinstance(defaults, Map) or not isinstance(entry, Map):
        return entry
    unwanted = {"timeout"} if "distributed" in entry.entries else set[str]()
    kept = {key: item for key, item in defaults.entries.items() if key not in unwanted}
    return _over(relayered(replace(defaults, entries=kept), LAYER), entry)


def _over(base: Node, entry: Node) -> Node:
    """`entry` laid over `base`; every node keeps the layer that it has."""
    if not isinstance(entry, Map):
        return entry
    merged = merge(base, entry, "")
    return _layers(merged, base, entry)


def _layers(merged: Node, base: Node, entry: Node) -> Node:
    """Give the nodes that came from `entry` their layer back: the merge marked them as base."""
    if not isinstance(merged, Map) or not isinstance(entry, Map):
        return replace(merged, layer=entry.layer)
    entries: dict[str, Entry] = {}
    for key, item in merged.entries.items():
        ours = entry.entries.get(key)
        theirs = base.entries.get(key) if isinstance(base, Map) else None
        if ours is None:
            entries[key] = item
        else:
            entries[key] = replace(item, node=_layers(item.node, theirs.node if theirs else ours.node, ours.node))
    return replace(merged, entries=entries, layer=entry.layer)


def _change(tree: Map, path: Path, change: Callable[[Node], Node]) -> Map:
    head, *rest = path
    assert isinstance(head, str)
    entry = tree.entries[head]
    if rest:
        assert isinstance(entry.node, Map)
        node: Node = _change(entry.node, tuple(rest), change)
    else:
        node = change(entry.node)
    return replace(tree, entries={**tree.entries, head: replace(entry, node=node)})
