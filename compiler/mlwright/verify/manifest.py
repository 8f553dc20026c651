"""Kubernetes objects among emitted documents, with those that are written inside of others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field
from functools import wraps
from typing import Any, NamedTuple, ParamSpec, TypeVar

from mlwright.diag import Diagnostic
from mlwright.emit.kube.names import DIGITS, HASH
from mlwright.emit.shared import KINDS
from mlwright.record import dataclass
from mlwright.span import Path
from mlwright.target import Document, TextFile
from mlwright.verify.shape import mapping, word

Emitted = Sequence[tuple[str, Sequence[Document | TextFile]]]

NOT_APPLIED = ("kustomize.config.k8s.io/",)
"""Beginnings of API versions of files that only look like objects."""
_DIGEST = re.compile(rf"-[0-9a-f]{{{DIGITS}}}$")
"""The end of a name that follows its object's content: no one knows an object by it."""
_TEXTS = frozenset({"manifest"})
"""Keys whose text is an object: Argo's `resource.manifest`."""
POD_PATCH = "podSpecPatch"
"""A key whose text is part of a pod's spec, which Argo merges into pods of its own."""


class Place(NamedTuple):
    """A value in a document: its `path` from the document's root, and the mapping that holds it."""

    path: Path
    value: Any
    holder: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Manifest:
    """One object. `at` is where it is in `document`, `outer` the object that it is written inside of. `name` is empty
    where it is given one at run time, `namespace` its own, else that of what it is in, and empty for none. `places` has
    the values of all keys that were asked for, by key, without those of objects inside; `size` is about the number of
    bytes that the object takes, with what is inside."""

    target: str
    document: Document
    at: Path
    data: dict[str, Any]
    outer: Manifest | None = None
    places: dict[str, list[Place]] = field(default_factory=dict)
    size: int = 0
    kind: str = field(init=False)
    metadata: dict[str, Any] = field(init=False)
    name: str = field(init=False)
    namespace: str = field(init=False)

    def __post_init__(self) -> None:
        self.kind = str(self.data["kind"])
        self.metadata = mapping(self.data.get("metadata"))
        self.name = word(self.metadata.get("name"))
        own = word(self.metadata.get("namespace"))
        self.namespace = own or (self.outer.namespace if self.outer is not None else "")

    @property
    def api(self) -> str:
        """Group and version."""
        return str(self.data["apiVersion"])

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        return self.api.rpartition("/")[0]

    @property
    def spec(self) -> dict[str, Any]:
        return mapping(self.data.get("spec"))

    @property
    def settled(self) -> str:
        """Its name as far as rules go that only ask for a form: with some digest where it waits for its own."""
        return f"{self.name.removesuffix(HASH)}-{'0' * DIGITS}" if self.name.endswith(HASH) else self.name

    def labels(self) -> dict[str, Any]:
        """Its labels."""
        return mapping(self.metadata.get("labels"))

    def places_of(self, *keys: str) -> Iterable[Place]:
        """The values of these keys, wherever they are in the object."""
        for key in keys:
            yield from self.places.get(key, ())

    def __str__(self) -> str:
        name = self.name or str(self.metadata.get("generateName", ""))
        title = f"{self.kind} {_DIGEST.sub('', name)}".rstrip()
        return title if self.outer is None else f"{title} (inside {self.outer})"


Rule = Callable[[Manifest, Place], Iterator[Diagnostic]]
Asked = ParamSpec("Asked")
Found = TypeVar("Found")


def of_value(rule: Callable[Asked, Iterator[Found]]) -> Callable[Asked, Iterator[Found]]:
    """A rule that goes by nothing but the value of the place which is its last argument: where documents share that
    and there is nothing to say of it, it is asked once."""

    @wraps(rule)
    def found(*args: Asked.args, **named: Asked.kwargs) -> Iterator[Found]:
        value = args[-1].value  # type: ignore[attr-defined]
        if type(value) not in KINDS:
            return rule(*args, **named)
        if rule in value.made:
            return iter(())
        findings = list(rule(*args, **named))
        if not findings:
            value.made[rule] = True
        return iter(findings)

    return found


