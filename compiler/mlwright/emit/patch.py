"""The escape hatch: patches of emitted documents, addressed by what they came from and never by an emitted name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import field
from types import MappingProxyType
from typing import Any, Protocol

from mlwright.diag import Bag, Diagnostic, Label
from mlwright.emit.merge import Merge
from mlwright.emit.operations import OperationError, apply
from mlwright.ir import Origin, Patch, Project
from mlwright.record import dataclass, replace
from mlwright.source.secrets_text import names_secret, shape
from mlwright.span import Path, dotted
from mlwright.target import Document, Part, Target, TextFile

Emitted = Sequence[tuple[str, Sequence[Document | TextFile]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One path of an emitted document that a patch set or removed; `at` is where the patch says so."""

    target: str
    document: str
    path: Path
    patch: str
    at: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Patched:
    """What came of it. Where `findings` has an error, `emitted` is only good for showing."""

    emitted: list[tuple[str, list[Document | TextFile]]]
    changes: tuple[Change, ...]
    findings: Bag


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    target: Target
    document: str
    part: Part


@dataclass(slots=True, kw_only=True)
class _State:
    documents: dict[tuple[str, str], Document]
    is_secret: Callable[[str, str], bool]
    changes: list[Change] = field(default_factory=list)
    bag: Bag = field(default_factory=Bag)


class Targets(Protocol):
    """Gives a target by name, as the registry does."""

    def get(self, name: str) -> Target: ...


def apply_patches(
    project: Project, emitted: Emitted, targets: Targets, versions: Mapping[str, str] = MappingProxyType({})
) -> tuple[list[tuple[str, list[Document | TextFile]]], Bag]:
    """`apply_all` for a project's own patches, without the list of changes."""
    done = apply_all(emitted, project.patches, targets.get, versions=versions, is_secret=_is_secret)
    return done.emitted, done.findings


def _is_secret(name: str, text: str) -> bool:
    return shape(text) is not None or names_secret(name, text)


def apply_all(
    emitted: Emitted,
    patches: Iterable[Patch],
    target: Callable[[str], Target],
    *,
    versions: Mapping[str, str],
    is_secret: Callable[[str, str], bool] = _is_secret,
) -> Patched:
    """Every patch in turn, by name; two of them never touch one path, so the order changes nothing.

    `target` gives a target by name, `versions` the platform's systems, `is_secret` (key, text) knows a secret literal.
    """
    patches = sorted(patches, key=lambda item: item.name)
    if not patches:
        return Patched(emitted=[(name, list(items)) for name, items in emitted], changes=(), findings=Bag())
    documents = {(name, item.path): item for name, items in emitted for item in items if isinstance(item, Document)}
    state = _State(documents=documents, is_secret=is_secret)
    places = [
        _Place(target=target(name), document=document.path, part=part)
        for (name, _), document in documents.items()
        for part in document.parts
    ]
    for patch in patches:
        state.bag.extend(_until(patch, versions))
        for place in _matching(patch, places, state.bag):
            _apply(patch, place, state)
    state.bag.extend(_conflicts(state.changes))
    result = [
        (name, [state.documents.get((name, item.path), item) if isinstance(item, Document) else item for item in items])
        for name, items in emitted
    ]
    return Patched(emitted=result, changes=tuple(state.changes), findings=state.bag)


def _matching(patch: Patch, places: list[_Place], bag: Bag) -> list[_Place]:
    found = [place for place in places if (place.part.node, place.part.kind) == (patch.node, patch.kind)]
    at = Label(path=(*patch.origin.path, "on"), on="key", text="addressed here")
    if not found:
        bag.add(
            Diagnostic(
                code="PATCH001",
                message=f"no `{patch.kind}` was made for `{patch.node}`",
                at=at,
                help=_existing(patch, places),
            )
        )
    elif len(found) > 1 and not patch.all:
        bag.add(
            Diagnostic(
                code="PATCH002",
                message=f"`{patch.node}` became {len(found)} objects of kind `{patch.kind}`",
                at=at,
                help="write `all: true` to change every one of them",
            )
        )
        return []
    return found


def _existing(patch: Patch, places: list[_Place]) -> str:
    kinds = list(dict.fromkeys(place.part.kind for place in places if place.part.node == patch.node))
    if kinds:
        return f"`{patch.node}` became: {', '.join(kinds)}"
    nodes = list(dict.fromkeys(place.part.node for place in places if place.part.kind == patch.kind))
    if nodes:
        return f"there is a `{patch.kind}` for: {', '.join(nodes)}"
    every = list(dict.fromkeys(f"{place.part.node} ({place.part.kind})" for place in places))
    return f"there is: {', '.join(every)}" if every else "nothing was emitted that could be patched"


def _apply(patch: Patch, place: _Place, state: _State) -> None:
    key = (place.target.name, place.document)
    document = state.documents[key]
    old = _value(document.data, place.part.at)
    try:
        new, touched = _changed(patch, place, old)
    except OperationError as error:
        at = (*patch.origin.path, "ops", error.index)
        state.bag.add(
            Diagnostic(code="PATCH006", message=f"the patch `{patch.name}` fails: {error}", at=Label(path=at))
        )
        return
    found = _check(patch, place, document, touched, new, state.is_secret)
    state.bag.extend(found)
    if new == old:
        state.bag.add(_no_effect(patch))
        return
    if found.failed:
        return
    origins = dict(document.origins)
    for path, at in touched:
        origins = {known: origin for known, origin in origins.items() if known == path or known[: len(path)] != path}
        origins[path] = Origin(path=at, kind=patch.origin.kind, by=patch.origin.by or "patch")
        state.changes.append(
            Change(target=place.target.name, document=place.document, path=path, patch=patch.name, at=at)
        )
    state.documents[key] = replace(document, data=_with(document.data, place.part.at, new), origins=origins)


