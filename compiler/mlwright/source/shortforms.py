"""Short forms that an overlay may have to change one part of: a table, and writing them out."""

from __future__ import annotations

from mlwright.record import replace
from mlwright.source.tree import Entry, Map, Node, Scalar, at

_CONTAINERS = (
    "defaults.steps", "defaults.serving", "steps.*", "training", "evaluation", "tuning.trial",
    "models.*.training", "models.*.evaluation", "models.*.tuning.trial", "models.*.steps.*",
    "serving.*", "serving.*.variants.*", "serving.*.transformer", "serving.*.explainer", "notebooks.*",
)  # fmt: skip
_SHORT_IN_CONTAINER = (("image", "ref", "str"), ("resources.gpu", "count", "int"), ("retries", "limit", "int"))
_SHORT_ELSEWHERE = (
    ("params.*", "default", "any"),
    ("tuning.algorithm", "name", "str"),
    ("tuning.early_stopping", "name", "str"),
    ("models.*.tuning.algorithm", "name", "str"),
    ("models.*.tuning.early_stopping", "name", "str"),
    ("pipelines.*.schedule", "cron", "str"),
    ("tracking.experiment", "name", "str"),
)

SHORT_FORMS: tuple[tuple[str, str, str], ...] = (
    *((f"{place}.{field}", key, kind) for place in _CONTAINERS for field, key, kind in _SHORT_IN_CONTAINER),
    *_SHORT_ELSEWHERE,
)
"""(path pattern, key that the value goes under, kind of value: str, int or any). The same hold in every environment.

Only where an overlay may have to change one part of what the short form means; other short forms (`expose: cluster`,
mounts) are the language's own business.
"""

_ENVIRONMENT_SHORT_FORMS = (
    ("environments.*.namespace", "name", "str"),
    *((f"environments.*.{pattern}", key, kind) for pattern, key, kind in SHORT_FORMS),
)
_PARAM_TYPES: tuple[tuple[type, str], ...] = ((bool, "bool"), (int, "int"), (float, "float"), (str, "string"))

_Forms = dict[str, "_Forms | tuple[str, str]"]


def _trie() -> _Forms:
    root: _Forms = {}
    for pattern, key, kind in (*SHORT_FORMS, *_ENVIRONMENT_SHORT_FORMS):
        *parents, last = pattern.split(".")
        level = root
        for part in parents:
            below = level.setdefault(part, {})
            assert isinstance(below, dict), pattern
            level = below
        level[last] = (key, kind)
    return root


_SHORT = _trie()


def expand(tree: Node) -> Node:
    """`tree` with every short form of SHORT_FORMS written out, and parameters' types inferred from defaults."""
    return typed(wrapped(tree))


def wrapped(tree: Node) -> Node:
    """`tree` with every short form written out, and no more: what two files or an environment are merged by."""
    return _wrap(tree, (_SHORT,))


def _wrap(node: Node, levels: tuple[_Forms, ...]) -> Node:
    if not isinstance(node, Map):
        return node
    changed: dict[str, Entry] = {}
    for key, entry in node.entries.items():
        if key.startswith("x-"):
            continue
        below = [level[part] for level in levels for part in (key, "*") if part in level]
        new = entry.node
        for form in below:
            if isinstance(form, tuple):
                new = _long_form(new, *form)
        deeper = tuple(form for form in below if isinstance(form, dict))
        if deeper:
            new = _wrap(new, deeper)
        if new is not entry.node:
            changed[key] = replace(entry, node=new)
    return replace(node, entries=node.entries | changed) if changed else node


def _long_form(node: Node, key: str, kind: str) -> Node:
    if isinstance(node, Map) or (isinstance(node, Scalar) and node.value is None):
        return node
    if kind != "any":
        expected = str if kind == "str" else int
        if not isinstance(node, Scalar) or isinstance(node.value, bool) or not _is_short(node.value, expected):
            return node
    entry = Entry(key=key, key_span=node.span, node=node)
    return Map(entries={key: entry}, span=node.span, layer=node.layer, alias=node.alias)


def _is_short(value: object, expected: type) -> bool:
    # A reference may stand for the number: `gpu: "${params.gpus}"`.
    return isinstance(value, expected) or (isinstance(value, str) and value.startswith("${"))


def typed(tree: Node) -> Node:
    """`tree` with a `type` for every parameter that has a default and no type."""
    params = at(tree, ("params",))
    if not isinstance(tree, Map) or not isinstance(params, Map):
        return tree
    entries = {key: replace(entry, node=_with_type(entry.node)) for key, entry in params.entries.items()}
    return replaced(tree, "params", replace(params, entries=entries))


def _with_type(node: Node) -> Node:
    if not isinstance(node, Map) or "type" in node.entries or "default" not in node.entries:
        return node
    default = node.entries["default"].node
    if isinstance(default, Scalar) and default.value is None:
        return node
    name = "json"
    if isinstance(default, Scalar):
        name = next(name for kind, name in _PARAM_TYPES if isinstance(default.value, kind))
    type_ = Scalar(value=name, text=name, span=default.span, layer=default.layer)
    entry = Entry(key="type", key_span=default.span, node=type_)
    return replace(node, entries={"type": entry} | node.entries)


def replaced(tree: Map, key: str, node: Node) -> Map:
    """`tree` with `node` under `key`, which keeps its place and span if it is there already."""
    old = tree.entries.get(key)
    entry = replace(old, node=node) if old else Entry(key=key, key_span=node.span, node=node)
    return replace(tree, entries=tree.entries | {key: entry})
