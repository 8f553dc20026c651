"""What each layer of a project says of one value, the weakest first: found by reading the layers again, one by one."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Literal

from mlwright.record import dataclass, replace
from mlwright.source import overlay
from mlwright.source.files import FileTree
from mlwright.source.load import load_file
from mlwright.source.secrets_text import conceal, names_secret
from mlwright.source.tree import Entry, Map, Node, Scalar, Seq, at, child, plain, text_of
from mlwright.span import Path, Span, dotted

Says = Literal["sets", "removes", "replaces"]
"""`replaces`: it says something else of a mapping around the value, which then is without it."""

FILE = "the file"
"""The name of the layer that is the project file itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One place that says something of a value.

    `name` is `the file`, one that it extends (`../base.yaml`), or the section (`defaults.steps`, `environments.prod`)
    with the file that it is in; `path` is where the layer says it. `text` is the value on one line, secrets concealed,
    "" where it is removed. `wins` is true of the one that the environment gets.
    """

    name: str
    path: Path
    says: Says
    span: Span
    text: str = ""
    wins: bool = False


class Layers:
    """The layers of one project file, read once."""

    def __init__(self, files: FileTree, spec: str) -> None:
        self._files = files
        self._spec = spec

    @cached_property
    def _files_of(self) -> tuple[tuple[str, Node], ...]:
        tree, _ = load_file(self._files, self._spec)
        found = [] if tree is None else overlay.layers(tree, self._spec, self._files)
        return tuple((layer.removeprefix("extends:") or self._spec, node) for layer, node in found)

    def of(self, path: Path, environment: str, tree: Node) -> tuple[Layer, ...]:
        """The chain of the value at `path` of an environment, whose own merged `tree` says which layer wins."""
        found: list[Layer] = []
        winner: Layer | None = None
        for place in (*reversed(_beneath(path, tree)), path):
            some = list(self._at(self._written(place, tree), environment))
            winner = some[-1] if some and some[-1].says == "sets" else winner
            sets = next((number for number, item in enumerate(some) if item.says == "sets"), len(some))
            found += [item for number, item in enumerate(some) if number >= sets or item.says == "removes"]
        given = at(tree, path) is not None
        return tuple(replace(item, wins=given and item is winner) for item in found)

    def _at(self, path: Path, environment: str) -> Iterator[Layer]:
        kinds: dict[Path, object] = {}
        own = path[:2] == ("environments", environment)
        for name, node in self._files_of:
            layer = dotted(path[:2]) if own or path[:1] == ("defaults",) else ""
            yield from _says(_of(layer, self._name(name)), node, path, path, kinds)
        if own or path[:1] in ((), *((key,) for key in overlay.FIXED_FIELDS)):
            return
        for name, node in self._files_of:
            section = at(node, ("environments", environment))
            if section is not None:
                layer = f"environments.{environment}" + (f".{dotted(path[:2])}" if path[:1] == ("defaults",) else "")
                place = ("environments", environment, *path)
                yield from _says(_of(layer, self._name(name)), section, path, place, kinds)

    def _name(self, file: str) -> str:
        """A file as the project's own folder sees it, "" for the project file."""
        return "" if file == self._spec else posixpath.relpath(file, posixpath.dirname(self._spec) or ".")

    def _written(self, path: Path, tree: Node) -> Path:
        """`path` as the file has it: a model that `for_each` made is written under another name."""
        if path[:1] != ("models",) or len(path) < 2 or any(at(node, path[:2]) for _, node in self._files_of):
            return path
        models = at(tree, ("models",))
        made = models.entries.get(str(path[1])) if isinstance(models, Map) else None
        for _, node in self._files_of:
            for section in (at(node, ("models",)), *_overlaid(node)):
                for key, entry in section.entries.items() if isinstance(section, Map) else ():
                    if made is not None and entry.key_span == made.key_span:
                        return ("models", key, *path[2:])
        return path


def _of(layer: str, file: str) -> str:
    """`environments.prod`, `environments.prod of base.yaml`, `base.yaml`, `the file`."""
    return f"{layer} of {file}" if layer and file else layer or file or FILE


def _overlaid(node: Node) -> Iterator[Node | None]:
    environments = at(node, ("environments",))
    for entry in environments.entries.values() if isinstance(environments, Map) else ():
        yield at(entry.node, ("models",))