def _changed(patch: Patch, place: _Place, old: Any) -> tuple[Any, list[tuple[Path, Path]]]:
    """The new value of the part, and (path in the document, path in the spec) of what was touched."""
    if patch.ops:
        operations = [operation for operation in patch.ops if isinstance(operation, dict)]
        new, paths = apply(old, operations)
        return new, [((*place.part.at, *path), (*patch.origin.path, "ops", index)) for path, index in paths]
    merge = Merge(list_keys=place.target.list_keys)
    new = merge.into(old, patch.merge, place.part.at, (*patch.origin.path, "merge"))
    return new, merge.touched


def _check(
    patch: Patch,
    place: _Place,
    document: Document,
    touched: Iterable[tuple[Path, Path]],
    new: Any,
    is_secret: Callable[[str, str], bool],
) -> Bag:
    bag = Bag()
    for path, at in touched:
        bag.extend(_protected(patch, place.target, document, path, at))
        bag.extend(_known(patch, place.target, document, path, at))
        bag.extend(_secrets(patch, new, path[len(place.part.at) :], at, is_secret))
    return bag


def _protected(patch: Patch, target: Target, document: Document, path: Path, at: Path) -> Iterator[Diagnostic]:
    for part in document.parts:
        for item in target.protected:
            if item.kind == part.kind and _overlap(path, part.at, item.path):
                yield Diagnostic(
                    code="PATCH004",
                    message=f"the patch `{patch.name}` changes `{'.'.join(item.path)}` of `{part.node}`: {item.why}",
                    at=Label(path=at),
                    help="leave it as it is; a field of the specification may do what you want",
                )
                return


def _overlap(path: Path, base: Path, pattern: tuple[str, ...]) -> bool:
    """Whether `path` is at, above or below `pattern` under `base`."""
    full = (*base, *pattern)
    fixed = len(base)
    return all(
        want == part or (position >= fixed and want == "*")
        for position, (want, part) in enumerate(zip(full, path, strict=False))
    )


def _known(patch: Patch, target: Target, document: Document, path: Path, at: Path) -> Iterator[Diagnostic]:
    for part in document.parts:
        for item in target.known_fields:
            deep = len(part.at) + len(item.path)
            if item.kind == part.kind and len(path) >= deep and _overlap(path, part.at, item.path):
                yield Diagnostic(
                    code="PATCH008",
                    severity="warning",
                    message=f"the patch `{patch.name}` sets what `{item.field}` of `{part.node}` says",
                    at=Label(path=at),
                    help=f"set `{item.field}` instead: it works on every platform",
                )
                return


def _secrets(
    patch: Patch, new: Any, path: Path, at: Path, is_secret: Callable[[str, str], bool]
) -> Iterator[Diagnostic]:
    name, value = next((part for part in reversed(path) if isinstance(part, str)), ""), _reach(new, path)
    if name == "value" and isinstance(holder := _reach(new, path[:-1]), dict):
        name = str(holder.get("name", name))
    for key, text in _texts(name, value):
        if not text.startswith("${") and is_secret(key, text):
            yield Diagnostic(
                code="PATCH005",
                message=f"the patch `{patch.name}` writes a secret into `{key}`",
                at=Label(path=at, on="key" if isinstance(at[-1], str) else "value"),
                help="declare it under `secrets` and refer to it; take this value back, it is known now",
            )
            return


def _texts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        entry = value.get("name")
        for key, item in value.items():
            # An environment entry of Kubernetes says the variable's name beside its value.
            yield from _texts(entry if key == "value" and isinstance(entry, str) else key, item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(name, item)


def _no_effect(patch: Patch) -> Diagnostic:
    return Diagnostic(
        code="PATCH007",
        severity="warning",
        message=f"the patch `{patch.name}` changes nothing: what it says is so already",
        at=Label(path=patch.origin.path, on="key"),
        help="remove it",
    )


def _until(patch: Patch, versions: Mapping[str, str]) -> Iterator[Diagnostic]:
    for system, limit in patch.until:
        running = versions.get(system) or versions.get(f"kubeflow.{system}", "")
        if running and _numbers(running) >= _numbers(limit):
            yield Diagnostic(
                code="PATCH009",
                severity="warning",
                message=f"the patch `{patch.name}` was meant for {system} before {limit}; {running} runs here",
                at=Label(path=(*patch.origin.path, "until", system), on="key"),
                help="see whether it is still needed, then remove it or raise `until`",
            )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def _conflicts(changes: list[Change]) -> Iterator[Diagnostic]:
    told: set[tuple[str, str]] = set()
    for number, one in enumerate(changes):
        for other in changes[:number]:
            pair = (other.patch, one.patch)
            same = (one.target, one.document) == (other.target, other.document)
            shared = min(len(one.path), len(other.path))
            if same and one.patch != other.patch and pair not in told and one.path[:shared] == other.path[:shared]:
                told.add(pair)
                yield Diagnostic(
                    code="PATCH003",
                    message=f"the patches `{other.patch}` and `{one.patch}` both change `{dotted(one.path[:shared])}`",
                    at=Label(path=one.at, text="changed here"),
                    related=(Label(path=other.at, text="and here"),),
                    help="make one patch of the two",
                )


def _value(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data


def _reach(data: Any, path: Path) -> Any:
    """The value at `path`, None where a patch removed it."""
    try:
        return _value(data, path)
    except (LookupError, TypeError):
        return None


def _with(data: Any, path: Path, value: Any) -> Any:
    """`data` with another value at `path`, as a copy along the way."""
    if not path:
        return value
    result: Any = copy(data)
    result[path[0]] = _with(data[path[0]], path[1:], value)
    return result
