"""What the page knows, as JSON: files with the origin of each line, the project's files, graphs, and what changed.

Numbers stand for what comes again and again: a file's text is a place in `texts`, a spec path one in `paths` (JSON
pointers), a file's lines are pairs of a count and a place in the environment's `origins`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from mlwright.analysis import Outcome
from mlwright.build import Built
from mlwright.diag import Diagnostic
from mlwright.emit import files as rendering
from mlwright.emit.kube import kustomize
from mlwright.emit.map import pointer
from mlwright.ir import Json
from mlwright.record import dataclass
from mlwright.review.inert import concealed, place, visible
from mlwright.review.layers import Layer
from mlwright.review.markdown import subject_of
from mlwright.review.model import (
    RISK_WORDS,
    RISKS,
    WHY,
    EnvironmentReview,
    FieldChange,
    Hazard,
    Load,
    ProjectReview,
    Remark,
    Review,
    headline,
)
from mlwright.review.page.graph import graph
from mlwright.review.page.texts import Texts
from mlwright.review.provenance import Place, Provenance
from mlwright.source.files import FileTree
from mlwright.source.load import load_file
from mlwright.source.overlay import layers
from mlwright.source.secrets_text import conceal
from mlwright.source.tree import Map, Node, Seq, at
from mlwright.span import Path, Span

NO_SOURCE = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """One project at one revision: all of its environments, the output of those that have one, and the file tree."""

    outcome: Outcome
    built: tuple[Built, ...]
    files: FileTree

    def output(self, environment: str) -> Built | None:
        """What an environment compiles to, if it does."""
        return next((one for one in self.built if one.analysis.environment == environment and one.ready), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One project; `spec` is its path in the file trees, `shown` from the repository's root. `base` is None where
    there is nothing to compare with."""

    spec: str
    name: str
    head: Compiled | None = None
    base: Compiled | None = None
    shown: str = ""


def review_of(review: Review) -> dict[str, Json]:
    """What is said of all projects together."""
    return {
        "headline": headline(review),
        "base": visible(review.base),
        "head": visible(review.head),
        "risk": review.risk,
        "words": {str(risk): text for risk, text in RISK_WORDS.items()},
        "notes": [conceal(note) for note in review.notes],
    }


def project_of(pair: Pair, review: Review | None, texts: Texts) -> dict[str, Json]:
    """One project, with what `review` has to say of it."""
    known = pair.shown or pair.spec
    said = next((item for item in review.projects if item.spec == known), None) if review else None
    return _Project(pair, said, texts).json()


