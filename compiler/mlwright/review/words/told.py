"""One environment's changes as sentences, each where its value is set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from mlwright.diag import Label
from mlwright.record import dataclass, replace
from mlwright.review.words import entries, groups
from mlwright.review.words.changes import Change, differences, json
from mlwright.review.words.fields import field_at
from mlwright.review.words.frames import Frame, frame
from mlwright.review.words.values import both, concealed, edits, listed, names, show
from mlwright.source.tree import Json, Node, at, locate
from mlwright.span import Path, Span, dotted

DEFAULTS = "defaults"
LONG = 120
"""Characters from which on only what differs in a text is shown."""
_BENEATH = (DEFAULTS, "extends", "apiVersion", "kind")
"""Keys that are told at what they result in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A sentence before it is put together: `label` and what is said of it, with the values (concealed). `layer` gave
    the value, `rest` is its path below the labelled node."""

    section: str
    label: str
    said: str
    path: Path
    rest: Path = ()
    before: Json = None
    after: Json = None
    span: Span | None = None
    layer: str = ""
    whole: bool = False

    @property
    def text(self) -> str:
        """The sentence, without the section."""
        if not self.label:
            return self.said
        return f"{self.label} {self.said}" if self.whole else f"{self.label}: {self.said}"


def told(before: Node, after: Node, same: set[tuple[int, int]]) -> list[Told]:
    """What differs between two resolved trees of one environment, a sentence for each change, in the order of head.
    `same` is what `differences` remembers between environments."""
    everything = differences(before, after, (), same)
    changes = [change for change in everything if change.path and change.path[0] not in _BENEATH]
    found: list[Told] = []
    for key, some in groupby(changes, key=lambda change: _unit(change, before, after)):
        found += _tell(key, list(some), before, after)
    beneath = [change for change in everything if change.path[:1] == ("defaults",)]
    return [*found, *_unused_defaults(beneath, changes)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unit:
    """What one sentence is about: an entry that came or went, a group, or (neither) a single value."""

    path: Path
    entry: bool = False
    group: bool = False


def _unit(change: Change, before: Node, after: Node) -> _Unit:
    if (entry := entries.whole(change.path, before, after)) is not None:
        return _Unit(path=entry, entry=True)
    found = frame(change.path)
    if (group := groups.group_of(found)) is not None:
        return _Unit(path=change.path[: len(found.root) + group[1]], group=True)
    return _Unit(path=change.path)


def _tell(unit: _Unit, changes: Sequence[Change], before: Node, after: Node) -> Iterator[Told]:
    place = frame(unit.path)
    old, new = (json(at(tree, unit.path), unit.path) for tree in (before, after))
    name = str(unit.path[-1])
    old, new = concealed(old, unit.path), concealed(new, unit.path)
    made = Told(
        section=place.section, label=place.label, said="", path=unit.path, rest=place.rest, before=old, after=new,
        span=_span(unit.path, before, after), layer=_layer(changes),
    )  # fmt: skip
    if unit.entry:
        sentence = entries.sentence(place, old if new is None else new, new is not None)
        yield replace(made, said=sentence, whole=not place.rest)
        return
    group = groups.group_of(place) if unit.group else None
    if group is not None:
        said = group[0].tell(old, new, name)
        if len(changes) == 1 or len({change.span for change in changes}) == 1:
            made = replace(made, span=changes[0].span)
        yield from (replace(made, said=one) for one in said)
        if said:
            return
    for change in changes:
        yield _single(change)


def _span(path: Path, before: Node, after: Node) -> Span | None:
    tree = after if at(after, path) is not None else before
    return locate(tree)(Label(path=path))


def _single(change: Change) -> Told:
    place = frame(change.path)
    old, new = _values(change)
    said = _sentence(place, old, new)
    field = field_at(place)
    default = field.default if field else None
    return Told(
        section=place.section, label=place.label, said=said, path=change.path, rest=place.rest,
        before=default if old is None else old, after=default if new is None else new,
        span=change.span, layer=_layer([change]),
    )  # fmt: skip


def _values(change: Change) -> tuple[Json, Json]:
    old, new = (concealed(json(node, change.path), change.path) for node in (change.before, change.after))
    return old, new


def _layer(changes: Sequence[Change]) -> str:
    """`defaults` where a default changed, and not where an entry left what it said to it."""
    nodes = [node for change in changes for node in (change.before, change.after) if node is not None]
    return DEFAULTS if all(node.layer == DEFAULTS for node in nodes) else changes[0].node.layer.replace(DEFAULTS, "")


def _sentence(place: Frame, old: Json, new: Json) -> str:
    field = field_at(place)
    label = field.label if field else dotted(place.rest)
    kind = field.kind if field else "value"
    default = field.default if field else None
    begin = f"{label}: " if label else ""
    if default is not None and (old is None or new is None) and (default in (old, new)):
        return f"{label} {show(default, kind)} {'written out' if old is None else 'left out'}, which is the default"
    if isinstance(old, list) and isinstance(new, list):
        return begin + listed(old, new)
    if isinstance(old, str) and isinstance(new, str):
        if old == new and "*" in old:
            return f"{label} changed (it is not shown)"
        if max(len(old), len(new)) > LONG:
            return begin + edits(old, new)
    old, new = (default if value is None else value for value in (old, new))
    if isinstance(new, bool) and kind == "flag":
        return f"{label} turned {show(new, kind)}"
    if old is None:
        return f"{label} set to {show(new, kind)}"
    if new is None:
        return f"{label} removed (was {show(old, kind)})"
    first, second = both(old, new, kind)
    return f"{begin if not field else label + ' '}{first} -> {second}" + _growth(place, old, new)


def _growth(place: Frame, old: Json, new: Json) -> str:
    what = groups.FACTORS.get(tuple(map(str, place.rest)))
    if what is None or not isinstance(old, (int, float)) or not isinstance(new, (int, float)):
        return ""
    much = groups.times(old, new)
    return f", {much} {what}" if much else ""


def at_their_source(found: Sequence[Told]) -> Iterator[Told]:
    """Sentences of one environment that say the same of several nodes, because all have it from one place, as one:
    anchors, what trials take over from training, a notebook that is `like` a step."""
    same: dict[object, list[Told]] = {}
    for item in found:
        alone = item.span is None or item.layer == DEFAULTS
        same.setdefault(id(item) if alone else (item.span, item.rest, item.said), []).append(item)
    for some in same.values():
        first, *others = sorted(some, key=_is_trial)
        labels = ["trials" if _is_trial(item) else item.label or item.section for item in others]
        if not labels:
            yield first
        elif len({item.section for item in some}) == 1 and first.label and not first.whole:
            yield replace(first, label=names([first.label, *labels]))
        else:
            yield replace(first, said=f"{first.said} ({names(labels)}, too)")


def of_defaults(found: Sequence[tuple[str, Told]]) -> Iterator[tuple[list[str], Told]]:
    """Sentences that come from `defaults`, which stand for all nodes and environments that take them over: one each."""
    same: dict[object, list[tuple[str, Told]]] = {}
    for environment, item in found:
        same.setdefault((item.span, item.rest, item.said), []).append((environment, item))
    for some in same.values():
        first = some[0][1]
        labels = dict.fromkeys("trials" if _is_trial(item) else item.label or item.section for _, item in some)
        path: Path = (DEFAULTS, "serving" if first.section == "serving" else "steps", *first.rest)
        told_once = replace(first, section=DEFAULTS, path=path, label=names(list(labels)), whole=False)
        yield list(dict.fromkeys(environment for environment, _ in some)), told_once


def _is_trial(item: Told) -> bool:
    return item.path[:2] == ("tuning", "trial") or item.path[2:4] == ("tuning", "trial")


def _unused_defaults(beneath: Sequence[Change], changes: Sequence[Change]) -> Iterator[Told]:
    """Changes of `defaults` that nothing takes over: told where they stand."""
    for change in beneath:
        rest = change.path[2:]
        if rest and any(item.path[-len(rest) :] == rest or _around(item.path, rest) for item in changes):
            continue
        old, new = _values(change)
        yield Told(
            section=DEFAULTS, label=str((*change.path, "")[1]), said=f"{_sentence_of(change)} (nothing takes it over)",
            path=change.path, before=old, after=new, span=change.span,
        )  # fmt: skip


def _around(path: Path, rest: Path) -> bool:
    """Whether `path` ends with a beginning of `rest`: the value around it differs as a whole."""
    return any(path[-length:] == rest[:length] for length in range(1, len(rest)))


def _sentence_of(change: Change) -> str:
    root: Path = ("steps", "any") if change.path[1:2] != ("serving",) else ("serving", "any")
    place = frame((*root, *change.path[2:]))
    return _sentence(place, *_values(change))
