"""Provenance both ways: which spec path an emitted value came from, and what a spec path became."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlwright.emit import yaml
from mlwright.ir import Json, Origin
from mlwright.span import Path, dotted
from mlwright.target import Document, Embedded, TextFile

Emitted = Sequence[tuple[str, Sequence[Document | TextFile]]]

VERSION = 1


def build(emitted: Emitted) -> dict[str, Json]:
    """The map of an environment: file -> path of a value -> where it came from. Paths are JSON pointers without the
    first `/`; in `config/plan.json!/steps/3` the `!` enters a document that is embedded as text."""
    files: dict[str, Json] = {}
    for target, items in emitted:
        for item in items:
            data = item.data if isinstance(item, Document) else None
            found = {pointer(path, data): _entry(origin) for path, origin in _origins(item)}
            if found:
                files[f"{target}/{item.path}"] = found  # type: ignore[assignment]
    return {"version": VERSION, "files": dict(sorted(files.items()))}


def origin_of(item: Document | TextFile, path: Path) -> Origin | None:
    """Where the value at `path` came from: the entry of `origins` for it or for the nearest value around it."""
    if isinstance(item, TextFile):
        return item.origin
    for count in range(len(path), -1, -1):
        if (origin := item.origins.get(path[:count])) is not None:
            return origin
    return None


def path_at(document: Document, line: int) -> Path:
    """The value whose text stands on the 1-based `line` of the written document; `()` for comments and JSON files."""
    if document.path.endswith(".json"):
        return ()
    best: Path = ()
    at = 0
    for path, start in yaml.render(document.data, document.header).lines.items():
        if at <= start <= line:
            best, at = path, start
    return best


def line_of(document: Document, path: Path) -> int:
    """The 1-based line on which the value at `path` is written; 1 where lines are not known."""
    if document.path.endswith(".json"):
        return 1
    return yaml.render(document.data, document.header).lines.get(path, 1)


def became(emitted: Emitted, spec_path: Path) -> Iterator[tuple[str, Path]]:
    """Each (file, path of a value) that came from `spec_path` or from below it; the outermost values only."""
    for target, items in emitted:
        for item in items:
            origins: Mapping[Path, Origin | None] = item.origins if isinstance(item, Document) else {(): item.origin}
            for path, origin in origins.items():
                if origin is not None and origin.path[: len(spec_path)] == spec_path:
                    yield f"{target}/{item.path}", path


def pointer(path: Path, data: Any = None) -> str:
    """`("services", "a/b", 0)` as `services/a~1b/0`; with `!` after each part that enters a document embedded in
    `data`."""
    parts = []
    for part in path:
        data = _below(data, part)
        parts.append(str(part).replace("~", "~0").replace("/", "~1") + ("!" if isinstance(data, Embedded) else ""))
    return "/".join(parts)


def _below(data: Any, part: str | int) -> Any:
    try:
        return data[part]
    except (LookupError, TypeError):
        return None


def _origins(item: Document | TextFile) -> Iterator[tuple[Path, Origin]]:
    if isinstance(item, TextFile):
        if item.origin is not None:
            yield (), item.origin
        return
    for path in _leaves(item.data, ()):
        if (origin := origin_of(item, path)) is not None:
            yield path, origin


def _leaves(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, dict) and value:
        for key, below in value.items():
            yield from _leaves(below, (*path, key))
    elif isinstance(value, (list, tuple)) and value:
        for position, below in enumerate(value):
            yield from _leaves(below, (*path, position))
    else:
        yield path


def _entry(origin: Origin) -> dict[str, Json]:
    entry: dict[str, Json] = {"spec": dotted(origin.path), "origin": origin.kind}
    return {**entry, "by": origin.by} if origin.by else entry