class _Project:
    def __init__(self, pair: Pair, said: ProjectReview | None, texts: Texts) -> None:
        self._pair = pair
        self._said = said
        self._texts = texts
        self._paths: dict[Path, int] = {}
        self._sources: dict[str, int] = {}
        self._chains: dict[str, int] = {}
        self._chain_rows: list[Json] = []

    def json(self) -> dict[str, Json]:
        pair, said = self._pair, self._said
        self._source(pair.spec)
        environments: list[Json] = [self._environment(name) for name in self._names()]
        whole = [*(pair.head.outcome.findings if pair.head else ()), *(said.findings if said else ())]
        findings: list[Json] = [self._finding(item) for item in dict.fromkeys(whole)]
        remarks: list[Json] = [] if said is None else [self._remark(item) for item in said.remarks]
        return {
            "name": pair.name,
            "spec": pair.shown or pair.spec,
            "status": said.status if said else "",
            "remarks": remarks,
            "findings": findings,
            "environments": environments,
            "sources": [self._source_row(file) for file in self._sources],
            "paths": [pointer(path) for path in self._paths],
            "chains": self._chain_rows,
        }

    def _names(self) -> list[str]:
        sides = (self._pair.head, self._pair.base)
        found = [one.environment for side in sides if side is not None for one in side.outcome.environments]
        return list(dict.fromkeys([*found, *(one.name for one in (self._said.environments if self._said else ()))]))

    def _environment(self, name: str) -> dict[str, Json]:
        head = self._pair.head.output(name) if self._pair.head else None
        base = self._pair.base.output(name) if self._pair.base else None
        said = next((one for one in self._said.environments if one.name == name), None) if self._said else None
        made: dict[str, Json] = {"name": name, "compiled": head is not None}
        made["findings"] = [self._finding(item) for item in self._findings(name, head, said)]
        made["spec"], made["origins"] = self._spec(name), []
        made["files"] = self._files(head, base, made)
        if head is not None and head.analysis.project is not None:
            before = base.analysis.project if base is not None else None
            made["graph"] = graph(head.analysis.project, before, self._pair.base is not None)
            made["platform"] = head.analysis.project.environment.platform
        if said is not None:
            made |= self._changes(said)
        return made

    def _findings(self, name: str, head: Built | None, said: EnvironmentReview | None) -> Iterator[Diagnostic]:
        of_file = self._pair.head.outcome.environments if self._pair.head else ()
        found = [item for one in of_file if one.environment == name for item in one.findings]
        built = [one for one in (self._pair.head.built if self._pair.head else ()) if one.analysis.environment == name]
        found += [item for one in built for item in one.findings]
        found += said.findings if said else ()
        return iter(dict.fromkeys(found))

    def _files(self, head: Built | None, base: Built | None, made: dict[str, Json]) -> list[Json]:
        new, old = _files(head), _files(base)
        assert head is None or self._pair.head is not None
        origins = _Origins(self, Provenance(head, self._pair.head.files)) if head and self._pair.head else None
        rows: list[Json] = []
        for path in sorted({*new, *old}):
            lines: list[Json] = list(origins.lines(path, new[path])) if origins and path in new else []
            after = self._texts.number(new.get(path))
            rows.append([path, after, self._texts.number(old.get(path)) if self._pair.base else after, lines])
        made["origins"] = origins.rows if origins else []
        return rows

    def _spec(self, name: str) -> Json:
        """For each of the project's files, pairs of a line and the path that stands there in this environment."""
        side = self._pair.head or self._pair.base
        tree = next((one.tree for one in (side.outcome.environments if side else ()) if one.environment == name), None)
        if side is None or tree is None:
            return []
        found: dict[tuple[int, int, int], None] = {}
        for path, span in (*_keys(tree, ()), *_around(side.files, self._pair.spec, name, tree)):
            found[self._source(span.file), span.line, self._path(path)] = None
        files: dict[int, list[Json]] = {}
        for source, line, number in found:
            files.setdefault(source, []).extend((line, number))
        return [[source, pairs] for source, pairs in files.items()]

    def _path(self, path: Path) -> int:
        return self._paths.setdefault(path, len(self._paths))

    def _source(self, file: str) -> int:
        return self._sources.setdefault(file, len(self._sources))

    def _source_row(self, file: str) -> list[Json]:
        sides = (self._pair.head, self._pair.base)
        new, old = (self._texts.number(_read(side.files, file)) if side is not None else -1 for side in sides)
        return [file, new, old if self._pair.base is not None else new]

    def spot(self, span: Span | None) -> Json:
        """A place in one of the project's files: its number and line."""
        return [self._source(span.file), span.line] if span is not None else None

    def chain(self, said: Sequence[Layer]) -> int:
        """The number of what each layer says of a path; -1 where one place gives it."""
        rows: list[Json] = [
            [item.name, item.says, self.spot(item.span), conceal(item.text[:400]), item.wins] for item in said
        ]
        if len(rows) < 2:
            return -1
        key = repr(rows)
        if key not in self._chains:
            self._chains[key] = len(self._chain_rows)
            self._chain_rows.append(rows)
        return self._chains[key]

    def path(self, path: Path) -> int:
        """The number of a spec path."""
        return self._path(path)

    def _finding(self, item: Diagnostic) -> dict[str, Json]:
        return {
            "severity": item.severity,
            "code": item.code,
            "message": conceal(item.message),
            "help": conceal(item.help),
            "at": self.spot(item.span),
        }

    def _remark(self, item: Remark) -> dict[str, Json]:
        return {
            "section": item.section,
            "text": conceal(item.text),
            "environments": [] if item.everywhere else list(item.environments),
            "at": self.spot(item.span),
            "hazards": _hazards(item.hazards),
        }

    def _changes(self, said: EnvironmentReview) -> dict[str, Json]:
        return {
            "status": said.status,
            "counts": {action: said.count(action) for action in ("add", "change", "replace", "remove")},
            "objects": [
                {
                    "action": item.action,
                    "subject": conceal(subject_of(item)),
                    "was": item.was,
                    "file": item.file,
                    "hazards": _hazards(item.hazards),
                    "fields": [self._field(one) for one in item.fields],
                }
                for item in said.objects
            ],
            "followers": len(said.followers),
            "beyond": [
                {
                    "file": item.file,
                    "why": WHY[item.why],
                    "stale": item.why == "stale",
                    "fields": [self._field(one) for one in item.fields],
                }
                for item in said.beyond
            ],
            "load": [_load(said.before), _load(said.after)],
        }

    def _field(self, item: FieldChange) -> dict[str, Json]:
        return {
            "path": place(item.path),
            "before": None if item.added else [concealed(item.before, item.path)],
            "after": None if item.removed else [concealed(item.after, item.path)],
            "spec": self._path(item.origin) if item.origin else -1,
        }


