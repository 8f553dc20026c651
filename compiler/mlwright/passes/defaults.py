"""`defaults`, and what trials take over from training, merged beneath each entry while everything still has a place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from mlwright.record import replace
from mlwright.source.overlay import merge
from mlwright.source.tree import Map, Node, Scalar, at, relayered, with_node
from mlwright.span import Path

LAYER = "defaults"


def fill_defaults(tree: Node) -> Node:
    """The tree with `defaults.steps` beneath every step, `defaults.serving` beneath every endpoint, `training` beneath
    `tuning.trial`, and image and variables of a step beneath the notebook that is `like` it. What an entry says itself
    always wins; a distributed step takes no default timeout."""
    if not isinstance(tree, Map):
        return tree
    every, services = _defaults(tree, "steps"), _defaults(tree, "serving")
    beneath_step, beneath_service = partial(_beneath, every), partial(_beneath_service, services)
    for section, change in (("steps", beneath_step), ("serving", beneath_service)):
        if section in tree.entries:
            tree = _change(tree, (section,), partial(_each, change=change))
    for path in _learning(tree):
        tree = _change(tree, path, beneath_step)
    for above in ((), *_entries(tree, ("models",))):
        training = at(tree, (*above, "training"))
        if at(tree, (*above, "tuning", "trial")) is not None and isinstance(training, Map):
            kept = replace(training, entries={k: v for k, v in training.entries.items() if k != "gates"})
            tree = _change(tree, (*above, "tuning", "trial"), partial(_over, kept))
    known = steps(tree)
    for path in _entries(tree, ("notebooks",)):
        step = known.get(str(_word(tree, (*path, "like"))))
        if isinstance(step, Map):
            kept = replace(step, entries={k: v for k, v in step.entries.items() if k in ("image", "env")})
            tree = _change(tree, path, partial(_over, kept))
    return tree


def steps(tree: Node) -> dict[str, Node | None]:
    """Every step of the tree, by the path that says where it stands."""
    return {".".join(map(str, path)): at(tree, path) for path in _steps(tree)}


def _defaults(tree: Node, kind: str) -> Node | None:
    node = at(tree, ("defaults", kind))
    return None if node is None else relayered(node, LAYER)


def _steps(tree: Node) -> Iterator[Path]:
    yield from _entries(tree, ("steps",))
    yield from _learning(tree)


def _learning(tree: Node) -> Iterator[Path]:
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


def _each(section: Node, change: Callable[[Node], Node]) -> Node:
    """All entries of a section changed at once: a project may have thousands."""
    if not isinstance(section, Map):
        return section
    entries = {
        key: entry if key.startswith("x-") else with_node(entry, change(entry.node))
        for key, entry in section.entries.items()
    }
    return replace(section, entries=entries)


def _beneath_service(defaults: Node | None, entry: Node) -> Node:
    return _beneath(defaults, entry) if _word(entry, ("type",)) in (None, "service") else entry


def _beneath(defaults: Node | None, entry: Node) -> Node:
    if not isinstance(defaults, Map) or not isinstance(entry, Map):
        return entry
    if "distributed" in entry.entries and "timeout" in defaults.entries:
        kept = {key: item for key, item in defaults.entries.items() if key != "timeout"}
        defaults = replace(defaults, entries=kept)
    return _over(defaults, entry)


def _over(base: Node, entry: Node) -> Node:
    """`entry` laid over `base`; every node keeps the layer that it has."""
    return merge(base, entry, None) if isinstance(entry, Map) else entry


def _change(tree: Map, path: Path, change: Callable[[Node], Node]) -> Map:
    head, *rest = path
    assert isinstance(head, str)
    entry = tree.entries[head]
    if rest:
        assert isinstance(entry.node, Map)
        node: Node = _change(entry.node, tuple(rest), change)
    else:
        node = change(entry.node)
    return replace(tree, entries={**tree.entries, head: with_node(entry, node)})
