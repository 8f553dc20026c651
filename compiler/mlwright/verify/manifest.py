"""Kubernetes objects among emitted documents, with those that are written inside of others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import Any

from mlwright.emit.kube.names import DIGITS
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
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


def gather(emitted: Emitted, keys: frozenset[str]) -> list[Manifest]:
    """Every object of the documents, outer ones before those inside of them; their `places` have `keys`."""
    found: list[Manifest] = []
    for target, items in emitted:
        for item in items:
            if isinstance(item, Document) and _is_manifest(item.data):
                _start(Manifest(target=target, document=item, at=(), data=item.data), keys, found)
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


def _start(manifest: Manifest, keys: frozenset[str], found: list[Manifest]) -> None:
    """Go through one object, up to objects inside of it, which come after it. What a ConfigMap or Secret holds is its
    own affair, up to the next object in it."""
    found.append(manifest)
    at, data = manifest.at, manifest.data
    inner: list[tuple[Path, Any]] = []
    if manifest.kind in ("ConfigMap", "Secret"):
        _walk(manifest, (*at, "metadata"), manifest.metadata, keys, inner)
        _walk(manifest, at, {key: item for key, item in data.items() if key != "metadata"}, frozenset(), inner)
    else:
        _walk(manifest, at, data, keys, inner)
    for path, value in inner:
        inside = Manifest(target=manifest.target, document=manifest.document, at=path, data=value, outer=manifest)
        _start(inside, keys, found)
        manifest.size += inside.size


def _walk(
    manifest: Manifest, at: Path, root: dict[str, Any], keys: frozenset[str], inner: list[tuple[Path, Any]]
) -> None:
    """Note the places of the keys below `root`, its size, and the objects in it."""
    places, size = manifest.places, 0
    waiting: list[tuple[Path, Any]] = [(at, root)]
    for path, value in waiting:
        size += 2
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(item, str):
                size += len(item) + 3
                if key in _TEXTS and "apiVersion" in item and isinstance(inside := parsed(item), dict):
                    (inner if "kind" in inside and _is_manifest(inside) else waiting).append(((*path, key), inside))
            elif isinstance(item, dict):
                (inner if "kind" in item and _is_manifest(item) else waiting).append(((*path, key), item))
            elif isinstance(item, (list, tuple)):
                waiting.append(((*path, key), item))
            else:
                size += 8
            if isinstance(key, str):
                size += len(key) + 4
                if key in keys:
                    places.setdefault(key, []).append(Place(path=(*path, key), value=item, holder=value))
    manifest.size += size


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