class _Origins:
    """The origins of one environment's lines, each once."""

    def __init__(self, project: _Project, provenance: Provenance) -> None:
        self._project = project
        self._provenance = provenance
        self._numbers: dict[tuple[Path, bool, str, str, str, str], int] = {}
        self.rows: list[Json] = []

    def lines(self, file: str, data: bytes) -> Iterator[int]:
        """Pairs of a count of lines and their origin; -1 for lines that come from nowhere in the project."""
        total = data.count(b"\n") + (not data.endswith(b"\n"))
        of = [-1] * (total + 1)
        if file in self._provenance.files:
            for item in self._provenance.places(file):
                of[item.line : item.end + 1] = [self._number(item)] * (min(item.end, total) - item.line + 1)
        yield from _runs(of[1 : total + 1])

    def _number(self, item: Place) -> int:
        origin = item.origin
        if not item.spec and not item.patch:
            return -1
        key = (item.spec, item.near, origin.kind if origin else "", origin.by if origin else "", item.patch, item.node)
        if key not in self._numbers:
            self._numbers[key] = len(self.rows)
            self.rows.append(self._row(item))
        return self._numbers[key]

    def _row(self, item: Place) -> Json:
        provenance, origin = self._provenance, item.origin
        kind = origin.kind if origin else "spec"
        given = provenance.given(item.spec)
        chain = provenance.layers(item.spec)
        return {
            "path": self._project.path(item.spec),
            "at": self._project.spot(provenance.span(item.spec)),
            "kind": kind if kind == "derived" or given else "default",
            "by": origin.by if origin else "",
            "near": item.near,
            "patch": item.patch,
            "node": item.node,
            "layer": next((one.name for one in chain if one.wins), ""),
            "chain": self._project.chain(chain),
        }


def _runs(numbers: Iterable[int]) -> Iterator[int]:
    count, current = 0, -2
    for number in numbers:
        if number != current and count:
            yield from (count, current)
            count = 0
        current, count = number, count + 1
    if count:
        yield from (count, current)


def _keys(node: Node, path: Path) -> Iterator[tuple[Path, Span]]:
    """Each path of a tree with the place of its key, or of the entry of a list."""
    if isinstance(node, Map):
        for key, entry in node.entries.items():
            yield (*path, key), entry.key_span
            yield from _keys(entry.node, (*path, key))
    elif isinstance(node, Seq):
        for position, item in enumerate(node.items):
            yield (*path, position), item.span
            yield from _keys(item, (*path, position))


def _files(built: Built | None) -> Mapping[str, bytes]:
    """The texts of an output, also of one that was made without."""
    if built is None:
        return {}
    return built.files or rendering.render(built.emitted, kustomize.environment(built.emitted)).files


def _around(files: FileTree, spec: str, environment: str, tree: Node) -> Iterator[tuple[Path, Span]]:
    """The mappings that several layers give parts of, at the places where each layer has them."""
    read, _ = load_file(files, spec)
    own = ("environments", environment)
    for _, node in layers(read, spec, files) if read is not None else ():
        for path, span in _keys(node, ()):
            for rest in (path, *([path[2:]] if path[:2] == own else [])):
                if rest and isinstance(at(tree, rest), Map):
                    yield rest, span


def _hazards(hazards: Sequence[Hazard]) -> list[Json]:
    found = sorted(hazards, key=lambda item: -RISKS.index(item.risk))
    return [{"risk": item.risk, "reason": conceal(item.reason)} for item in found]


def _load(load: Load | None) -> Json:
    if load is None:
        return None
    return {
        "cpu": _finite(load.cpu_hours),
        "gpu": [[kind, _finite(hours)] for kind, hours in load.gpu_hours],
        "storage": _finite(load.storage),
        "price": None if load.price is None else _finite(load.price),
        "currency": load.currency,
        "bound": load.bound,
        "unknown": list(load.unknown),
    }


def _finite(value: float) -> float:
    """A number that JSON has."""
    return max(-1e300, min(value, 1e300))


def _read(files: FileTree, path: str) -> bytes | None:
    try:
        return files.read(path)
    except Exception:  # any tree's own way to say that there is nothing to read
        return None
