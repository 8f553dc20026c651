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
    """One object. `at` is where it is in `document`, `outer` the object that it is written inside of. `places` has the
    values of all keys that were asked for, by key, without those of objects inside; `size` is about the number of
    bytes that the object takes, with what is inside."""

    target: str
    document: Document
    at: Path
    data: dict[str, Any]
    outer: Manifest | None = None
    places: dict[str, list[Place]] = field(default_factory=dict)
    size: int = 0

    @property
    def api(self) -> str:
        """Group and version."""
        return str(self.data["apiVersion"])

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        return self.api.rpartition("/")[0]

    @property
    def kind(self) -> str:
        return str(self.data["kind"])

    @property
    def metadata(self) -> dict[str, Any]:
        return mapping(self.data.get("metadata"))

    @property
    def name(self) -> str:
        """Its name; empty where it is given one at run time."""
        return word(self.metadata.get("name"))

    @property
    def namespace(self) -> str:
        """Its own namespace, else that of what it is in; empty for none."""
        own = word(self.metadata.get("namespace"))
        return own or (self.outer.namespace if self.outer is not None else "")

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
    """Go through one object. What a ConfigMap or Secret holds is its own affair, up to the next object in it."""
    found.append(manifest)
    walk = _Walk(manifest, keys, found)
    if manifest.kind in ("ConfigMap", "Secret"):
        manifest.size = walk.into(manifest.metadata, (*manifest.at, "metadata"))
        walk.keys = frozenset()
        manifest.size += walk.into({k: v for k, v in manifest.data.items() if k != "metadata"}, manifest.at)
    else:
        manifest.size = walk.into(manifest.data, manifest.at)


class _Walk:
    """One object, up to objects inside of it, which are walked by themselves."""

    def __init__(self, manifest: Manifest, keys: frozenset[str], found: list[Manifest]) -> None:
        self.manifest, self.keys, self.found = manifest, keys, found
        self.inner = keys

    def into(self, value: Any, path: Path) -> int:
        """Note the places of the keys below `value`; its size in bytes."""
        size = 2
        if not isinstance(value, dict):
            for position, item in enumerate(value):
                if isinstance(item, str):
                    size += len(item) + 3
                elif isinstance(item, dict):
                    inner = (*path, position)
                    size += self._below(item, inner) if "kind" in item else self.into(item, inner)
                elif isinstance(item, (list, tuple)):
                    size += self.into(item, (*path, position))
                else:
                    size += 8
            return size
        keys, places = self.keys, self.manifest.places
        for key, item in value.items():
            size += len(key) + 4
            if key in keys:
                places.setdefault(key, []).append(Place(path=(*path, key), value=item, holder=value))
            if isinstance(item, str):
                size += len(item) + 3
                if key in _TEXTS and "apiVersion" in item and isinstance(inside := parsed(item), dict):
                    self._below(inside, (*path, key))
            elif isinstance(item, dict):
                inner = (*path, key)
                size += self._below(item, inner) if "kind" in item else self.into(item, inner)
            elif isinstance(item, (list, tuple)):
                size += self.into(item, (*path, key))
            else:
                size += 8
        return size

    def _below(self, value: Any, path: Path) -> int:
        if isinstance(value, dict) and "kind" in value and _is_manifest(value):
            outer = self.manifest
            inside = Manifest(target=outer.target, document=outer.document, at=path, data=value, outer=outer)
            _start(inside, self.inner, self.found)
            return inside.size
        return self.into(value, path)


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
