"""Where each line of an output came from, and what each place in the project file became."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from functools import cached_property
from typing import Any

from mlwright import ir
from mlwright.build import Built
from mlwright.diag import Label
from mlwright.emit import files as rendering
from mlwright.emit import json, yaml
from mlwright.emit.kube import kustomize
from mlwright.emit.map import origin_of, pointer
from mlwright.emit.patch import Change
from mlwright.passes.occurrences import containers
from mlwright.record import dataclass, replace
from mlwright.review.layers import Layer, Layers
from mlwright.review.likeness import Leaves
from mlwright.source.files import FileTree
from mlwright.source.tree import at, locate
from mlwright.span import Path, Span
from mlwright.target import Document, Embedded, Part, TextFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One value of an emitted file, or one line of a text file.

    `file` is below the environment's folder; `line` to `end` are its 1-based lines, `path` is where it is in the
    document. `kind`, `namespace`, `name` identify the object and `node` is what it was made for in the project
    (`training`). `spec` is the place in the project file that the value came from, () where nothing there decides it;
    `near` is true where the compiler knows only what the object was made for, and `spec` is the field below that with
    the same value and words. `patch` names the patch that touched it.
    """

    target: str
    file: str
    line: int
    end: int
    path: Path = ()
    pointer: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    node: str = ""
    origin: ir.Origin | None = None
    spec: Path = ()
    near: bool = False
    patch: str = ""
    value: ir.Json = field(default=None, compare=False)


@dataclass(slots=True)
class _File:
    """One emitted file with its places in reading order; `above` is the place around each, -1 for none."""

    target: str
    name: str
    item: Document | TextFile
    places: list[Place] = field(default_factory=list)
    above: list[int] = field(default_factory=list)


