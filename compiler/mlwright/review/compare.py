"""Two outputs compared by what they mean: object by object and field by field, never line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from mlwright.emit.kube import kustomize
from mlwright.emit.kube.names import DIGITS
from mlwright.emit.map import origin_of
from mlwright.record import dataclass
from mlwright.regex import lazy
from mlwright.review.fields import Difference, Neutral, differences, shown
from mlwright.review.lasting import RUN_ONCE, is_immutable
from mlwright.review.model import Action, FieldChange, ObjectChange
from mlwright.span import Path
from mlwright.target import Document, ListKeys, TextFile

Emitted = Sequence[tuple[str, Sequence[Document | TextFile]]]
_HASHED = lazy(rf"(.+)-[0-9a-f]{{{DIGITS}}}")
_COMPOSE = {"services": "service", "volumes": "volume", "networks": "network"}
_IDENTITY = ("apiVersion", "kind", "metadata")
_BRIEF = 500
"""Characters of a text in an object that is new or gone: all of it is in the output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Object:
    """An object where it stands: `at` is its place in the document `item`. `stem` is its name without the digest of
    its content. `data` is a text where it is a text file."""

    target: str
    item: Document | TextFile
    kind: str
    name: str
    stem: str
    data: Any
    group: str = ""
    namespace: str = ""
    at: Path = ()

    @property
    def file(self) -> str:
        return f"{self.target}/{self.item.path}" if self.target else self.item.path

    @property
    def key(self) -> tuple[str, ...]:
        return (self.group, self.kind, self.namespace, self.stem)


def compare(
    base: Emitted,
    head: Emitted,
    *,
    list_keys: Callable[[str], ListKeys] = lambda target: {},
    digests: tuple[str, str] = ("", ""),
) -> tuple[ObjectChange, ...]:
    """What is added, changed, replaced and removed between two outputs of one environment, by file. `list_keys` gives
    the keys of a target's lists; `digests` are those of both programs, which stand in many objects and say nothing of
    their own. An object in which only such digests, or names that follow another object's content, differ is one
    that `follows`."""
    before, after = _objects(base), _objects(head)
    neutral = Neutral([*_renamed(before, after), *((digests,) if all(digests) else ())])
    found: list[ObjectChange] = []
    for key in [*before, *(key for key in after if key not in before)]:
        old, new = before.get(key), after.get(key)
        if old is None and new is not None:
            found.append(_whole("add", new))
        elif new is None and old is not None:
            found.append(_whole("remove", old))
        elif old is not None and new is not None and (change := _changed(old, new, list_keys, neutral)):
            found.append(change)
    return tuple(sorted(found, key=lambda one: (one.file, one.kind, one.name)))


def _objects(emitted: Emitted) -> dict[tuple[str, ...], _Object]:
    found: dict[tuple[str, ...], _Object] = {}
    for target, items in emitted:
        for item in items:
            for one in _within(target, item):
                found[one.key if one.key not in found else (*one.key, one.file)] = one
    return found


def _within(target: str, item: Document | TextFile) -> Iterator[_Object]:
    """The objects of one file: one of Kubernetes, the services and volumes of Compose, else the file itself."""
    path = f"{target}/{item.path}" if target else item.path
    if isinstance(item, TextFile):
        yield _Object(target=target, item=item, kind="", name=path, stem=path, data=item.text)
        return
    data = item.data
    about = data.get("metadata")
    if isinstance(data.get("apiVersion"), str) and isinstance(about, dict) and isinstance(about.get("name"), str):
        kind, name = str(data.get("kind")), about["name"]
        hashed = _HASHED.fullmatch(name)
        yield _Object(
            target=target,
            item=item,
            kind=kind,
            name=name,
            stem=f"{hashed[1]}@" if hashed and name not in item.path else name,
            data=data,
            group=data["apiVersion"].rpartition("/")[0] or "core",
            namespace=str(about.get("namespace") or ""),
        )
    elif isinstance(data.get("services"), dict):
        for section, kind in _COMPOSE.items():
            for name, value in (data.get(section) or {}).items():
                at = (section, name)
                yield _Object(target=target, item=item, kind=kind, name=name, stem=name, data=value, group=path, at=at)
        rest = {key: value for key, value in data.items() if key not in _COMPOSE}
        yield _Object(target=target, item=item, kind="", name=path, stem=path, data=rest)
    elif item.path.rpartition("/")[2] != kustomize.NAME or data.get("kind") != "Kustomization":
        yield _Object(target=target, item=item, kind="", name=path, stem=path, data=data)


def _renamed(
    before: Mapping[tuple[str, ...], _Object], after: Mapping[tuple[str, ...], _Object]
) -> Iterator[tuple[str, str]]:
    for key, old in before.items():
        new = after.get(key)
        if new is not None and new.name != old.name:
            yield old.name, new.name


def _whole(action: Action, one: _Object) -> ObjectChange:
    """An object that only one side has, with its sections as fields."""
    added = action == "add"
    sections: dict[str, Any] = one.data if isinstance(one.data, dict) else {}
    fields = tuple(
        FieldChange(
            path=(key,),
            before=None if added else shown(value, key, _BRIEF),
            after=shown(value, key, _BRIEF) if added else None,
            added=added,
            removed=not added,
            origin=_origin(one, (key,)),
        )
        for key, value in sections.items()
        if not one.kind or key not in _IDENTITY
    )
    return _change(action, one, fields=fields)


def _changed(old: _Object, new: _Object, list_keys: Callable[[str], ListKeys], neutral: Neutral) -> ObjectChange | None:
    renamed = old.name != new.name
    found: list[Difference] = []
    follows = renamed
    for one in differences(old.data, new.data, list_keys(new.target), new.at, neutral):
        if one.echo:
            follows = True
        elif not (renamed and one.path == ("metadata", "name")):
            found.append(one)
    if not found and not follows:
        return None
    fields = tuple(
        FieldChange(
            path=one.path,
            before=one.before,
            after=one.after,
            added=one.added,
            removed=one.removed,
            origin=_origin(old if one.removed else new, one.place),
        )
        for one in found
    )
    action: Action = "change"
    if renamed:
        action = "replace" if new.kind in RUN_ONCE else "change"
    elif any(is_immutable(new.kind, one.place, old.data) for one in found):
        action = "replace"
    return _change(action, new, was=old.name if renamed else "", fields=fields, follows=not fields)


def _change(
    action: Action, one: _Object, *, fields: tuple[FieldChange, ...], was: str = "", follows: bool = False
) -> ObjectChange:
    return ObjectChange(
        action=action,
        target=one.target,
        file=one.file,
        kind=one.kind,
        name=one.name,
        namespace=one.namespace,
        was=was,
        fields=fields,
        follows=follows,
    )


def _origin(one: _Object, place: Path) -> Path:
    origin = origin_of(one.item, (*one.at, *place))
    return origin.path if origin is not None else ()
