"""Overlays: short forms, the merge laws, environments and `extends`.

Order of use: `resolve_extends`, `expand`, `findings`, `environments`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from mlwright.diag.diagnostic import Bag, Diagnostic, Label
from mlwright.record import replace
from mlwright.regex import lazy
from mlwright.source.files import FileTree
from mlwright.source.load import load_file
from mlwright.source.shortforms import SHORT_FORMS, expand, replaced, typed, wrapped
from mlwright.source.suggest import did_you_mean
from mlwright.source.tree import Entry, Json, Map, Node, Scalar, Seq, at, from_plain, relayered, with_node
from mlwright.span import Path, Span

__all__ = ["OWN_FIELDS", "SHORT_FORMS", "environments", "expand", "findings", "layers", "merge", "resolve_extends"]

OWN_FIELDS = ("platform", "default", "namespace", "start", "mode", "name_prefix", "allow_remote_writes")
"""What describes an environment itself. Every other key of an environment is merged over the file."""

FIXED_FIELDS = ("apiVersion", "kind", "extends", "environments")
"""What an environment cannot change."""

DEFAULT_ENVIRONMENTS: Json = {"local": {"platform": "compose", "default": True}}
MAX_EXTENDS = 20
"""Files in one chain of `extends`."""

_ENVIRONMENT_NAME = lazy(r"(?!x-)[a-z][a-z0-9_-]{0,39}")


def merge(base: Node, over: Node, layer: str | None) -> Node:
    """`base` with `over` laid on it; what `over` gives is marked as from `layer`, or (None) keeps the layer it has.

    Maps merge by key; a map whose `type` changes is replaced whole; a list is replaced; `null` removes.
    """
    return _merge(base, over if layer is None else relayered(over, layer))


def _merge(base: Node, over: Node, keep_nulls: bool = False) -> Node:
    if not isinstance(over, Map):
        return over
    if not isinstance(base, Map) or _type_changes(base, over):
        return over if keep_nulls else _without_nulls(over)
    entries = dict(base.entries)
    for key, entry in over.entries.items():
        if _is_null(entry.node) and not keep_nulls:
            entries.pop(key, None)
        elif key in entries:
            entries[key] = with_node(entry, _merge(entries[key].node, entry.node, keep_nulls))
        else:
            entries[key] = entry if keep_nulls else with_node(entry, _without_nulls(entry.node))
    return replace(over, entries=entries)


def _type_changes(base: Map, over: Map) -> bool:
    old, new = base.entries.get("type"), over.entries.get("type")
    if old is None or new is None or not isinstance(old.node, Scalar) or not isinstance(new.node, Scalar):
        return False
    return new.node.value is not None and old.node.value != new.node.value


def _without_nulls(node: Node) -> Node:
    if not isinstance(node, Map):
        return node
    if all(isinstance(entry.node, (Scalar, Seq)) and not _is_null(entry.node) for entry in node.entries.values()):
        return node
    entries = {
        key: with_node(entry, _without_nulls(entry.node))
        for key, entry in node.entries.items()
        if not _is_null(entry.node)
    }
    return replace(node, entries=entries)


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None


def environments(tree: Node) -> dict[str, Node]:
    """One merged tree for each environment, in the order written; `local` on Compose where there is none.

    In each tree `environments` holds that one environment's OWN_FIELDS only; its other keys are merged over the file,
    in layer `environments.NAME`.
    """
    if not isinstance(tree, Map):
        return {}
    base = wrapped(tree)
    assert isinstance(base, Map)
    section = at(base, ("environments",))
    if section is None or _is_null(section) or (isinstance(section, Map) and not _names(section)):
        start = _first_character(tree.span)
        section = from_plain(DEFAULT_ENVIRONMENTS, start)
    if not isinstance(section, Map):
        return {}
    bare = _without_environments(base)
    key_span = base.entries["environments"].key_span if "environments" in base.entries else section.span
    return {name: _environment(bare, section, name, key_span) for name in _names(section)}


def _environment(base: Map, section: Map, name: str, key_span: Span) -> Node:
    entry = section.entries[name]
    given = entry.node if isinstance(entry.node, Map) else Map(entries={}, span=entry.node.span)
    changes = {
        key: item
        for key, item in given.entries.items()
        if key not in OWN_FIELDS and key not in FIXED_FIELDS and not key.startswith("x-")
    }
    layer = f"environments.{name}"
    merged = _merge(base, relayered(replace(given, entries=changes), layer))
    assert isinstance(merged, Map)
    own = replace(given, entries={key: item for key, item in given.entries.items() if key in OWN_FIELDS})
    only = replace(section, entries={name: replace(entry, node=own)})
    environment = Entry(key="environments", key_span=key_span, node=only)
    whole = replace(base, entries=merged.entries | {"environments": environment})
    return typed(whole)


def _without_environments(tree: Map) -> Map:
    return replace(tree, entries={key: entry for key, entry in tree.entries.items() if key != "environments"})


def _names(section: Map) -> list[str]:
    return [name for name in section.entries if not name.startswith("x-")]


def _first_character(span: Span) -> Span:
    return Span(span.file, span.line, span.col, span.line, span.col + 1)


def findings(tree: Node) -> Bag:
    """What is wrong with `environments` as such: names, shape, fixed fields, two defaults, removals of nothing."""
    bag = Bag()
    section = at(tree, ("environments",))
    if section is None or _is_null(section):
        return bag
    if not isinstance(section, Map):
        message, help_ = "`environments` is a mapping of names", "write `environments: {local: {platform: compose}}`"
        bag.add(Diagnostic(code="ENV001", message=message, at=Label(path=("environments",)), help=help_))
        return bag
    for name in _names(section):
        bag.extend(_environment_findings(tree, name, section.entries[name].node))
    bag.extend(_two_defaults(section))
    return bag


def _environment_findings(tree: Node, name: str, node: Node) -> Iterator[Diagnostic]:
    path: Path = ("environments", name)
    if not _ENVIRONMENT_NAME.fullmatch(name):
        message = f"`{name}` cannot be the name of an environment"
        help_ = "use at most 40 lower-case letters, digits, `-` and `_`, a letter first"
        yield Diagnostic(code="ENV002", message=message, at=Label(path=path, on="key"), help=help_)
    if _is_null(node):
        return
    if not isinstance(node, Map):
        message = f"environment `{name}` is a mapping"
        help_ = f"write `{name}: {{platform: ...}}`"
        yield Diagnostic(code="ENV001", message=message, at=Label(path=path), help=help_)
        return
    for key in node.entries:
        if key in FIXED_FIELDS:
            message = f"an environment cannot change `{key}`"
            help_ = "an environment changes parts of one project; put this at the top of the file"
            yield Diagnostic(code="ENV003", message=message, at=Label(path=(*path, key), on="key"), help=help_)
    yield from _idle_removals(tree, node, path)


def _idle_removals(tree: Node, node: Map, path: Path) -> Iterator[Diagnostic]:
    """`null` where the file has nothing to remove: most often a name with a slip in it."""
    for key, entry in node.entries.items():
        below = (*path, key)
        if key.startswith("x-") or (len(path) == 2 and (key in OWN_FIELDS or key in FIXED_FIELDS)):
            continue
        if isinstance(entry.node, Map):
            yield from _idle_removals(tree, entry.node, below)
        elif _is_null(entry.node) and at(tree, below[2:]) is None:
            parent = at(tree, path[2:])
            choices = list(parent.entries) if isinstance(parent, Map) else []
            message = f"this removes `{key}`, but there is none to remove"
            help_ = did_you_mean(key, choices) or "remove this line; in an environment, no value means: remove"
            yield Diagnostic(
                code="ENV004", message=message, at=Label(path=below, on="key"), help=help_, severity="warning"
            )


def _two_defaults(section: Map) -> Iterator[Diagnostic]:
    chosen: list[Path] = []
    for name in _names(section):
        flag = at(section, (name, "default"))
        if isinstance(flag, Scalar) and flag.value is True:
            chosen.append(("environments", name, "default"))
    for path in chosen[1:]:
        message = "two environments are the default"
        related = (Label(path=chosen[0], text="the other one"),)
        help_ = "keep `default: true` in one of them"
        yield Diagnostic(code="ENV005", message=message, at=Label(path=path), related=related, help=help_)


def resolve_extends(tree: Node, file: str, files: FileTree) -> tuple[Node, Bag]:
    """`tree` merged over the files that it extends, the last named one strongest, and all findings.

    Paths in `extends` are relative to the folder of the file that has them. Nodes from a parent are in layer
    `extends:PATH`; the tree's own nodes stay in layer "".
    """
    return _extended(tree, file, files, (posixpath.normpath(file),))


def _extended(tree: Node, file: str, files: FileTree, chain: tuple[str, ...]) -> tuple[Node, Bag]:
    bag = Bag()
    if not isinstance(tree, Map) or "extends" not in tree.entries:
        return tree, bag
    names, tree = _extends_list(tree, bag)
    base: Node | None = None
    for name in names:
        parent = _parent(name, file, files, chain, bag)
        if parent is not None:
            base = parent if base is None else _merge_files(base, parent)
    if base is None:
        return tree, bag
    bag.extend(_same_language(tree, base))
    return _merge_files(base, wrapped(tree)), bag


def layers(tree: Node, file: str, files: FileTree) -> list[tuple[str, Node]]:
    """The files that `resolve_extends` merges, each as written with its short forms written out, the weakest first;
    the name of `file` itself is "", that of one that it extends `extends:PATH`. What cannot be read is left out."""
    return _layers(tree, file, files, "", (posixpath.normpath(file),))


def _layers(tree: Node, file: str, files: FileTree, layer: str, chain: tuple[str, ...]) -> list[tuple[str, Node]]:
    found: list[tuple[str, Node]] = []
    if isinstance(tree, Map) and "extends" in tree.entries:
        for name in _extends_list(tree, Bag())[0]:
            path = posixpath.normpath(posixpath.join(posixpath.dirname(file), str(name.value)))
            loaded = None if path in chain or len(chain) >= MAX_EXTENDS else load_file(files, path)[0]
            if loaded is not None:
                found += _layers(loaded, path, files, f"extends:{path}", (*chain, path))
    return [*found, (layer, wrapped(tree))]


def _merge_files(base: Node, over: Node) -> Node:
    """The laws for two files. A `null` inside an environment is kept: it removes from the file, not from the parent."""
    if not isinstance(base, Map) or not isinstance(over, Map):
        return _merge(base, over)
    merged = _merge(_without_environments(base), _without_environments(over))
    old, new = at(base, ("environments",)), at(over, ("environments",))
    entry = over.entries.get("environments") or base.entries.get("environments")
    if entry is None or not isinstance(merged, Map):
        return merged
    if isinstance(old, Map) and isinstance(new, Map):
        entry = replace(entry, node=_merge_environments(old, new))
    elif new is None:
        entry = base.entries["environments"]
    return replace(merged, entries=merged.entries | {"environments": entry})


def _merge_environments(old: Map, new: Map) -> Map:
    entries = dict(old.entries)
    for name, entry in new.entries.items():
        if name not in entries:
            entries[name] = entry
        elif _is_null(entry.node):
            del entries[name]
        else:
            entries[name] = replace(entry, node=_merge(entries[name].node, entry.node, keep_nulls=True))
    return replace(new, entries=entries)


def _extends_list(tree: Map, bag: Bag) -> tuple[tuple[Scalar, ...], Map]:
    node = tree.entries["extends"].node
    items = node.items if isinstance(node, Seq) else (node,)
    good = tuple(item for item in items if isinstance(item, Scalar) and isinstance(item.value, str) and item.value)
    for item in items:
        if item not in good:
            message, help_ = "`extends` is a list of files", "write `extends: [../base.yaml]`"
            bag.add(Diagnostic(code="ENV006", message=message, at=Label(span=item.span), help=help_))
    listed = node if isinstance(node, Seq) else Seq(items=good, span=node.span, layer=node.layer)
    return good, replaced(tree, "extends", listed)


def _parent(name: Scalar, file: str, files: FileTree, chain: tuple[str, ...], bag: Bag) -> Node | None:
    text = str(name.value)
    here = Label(span=name.span)
    if "://" in text or text.startswith("/") or "\\" in text or "\0" in text:
        message = f"`{text}` is not a path relative to this file"
        help_ = "copy the file into the repository and name it by a relative path with `/`"
        bag.add(Diagnostic(code="ENV007", message=message, at=here, help=help_))
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(file), text))
    if path in chain or len(chain) >= MAX_EXTENDS:
        circle = " -> ".join((*chain[chain.index(path) :], path)) if path in chain else ""
        message = f"files extend each other in a circle: {circle}" if circle else f"more than {MAX_EXTENDS} files deep"
        bag.add(Diagnostic(code="ENV008", message=message, at=here, help="remove one of the `extends`"))
        return None
    loaded, found = load_file(files, path, here)
    related = Label(span=name.span, text="extended here")
    bag.extend(item if item.span == name.span else replace(item, related=(*item.related, related)) for item in found)
    if loaded is None:
        return None
    layered = wrapped(relayered(loaded, f"extends:{path}"))
    merged, deeper = _extended(layered, path, files, (*chain, path))
    bag.extend(deeper)
    return merged


def _same_language(tree: Map, base: Node) -> Iterator[Diagnostic]:
    for key in ("apiVersion", "kind"):
        mine, theirs = at(tree, (key,)), at(base, (key,))
        if isinstance(mine, Scalar) and isinstance(theirs, Scalar) and mine.value != theirs.value:
            message = f"the extended file has another `{key}`: {theirs.text}"
            related = (Label(span=theirs.span, text="there"),)
            help_ = "move both files to one version of the language"
            yield Diagnostic(code="ENV009", message=message, at=Label(span=mine.span), related=related, help=help_)