class Provenance:
    """Line maps of one environment's output, both ways. `files` is the file tree that it was made from."""

    def __init__(self, built: Built, files: FileTree) -> None:
        self.built = built
        self._layers = Layers(files, built.analysis.spec)
        self._locate = locate(built.analysis.tree)
        self._made: dict[str, _File] = {}
        everything = (*built.emitted, ("", kustomize.environment(built.emitted)))
        self._items = {
            f"{target}/{item.path}".removeprefix("/"): (target, item) for target, items in everything for item in items
        }

    @property
    def files(self) -> tuple[str, ...]:
        """All emitted files, but for the index."""
        return tuple(sorted(self._items))

    def text(self, file: str) -> str:
        """What is written into a file."""
        data = self.built.files.get(file)
        return data.decode("utf-8") if data is not None else rendering.text(self._items[file][1])

    def places(self, file: str) -> tuple[Place, ...]:
        """All values of a file in reading order, those around others first. Raises KeyError."""
        return tuple(self._file(file).places)

    def at(self, file: str, line: int, col: int | None = None) -> Place | None:
        """The innermost value on a line; with `col` that of an entry's dash, where it is there. None for comments and
        lines that the file does not have. Raises KeyError."""
        found = self._file(file)
        starts = [place.line for place in found.places]
        index = bisect_right(starts, line) - 1
        while index >= 0 and found.places[index].end < line:
            index = found.above[index]
        if index < 0:
            return None
        if col is not None and found.places[index].line == line and isinstance(found.item, Document):
            index = self._before(found, index, line, col)
        return found.places[index]

    def _before(self, found: _File, index: int, line: int, col: int) -> int:
        """The entry whose dash is at `col` of a line such as `- - name: a`, where several values begin."""
        same = [index]
        while (above := found.above[same[0]]) >= 0 and found.places[above].line == line:
            same.insert(0, above)
        lines = self.text(found.name).splitlines()
        text = lines[line - 1] if line <= len(lines) else ""
        indent = len(text) - len(text.lstrip(" "))
        return same[min(max(col - 1 - indent, 0) // 2, len(same) - 1)]

    def find(self, file: str, path: Path) -> Place:
        """The value at `path` of a document, or the nearest around it; a text file's line at `(number,)`. Raises
        KeyError for a file that is not emitted."""
        if isinstance(self._items[file][1], TextFile):
            return (self.at(file, int(path[0])) if path else None) or self._file(file).places[0]
        known = {place.path: place for place in self._file(file).places}
        return next(known[path[:size]] for size in range(len(path), -1, -1) if path[:size] in known)

    def became(self, spec: Path) -> tuple[Place, ...]:
        """Every value that came from `spec` or from what is below it, in all files; the outermost ones only."""
        found: list[Place] = []
        for name in self.files:
            file = self._file(name)
            taken: set[int] = set()
            for index, place in enumerate(file.places):
                if file.above[index] in taken:
                    taken.add(index)
                elif place.spec[: len(spec)] == spec and place.spec:
                    taken.add(index)
                    found.append(place)
        return tuple(found)

    def span(self, spec: Path) -> Span | None:
        """Where a path is in the project's files; that of its nearest parent where it is not there itself."""
        return self._locate(Label(path=spec))

    def layers(self, spec: Path) -> tuple[Layer, ...]:
        """What each layer says of a path, the weakest first."""
        analysis = self.built.analysis
        return self._layers.of(spec, analysis.environment, analysis.tree)

    def given(self, spec: Path) -> bool:
        """Whether any layer gives the value; else it is the language's or the platform's default."""
        return at(self.built.analysis.tree, spec) is not None

    def pins(self, place: Place) -> tuple[str, ...]:
        """The entries of `mlproject.lock` that the value has from there."""
        if not isinstance(place.value, str):
            return ()
        return tuple(sorted({entry for text, entry in self._pinned if text in place.value}))

    @cached_property
    def _pinned(self) -> tuple[tuple[str, str], ...]:
        """(what the lock says, where in the lock)."""
        analysis = self.built.analysis
        found = [(digest, f"images.{ref}") for ref, digest in analysis.digests.items() if digest]
        project = analysis.project
        assert project is not None
        images = [placed.container.image for placed in containers(project)]
        found += [(image.digest, f"images.{image.ref}") for image in images if image.digest]
        sources = [
            source
            for service in project.services
            for source in (service.source, *(variant.source for variant in service.variants))
        ]
        for node in project.nodes:
            sources += (
                node.pins if isinstance(node, ir.Task) else node.trial.pins if isinstance(node, ir.Search) else ()
            )
        for source in sources:
            if source.version:
                entry = f"environments.{analysis.environment}.models.{source.model}@{source.alias}"
                texts = (source.model_id, source.uri, source.digest, f"models:/{source.model}/{source.version}")
                found += [(text, entry) for text in texts if text]
        return tuple(found)

    @cached_property
    def _leaves(self) -> Leaves:
        return Leaves(self.built.analysis.tree)

    @cached_property
    def _changes(self) -> Mapping[str, Sequence[Change]]:
        found: dict[str, list[Change]] = {}
        for change in self.built.changes:
            found.setdefault(f"{change.target}/{change.document}", []).append(change)
        return found

    def _file(self, name: str) -> _File:
        if name not in self._made:
            target, item = self._items[name]
            made = _File(target, name, item)
            if isinstance(item, TextFile):
                self._text(made, item)
            else:
                self._document(made, item)
            self._made[name] = made
        return self._made[name]

    def _text(self, made: _File, item: TextFile) -> None:
        """A place for each line, where anything in the project decides it; one for all of it else."""
        lines = item.text.splitlines()
        base = Place(target=made.target, file=made.name, line=1, end=max(len(lines), 1), origin=item.origin)
        if item.origin is None:
            made.places.append(base)
            made.above.append(-1)
            return
        base = replace(base, spec=item.origin.path)
        made.places.append(base)
        made.above.append(-1)
        for number, line in enumerate(lines, 1):
            name, mark, value = line.partition("=")
            if not mark or line.lstrip().startswith("#"):
                continue
            near = self._leaves.like(base.spec, (name.strip(),), value.strip().strip("\"'"))
            made.places.append(
                replace(base, line=number, end=number, spec=near or base.spec, near=bool(near), value=value.strip())
            )
            made.above.append(0)

    def _document(self, made: _File, item: Document) -> None:
        rendered = yaml.render(item.data, item.header) if not item.path.endswith(".json") else None
        lines = rendered.lines if rendered else json.lines(item.data)
        total = rendered.text.count("\n") if rendered else json.inert(item.data).count("\n")
        first = 1 + (len(item.header.splitlines()) if rendered else 0)
        metadata = item.data.get("metadata")
        known = metadata if isinstance(metadata, dict) and isinstance(item.data.get("kind"), str) else {}
        base = Place(
            target=made.target,
            file=made.name,
            line=first,
            end=total,
            kind=str(item.data.get("kind", "")) if known else "",
            namespace=str(known.get("namespace", "")),
            name=str(known.get("name", "")),
            origin=item.origins.get(()),
        )
        parts = sorted(item.parts, key=lambda part: len(part.at))
        walker = _Walker(made, item, lines, base, parts, self._changes.get(made.name, ()), self._leaves)
        walker.value(item.data, (), -1, first, total, made.name.endswith(".json"), ())


@dataclass(slots=True)
class _Walker:
    """Finds the places of one document."""

    made: _File
    item: Document
    lines: Mapping[Path, int]
    base: Place
    parts: Sequence[Part]
    changes: Sequence[Change]
    leaves: Leaves

    def value(
        self, value: Any, path: Path, above: int, start: int, end: int, in_json: bool, names: tuple[str, ...]
    ) -> None:
        """Append the place of `value`, and those below it. `names` are names of the entries of lists around it."""
        index = len(self.made.places)
        self.made.places.append(self._place(value, path, start, end, names))
        self.made.above.append(above)
        in_json = in_json or isinstance(value, Embedded)
        below = [(self.lines[(*path, part)], part, item) for part, item in _below(value) if (*path, part) in self.lines]
        below.sort(key=lambda entry: entry[0])
        last = end - 1 if in_json else end
        for number, (line, part, item) in enumerate(below):
            stop = below[number + 1][0] - 1 if number + 1 < len(below) else last
            named = (
                (*names, str(item["name"])) if isinstance(item, dict) and isinstance(item.get("name"), str) else names
            )
            self.value(item, (*path, part), index, line, max(stop, line), in_json, named)

    def _place(self, value: Any, path: Path, start: int, end: int, names: tuple[str, ...]) -> Place:
        part = next((part for part in reversed(self.parts) if path[: len(part.at)] == part.at), None)
        origin = origin_of(self.item, path)
        spec: Path = origin.path if origin else ()
        patch = next((change.patch for change in self.changes if path[: len(change.path)] == change.path), "")
        near: Path | None = None
        if not patch and not isinstance(value, (dict, list, tuple)) and path and not _says_what_it_is(path):
            words = (*names, *(str(piece) for piece in path))
            near = self.leaves.like(spec, words, value)
        kind, name = self.base.kind, self.base.name
        if len(path) >= 2 and path[0] in ("services", "volumes", "secrets", "configs", "networks") and not kind:
            kind, name = str(path[0]).removesuffix("s"), str(path[1])
        if part is not None and not kind and part.at:
            kind, name = part.kind, str(part.at[-1])
        return replace(
            self.base,
            line=start,
            end=end,
            path=path,
            pointer=pointer(path, self.item.data),
            kind=kind,
            name=name,
            node=part.node if part else "",
            origin=origin,
            spec=near or spec,
            near=near is not None,
            patch=patch,
            value=None if isinstance(value, (dict, list, tuple)) else value,
        )


def _says_what_it_is(path: Path) -> bool:
    """`apiVersion` and `kind`: nothing in a project decides them but that the object is there."""
    return path[-1] in ("apiVersion", "kind")


def _below(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, (list, tuple)):
        yield from enumerate(value)