def gather(emitted: Emitted, keys: frozenset[str]) -> list[Manifest]:
    """Every object of the documents, outer ones before those inside of them; their `places` have `keys`."""
    found: list[Manifest] = []
    whole, bare = _Walker(keys), _Walker(frozenset())
    for target, items in emitted:
        for item in items:
            if isinstance(item, Document) and _is_manifest(item.data):
                _start(Manifest(target=target, document=item, at=(), data=item.data), whole, bare, found)
    return found


def is_open(text: str) -> bool:
    """Whether an engine puts something into the text before it counts."""
    return "{{" in text or "${" in text or "$(" in text


def _is_manifest(value: dict[str, Any]) -> bool:
    """An object has a type, and metadata or a body: without them it is a reference to one."""
    api = value.get("apiVersion")
    return (
        isinstance(api, str)
        and isinstance(value.get("kind"), str)
        and ("metadata" in value or "spec" in value)
        and not api.startswith(NOT_APPLIED)
    )


def _start(manifest: Manifest, whole: _Walker, bare: _Walker, found: list[Manifest]) -> None:
    """Go through one object, up to objects inside of it, which come after it. What a ConfigMap or Secret holds is its
    own affair, up to the next object in it."""
    found.append(manifest)
    at, data = manifest.at, manifest.data
    inner: list[tuple[Path, Any]] = []
    if manifest.kind in ("ConfigMap", "Secret"):
        size = whole.walk(manifest.metadata, (*at, "metadata"), manifest.places, inner)
        size += bare.walk({key: item for key, item in data.items() if key != "metadata"}, at, {}, inner)
    else:
        size = whole.walk(data, at, manifest.places, inner)
    for path, value in inner:
        inside = Manifest(target=manifest.target, document=manifest.document, at=path, data=value, outer=manifest)
        _start(inside, whole, bare, found)
        size += inside.size
    manifest.size = size


class _Walker:
    """Goes through objects for the places of `keys`; through parts that documents share once."""

    def __init__(self, keys: frozenset[str]) -> None:
        self._keys = keys
        self._shared: dict[int, tuple[dict[str, list[Place]], int]] = {}

    def walk(self, root: Any, at: Path, places: dict[str, list[Place]], inner: list[tuple[Path, Any]]) -> int:
        """Put the places of the keys below `root` into `places` and the objects in it into `inner`; its size."""
        keys, size = self._keys, 0
        waiting: list[tuple[Path, Any]] = [(at, root)]
        for path, value in waiting:
            size += 2
            for key, item in value.items() if isinstance(value, dict) else enumerate(value):
                if isinstance(item, str):
                    size += len(item) + 3
                    if key in _TEXTS and "apiVersion" in item and isinstance(inside := parsed(item), dict):
                        (inner if "kind" in inside and _is_manifest(inside) else waiting).append(((*path, key), inside))
                elif type(item) in KINDS:
                    size += self._known((*path, key), item, places)
                elif isinstance(item, dict):
                    (inner if "kind" in item and _is_manifest(item) else waiting).append(((*path, key), item))
                elif isinstance(item, (list, tuple)):
                    waiting.append(((*path, key), item))
                else:
                    size += 8
                if isinstance(key, str):
                    size += len(key) + 4
                    if key in keys:
                        places.setdefault(key, []).append(Place((*path, key), item, value))
        return size

    def _known(self, at: Path, part: Any, places: dict[str, list[Place]]) -> int:
        """`walk` of a shared part, which is never an object."""
        if id(part) not in self._shared:
            below: dict[str, list[Place]] = {}
            self._shared[id(part)] = (below, self.walk(part, (), below, []))
        below, size = self._shared[id(part)]
        for key, found in below.items():
            places.setdefault(key, []).extend([Place((*at, *path), value, holder) for path, value, holder in found])
        return size


def parsed(text: str) -> Any:
    """What the text is as YAML or JSON; None where only an engine can tell."""
    import json

    import yaml

    try:
        if text.lstrip().startswith("{"):
            return json.loads(text)
        loaded = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        return json.loads(json.dumps(loaded, default=str))  # as Go reads it: keys are text, dates too
    except (ValueError, yaml.YAMLError, TypeError):
        return None
