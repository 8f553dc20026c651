"""The located tree: plain YAML values, each with the place in the source that gave it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from mlwright.diag.diagnostic import Bag, Diagnostic, Label, Locate
from mlwright.record import dataclass, replace
from mlwright.source.sourcemap import narrow
from mlwright.span import Path, Span

Plain = None | bool | int | float | str | Sequence["Plain"] | Mapping[str, "Plain"]
"""What a tree can be made from."""
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A single value. `value` follows YAML 1.2; `text` is the content as text (of a bare word: just what is written).

    `style` is "" (bare), "'", '"', "|" or ">". `raw` is the source with quotes, escapes and indentation, "" when it
    equals `text`. `layer` names the overlay that gave the value ("" is the base file). `alias` is where a `*name` or a
    merge key brought the value in; the span is then the anchor's.
    """

    value: str | int | float | bool | None
    text: str
    span: Span
    style: str = ""
    raw: str = ""
    layer: str = ""
    alias: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One key of a map and what it holds."""

    key: str
    key_span: Span
    node: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """A mapping, in the order written. Never change `entries` in place: nodes are shared between trees."""

    entries: dict[str, Entry]
    span: Span
    layer: str = ""
    alias: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seq:
    """A list."""

    items: tuple[Node, ...]
    span: Span
    layer: str = ""
    alias: Span | None = None


Node = Scalar | Map | Seq


def with_node(entry: Entry, node: Node) -> Entry:
    """`entry` with `node` in it; the entry itself where that is no change."""
    return entry if node is entry.node else Entry(key=entry.key, key_span=entry.key_span, node=node)


def plain(node: Node, known: dict[int, Json] | None = None) -> Json:
    """The value without positions; new lists and dicts on every call. With `known`, which is filled, a node that is in
    several places becomes one value, which is not to be changed."""
    if isinstance(node, Scalar):
        return node.value
    if known is not None and id(node) in known:
        return known[id(node)]
    value: Json = (
        {key: plain(entry.node, known) for key, entry in node.entries.items()}
        if isinstance(node, Map)
        else [plain(item, known) for item in node.items]
    )
    if known is not None:
        known[id(node)] = value
    return value


def from_plain(value: Plain, span: Span, layer: str = "") -> Node:
    """A tree that holds `value`, every part of it at `span`."""
    if isinstance(value, str | int | float | None):
        style = '"' if isinstance(value, str) else ""
        return Scalar(value=value, text=text_of(value), span=span, style=style, layer=layer)
    if isinstance(value, Mapping):
        entries = {
            key: Entry(key=key, key_span=span, node=from_plain(item, span, layer)) for key, item in value.items()
        }
        return Map(entries=entries, span=span, layer=layer)
    return Seq(items=tuple(from_plain(item, span, layer) for item in value), span=span, layer=layer)


def text_of(value: str | int | float | bool | None) -> str:
    """The one canonical text of a scalar: `true`, `false`, `null`, decimal integers, Python's `repr` of floats."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


def child(node: Node, part: str | int) -> Node | None:
    """What is directly below `node` under a key or a list position, if anything."""
    if isinstance(node, Map):
        entry = node.entries.get(part) if isinstance(part, str) else None
        return entry.node if entry else None
    if isinstance(node, Seq) and isinstance(part, int) and 0 <= part < len(node.items):
        return node.items[part]
    return None


def at(node: Node, path: Path) -> Node | None:
    """The node at `path`, or None where there is nothing."""
    found: Node | None = node
    for part in path:
        if found is None:
            return None
        found = child(found, part)
    return found


def walk(node: Node, wanted: Callable[[Scalar], bool] | None = None) -> Iterator[tuple[Path, Scalar]]:
    """Every scalar that counts, in source order: what is below an `x-` key is left out. With `wanted` only those that
    it says yes to."""
    found: list[tuple[Path, Scalar]] = []
    if not isinstance(node, Scalar):
        _walk(node, (), wanted, found)
    elif wanted is None or wanted(node):
        found.append(((), node))
    return iter(found)


def _walk(
    node: Map | Seq, path: Path, wanted: Callable[[Scalar], bool] | None, found: list[tuple[Path, Scalar]]
) -> None:
    if isinstance(node, Seq):
        for index, item in enumerate(node.items):
            if type(item) is not Scalar:
                _walk(item, (*path, index), wanted, found)  # type: ignore[arg-type]
            elif wanted is None or wanted(item):
                found.append(((*path, index), item))
        return
    for key, entry in node.entries.items():
        item = entry.node
        if key.startswith("x-"):
            continue
        if type(item) is not Scalar:
            _walk(item, (*path, key), wanted, found)  # type: ignore[arg-type]
        elif wanted is None or wanted(item):
            found.append(((*path, key), item))


def relayered(node: Node, layer: str) -> Node:
    """The same tree, every node of it marked as given by `layer`."""
    if isinstance(node, Scalar):
        return node if node.layer == layer else replace(node, layer=layer)
    if isinstance(node, Map):
        entries = {key: with_node(entry, relayered(entry.node, layer)) for key, entry in node.entries.items()}
        return Map(entries=entries, span=node.span, layer=layer, alias=node.alias)
    return replace(node, items=tuple(relayered(item, layer) for item in node.items), layer=layer)


def locate(tree: Node) -> Locate:
    """A function that finds the span of a label in `tree`.

    A path that does not exist falls back to the key of its nearest existing parent. A value that is an empty scalar or
    a collection over several lines is shown by its key: such a value has no good place of its own.
    """

    def find(label: Label) -> Span | None:
        if label.span is not None:
            return label.span
        node, entry, missing = tree, None, False
        for part in label.path:
            below = child(node, part)
            if below is None:
                missing = True
                break
            entry = node.entries[part] if isinstance(node, Map) and isinstance(part, str) else None
            node = below
        key_span = entry.key_span if entry else None
        if (missing or label.on == "key") and key_span is not None:
            return key_span
        if isinstance(node, Scalar) and label.chars is not None and not missing:
            return narrow(node, *label.chars)
        return _visible(node, key_span)

    return find


def _visible(node: Node, key_span: Span | None) -> Span:
    span = node.span
    if isinstance(node, Scalar):
        empty = (span.line, span.col) == (span.end_line, span.end_col)
        return key_span if empty and key_span else span
    if span.line == span.end_line:
        return span
    if key_span is not None:
        return key_span
    if isinstance(node, Map) and node.entries:
        return next(iter(node.entries.values())).key_span
    if isinstance(node, Seq) and node.items:
        return _visible(node.items[0], None)
    return Span(span.file, span.line, span.col, span.line, span.col + 1)


def alias_of(tree: Node, path: Path) -> Span | None:
    """Where an alias or merge key brought in the value at `path` or one of its parents; the innermost one."""
    found, node = tree.alias, tree
    for part in path:
        below = child(node, part)
        if below is None:
            break
        node = below
        found = node.alias or found
    return found


def located(bag: Bag, tree: Node) -> Bag:
    """`bag` with spans; findings about values that came through an alias also point at the alias."""

    def explain(item: Diagnostic) -> Diagnostic:
        alias = alias_of(tree, item.at.path) if item.at.span is None else None
        if alias is None or any(label.span == alias for label in item.related):
            return item
        return replace(item, related=(*item.related, Label(span=alias, text="brought in here")))

    return Bag(explain(item) for item in bag).located(locate(tree))
