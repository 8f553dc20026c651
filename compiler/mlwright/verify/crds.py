"""Files of CustomResourceDefinitions: read once, then found again in a cache by their content."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlwright.record import dataclass

KIND = "CustomResourceDefinition"
FORMAT = "2"
"""Changes with what the cache holds."""
_ENDINGS = (".yaml", ".yml", ".json")
_WORDS = ("description", "title", "example", "externalDocs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a resource. `file` holds its schema, or it is `schema`; neither where it has none. `spread` is
    whether its objects are of the whole cluster."""

    group: str
    kind: str
    name: str
    served: bool
    spread: bool
    file: str = ""
    schema: dict[str, Any] | None = None

    def load(self) -> dict[str, Any] | None:
        """The schema; None where the resource takes anything."""
        if not self.file:
            return self.schema
        loaded: dict[str, Any] = json.loads(Path(self.file).read_bytes())
        return loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class Crds:
    """The resources of a folder by (group, kind) and version, and (file, what is wrong with it) of those that are not
    readable."""

    kinds: dict[tuple[str, str], dict[str, Version]]
    unreadable: tuple[tuple[str, str], ...]


def read(folder: Path, cache: Path | None) -> Crds:
    """All definitions in a folder and below it. Where `cache` cannot be written, everything is read anew."""
    kinds: dict[tuple[str, str], dict[str, Version]] = {}
    unreadable: list[tuple[str, str]] = []
    for path in _files(folder):
        data = path.read_bytes()
        if KIND.encode() not in data:
            continue
        try:
            versions = _cached(data, cache)
        except ValueError as error:
            unreadable.append((str(path), str(error)))
            continue
        for version in versions:
            kinds.setdefault((version.group, version.kind), {}).setdefault(version.name, version)
    return Crds(kinds=kinds, unreadable=tuple(unreadable))


def has_some(folder: Path) -> bool:
    """Whether a file in the folder or below it names a definition."""
    return any(KIND.encode() in path.read_bytes() for path in _files(folder))


def cache_folder() -> Path | None:
    """Where this user's cache is; None where there is no home."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(given):
        return Path(given) / "mlwright" / "crds"
    try:
        return Path.home() / ".cache" / "mlwright" / "crds"
    except RuntimeError:
        return None


def _files(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.endswith(_ENDINGS):
                yield Path(root, name)


def _cached(data: bytes, cache: Path | None) -> list[Version]:
    if cache is None:
        return [version for version, _ in _parse(data)]
    place = cache / hashlib.blake2b(FORMAT.encode() + data, digest_size=16).hexdigest()
    try:
        return _stored(place)
    except (OSError, ValueError, TypeError, KeyError):
        found = list(_parse(data))
        try:
            _store(place, found)
            return _stored(place)
        except (OSError, ValueError, TypeError, KeyError):
            return [version for version, _ in found]


def _stored(place: Path) -> list[Version]:
    return [
        Version(**{**entry, "file": str(place / entry["file"]) if entry["file"] else ""})
        for entry in json.loads((place / "index.json").read_bytes())
    ]


def _store(place: Path, found: list[tuple[Version, dict[str, Any] | None]]) -> None:
    """Written beside and moved there whole, so that whoever reads at the same time sees all of it or nothing."""
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=place.parent, prefix=".new-"))
    try:
        index = []
        for number, (version, schema) in enumerate(found):
            name = f"{number}.json" if schema is not None else ""
            if name:
                (beside / name).write_text(json.dumps(schema, separators=(",", ":")), encoding="utf-8")
            fields = {field: getattr(version, field) for field in ("group", "kind", "name", "served", "spread")}
            index.append({**fields, "file": name})
        (beside / "index.json").write_text(json.dumps(index), encoding="utf-8")
        if place.exists() and not (place / "index.json").exists():
            shutil.rmtree(place)
        os.rename(beside, place)
    except OSError:
        if not (place / "index.json").exists():  # else another one was faster
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _parse(data: bytes) -> Iterator[tuple[Version, dict[str, Any] | None]]:
    """The versions of all definitions in a file, with their schemas. Raises ValueError for what is not readable."""
    import yaml

    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8") from error
    for part in text.replace("\r\n", "\n").split("\n---"):
        if KIND not in part:
            continue
        try:
            loaded = yaml.load(part.lstrip("-") if not part.startswith("-") else part, Loader=_loader())
        except yaml.YAMLError as error:
            raise ValueError(" ".join(str(getattr(error, "problem", "") or error).split())) from error
        items = loaded.get("items", [loaded]) if isinstance(loaded, dict) else []
        for item in items:
            if isinstance(item, dict) and item.get("kind") == KIND:
                yield from _versions(item)


def _versions(definition: dict[str, Any]) -> Iterator[tuple[Version, dict[str, Any] | None]]:
    if definition.get("apiVersion") != "apiextensions.k8s.io/v1":
        raise ValueError(f"it is of {definition.get('apiVersion')}, and only apiextensions.k8s.io/v1 is read")
    try:
        spec = definition["spec"]
        group, kind, spread = str(spec["group"]), str(spec["names"]["kind"]), spec.get("scope") == "Cluster"
        for entry in spec["versions"]:
            schema = _lean((entry.get("schema") or {}).get("openAPIV3Schema"))
            if schema is not None and not _says_something(schema):
                schema = None
            name, served = str(entry["name"]), entry.get("served") is not False
            yield Version(group=group, kind=kind, name=name, served=served, spread=spread, schema=schema), schema
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a definition in it has no {error}") from error


def _says_something(schema: dict[str, Any]) -> bool:
    """Whether anything is refused at all: many resources take every field at the root or in `spec`."""
    below = schema.get("properties") or {}
    for name, part in below.items():
        if name not in ("apiVersion", "kind", "metadata", "status") and (set(part) & {"properties", "items", "enum"}):
            return True
    return bool(below) and not schema.get("x-kubernetes-preserve-unknown-fields") and "spec" not in below


def _lean(schema: Any) -> Any:
    """A schema without its prose."""
    if isinstance(schema, dict):
        return {
            key: value if key in ("default", "enum") else _lean(value)
            for key, value in schema.items()
            if not (key in _WORDS and isinstance(value, str))
        }
    return [_lean(item) for item in schema] if isinstance(schema, list) else schema


def _loader() -> Any:
    """A loader that takes `=` and dates for the text that they are in a schema."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    plain = {
        first: [(tag, pattern) for tag, pattern in found if not tag.endswith((":value", ":timestamp"))]
        for first, found in base.yaml_implicit_resolvers.items()
    }
    return type("Loader", (base,), {"yaml_implicit_resolvers": plain})