def _says(name: str, tree: Node, path: Path, shown: Path, kinds: dict[Path, object]) -> Iterator[Layer]:
    """What one layer says of `path`, which it may do by what it says of a mapping around it. `kinds` are the types of
    mappings that the layers before gave: a mapping of another type takes the place of the whole."""
    node: Node = tree
    entry: Entry | None = None
    for depth, part in enumerate(path):
        here = path[:depth]
        kind = at(node, ("type",)) if isinstance(node, Map) else None
        if isinstance(kind, Scalar) and kind.value is not None:
            changed = kinds.get(here, kind.value) != kind.value
            kinds[here] = kind.value
            if changed and at(node, path[depth:]) is None:
                yield _layer(name, shown[: len(shown) - len(path) + depth], "replaces", node, entry)
                return
        below = child(node, part)
        if below is None:
            if isinstance(node, (Scalar, Seq)) and depth:
                says: Says = "removes" if isinstance(node, Scalar) and node.value is None else "replaces"
                yield _layer(name, shown[: len(shown) - len(path) + depth], says, node, entry)
            return
        entry = node.entries[part] if isinstance(node, Map) and isinstance(part, str) else None
        node = below
    removed = isinstance(node, Scalar) and node.value is None
    yield _layer(name, shown, "removes" if removed else "sets", node, entry)


def _layer(name: str, path: Path, says: Says, node: Node, entry: Entry | None) -> Layer:
    span = node.span
    if entry is not None and ((span.line, span.col) == (span.end_line, span.end_col) or span.line != span.end_line):
        span = entry.key_span  # an empty value, or one over several lines, is shown by its key
    return Layer(name=name, path=path, says=says, span=span, text="" if says == "removes" else shown(node, path))


def shown(node: Node, path: Path) -> str:
    """A value on one line as a person writes it, with what looks like a secret as stars."""
    if isinstance(node, Scalar):
        text = node.text if isinstance(node.value, str) else text_of(node.value)
        named = isinstance(node.value, str) and names_secret(str(path[-1]) if path else "", text)
        return "*" * 8 if named else conceal(" ".join(text.split()))
    from mlwright.emit.json import canonical

    return conceal(canonical(plain(node)))


def _beneath(path: Path, tree: Node) -> tuple[Path, ...]:
    """Where a value comes from that the entry itself does not give, the nearest first: training for a trial, then the
    defaults of all steps or endpoints; the step that a notebook is `like`."""
    found: list[Path] = []
    above: Path = path[:2] if path[:1] == ("models",) else ()
    rest = path[len(above) :]
    if rest[:2] == ("tuning", "trial") and len(rest) > 2 and rest[2] != "gates":
        rest = ("training", *rest[2:])
        found.append((*above, *rest))
    if rest[:1] == ("notebooks",) and len(rest) > 2 and rest[2] in ("image", "env"):
        like = at(tree, (*rest[:2], "like"))
        if isinstance(like, Scalar) and isinstance(like.value, str):
            above, rest = (), (*like.value.split("."), *rest[2:])
            found.append(rest)
            if rest[:1] == ("models",):
                rest = rest[2:]
    size = 1 if rest[:1] in (("training",), ("evaluation",)) else 2 if rest[:1] in (("steps",), ("serving",)) else 0
    if rest[size:] == ("timeout",) and at(tree, (*above, *rest[:size], "distributed")) is not None:
        return tuple(found)  # a default is not meant for what is spread
    if size and len(rest) > size and at(tree, (*above, *rest[:size])) is not None:
        found.append(("defaults", "serving" if rest[:1] == ("serving",) else "steps", *rest[size:]))
    return tuple(found)


def parse(text: str) -> Path | None:
    """`steps.a.command[0]` as a path; None for what is no path."""
    parts: list[str | int] = []
    for piece in text.split("."):
        name, *places = piece.split("[")
        if not name and not (places and not parts):
            return None
        if name:
            parts.append(name)
        for place in places:
            if not place.endswith("]") or not place[:-1].isdigit():
                return None
            parts.append(int(place[:-1]))
    return tuple(parts)


def written(path: Path) -> str:
    """A path as people type it; the file as such is `.`."""
    return dotted(path) or "."


def table(layers: Sequence[Layer]) -> str:
    """The chain as aligned lines, the winner marked."""
    rows = [
        (
            "*" if item.wins else " ",
            item.name,
            {"sets": item.text, "removes": "removed", "replaces": f"replaced by {item.text}"}[item.says],
            str(item.span),
        )
        for item in layers
    ]
    names = max((len(row[1]) for row in rows), default=0)
    return "\n".join(f"{mark} {name:<{names}}  {place}  {text}".rstrip() for mark, name, text, place in rows)
