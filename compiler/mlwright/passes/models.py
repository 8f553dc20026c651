"""`for_each` on a model: one model for each item, made while everything is still a tree with places."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from mlwright.diag import Bag, Diagnostic, Label
from mlwright.record import replace
from mlwright.regex import lazy
from mlwright.source.references import RefSpan, compact, parse
from mlwright.source.tree import Entry, Json, Map, Node, Scalar, Seq, at, plain, text_of
from mlwright.span import Path

_NOT_A_NAME = lazy(r"[^a-z0-9]+")
MOST = 100
"""Models that one `for_each` may make."""


def expand_models(tree: Node, bag: Bag) -> Node:
    """Every entry of `models` with a `for_each` becomes one entry for each item, `<name>-<item>`, in which `${each.k}`
    is the item's text. The list must be known when it is compiled; several keys are a cross product."""
    models = at(tree, ("models",))
    if not isinstance(tree, Map) or not isinstance(models, Map):
        return tree
    entries: dict[str, Entry] = {}
    for name, entry in models.entries.items():
        loop = at(entry.node, ("for_each",))
        if not isinstance(entry.node, Map) or not isinstance(loop, Map):
            entries[name] = entry
            continue
        keys = {
            key: _items(tree, item.node, ("models", name, "for_each", key), bag) for key, item in loop.entries.items()
        }
        bare = replace(
            entry.node, entries={k: v for k, v in entry.node.entries.items() if k not in ("for_each", "max_parallel")}
        )
        for made, values in _each(name, keys, bag):
            if made in entries or made in models.entries:
                bag.add(_taken(name, made))
            entries[made] = replace(entry, key=made, node=_with(bare, values, (f"models.{name}.", f"models.{made}.")))
    whole = replace(models, entries=entries)
    return replace(tree, entries={**tree.entries, "models": replace(tree.entries["models"], node=whole)})


def _items(tree: Node, node: Node, path: Path, bag: Bag) -> list[Json]:
    if isinstance(node, Seq):
        return list(map(plain, node.items))
    if isinstance(node, Scalar) and isinstance(node.value, str):
        parts, _ = parse(node.value)
        if len(parts) == 1 and isinstance(parts[0], RefSpan) and parts[0].path.startswith("params."):
            declared = at(tree, ("params", parts[0].path.removeprefix("params."), "default"))
            if isinstance(declared, Seq):
                return list(map(plain, declared.items))
    bag.add(
        Diagnostic(
            code="STEP094",
            message="a model's `for_each` needs a list that is known when it is compiled",
            at=Label(path=path),
            help="write the list here, or a parameter whose default is a list; a list made at run time goes on a step",
        )
    )
    return []


def _each(name: str, keys: dict[str, list[Json]], bag: Bag) -> Iterator[tuple[str, dict[str, str]]]:
    for values in itertools.islice(itertools.product(*keys.values()), MOST + 1):
        texts = {key: _text(value) for key, value in zip(keys, values, strict=True)}
        slug = _NOT_A_NAME.sub("-", "-".join(texts.values()).lower()).strip("-") or "item"
        yield f"{name}-{slug}", texts
    count = 1
    for items in keys.values():
        count *= len(items)
    if count > MOST:
        bag.add(
            Diagnostic(
                code="STEP095",
                message=f"this makes {count} models, and at most {MOST} are allowed",
                at=Label(path=("models", name, "for_each"), on="key"),
                help="put `for_each` on the steps instead: one container can loop over its items",
            )
        )


def _text(value: Json) -> str:
    return compact(value) if isinstance(value, (list, dict)) else text_of(value)


def _with(node: Node, values: dict[str, str], own: tuple[str, str]) -> Node:
    """`node` with the item's values for `${each.k}`, and references to the model itself (`own`: old, new) following."""
    if isinstance(node, Map):
        return replace(node, entries={k: replace(e, node=_with(e.node, values, own)) for k, e in node.entries.items()})
    if isinstance(node, Seq):
        return replace(node, items=tuple(_with(item, values, own) for item in node.items))
    if not isinstance(node.value, str):
        return node
    if "${" not in node.value:
        bare = node.value.replace(*own) if node.value.startswith(own[0]) else node.value
        return node if bare == node.value else replace(node, value=bare, text=bare)
    text = ""
    for part in parse(node.value)[0]:
        if isinstance(part, str):
            text += part.replace("${", "$${")
        else:
            key = part.path.removeprefix("each.")
            path = own[1] + part.path.removeprefix(own[0]) if part.path.startswith(own[0]) else part.path
            known = part.path.startswith("each.") and key in values
            text += values[key].replace("${", "$${") if known else f"${{{path}}}"
    return replace(node, value=text, text=text)


def _taken(name: str, made: str) -> Diagnostic:
    return Diagnostic(
        code="STEP093",
        message=f"two models would be called `{made}`",
        at=Label(path=("models", name, "for_each"), on="key"),
        help="give the items names that differ in letters or digits",
    )
