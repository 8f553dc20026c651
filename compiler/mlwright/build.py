"""From an understood environment to files: capabilities, emission, patches, the index; and writing them."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Collection, Mapping
from functools import cache, partial
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from mlwright import __version__
from mlwright.analysis import Analysis, Recording
from mlwright.diag import Bag, Diagnostic, Label
from mlwright.emit import files as rendering
from mlwright.emit import index as indexes
from mlwright.emit import json
from mlwright.emit.capabilities import compare
from mlwright.emit.kube import kustomize
from mlwright.emit.kube.settle import settle
from mlwright.emit.patch import Change, apply_all
from mlwright.ir import AddedObjects, Json, Project
from mlwright.platform import Profile
from mlwright.platform.demand import asked
from mlwright.record import dataclass, replace
from mlwright.registry import Registry
from mlwright.source.files import FileTree
from mlwright.source.secrets_text import names_secret, shape
from mlwright.source.tree import located
from mlwright.span import Path
from mlwright.target import Closing, Digests, Document, EmitContext, Joinable, Operating, TextFile

if TYPE_CHECKING:
    from mlwright.verify.schemas import Definitions

MANIFESTS = "manifests"
EXTRAS = ".mlwright/emit"
_MANY = 300
"""Files from which on a second process is worth what it takes to begin one."""

Emitted = list[tuple[str, list[Document | TextFile]]]
_Found = tuple[Bag, tuple[str, ...]]
"""Findings, and what to know beside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The output of one environment before it is written.

    `files` are below `folder`, which is relative to the spec's folder. `ready` is False where errors stand against it.
    `inputs` are what it was made from, by paths from the root of the file tree, see `analysis.Recording`; `ignored` the
    findings that comments leave out; `notes` what to know beside the findings. Where a second process checks the
    objects, `check` waits for what it finds: see `checked`.
    """

    analysis: Analysis
    folder: str
    files: dict[str, bytes]
    executable: frozenset[str]
    emitted: Emitted
    changes: tuple[Change, ...]
    inputs: Mapping[str, str]
    findings: tuple[Diagnostic, ...] = ()
    ignored: tuple[Diagnostic, ...] = ()
    notes: tuple[str, ...] = ()
    ready: bool = True
    check: Callable[[], _Found] | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """The files beside a spec, read through `tree`."""

    tree: FileTree
    folder: str

    def read(self, path: str) -> bytes:
        """The content of a file."""
        return self.tree.read(posixpath.normpath(posixpath.join(self.folder, path)))

    def below(self, path: str) -> tuple[str, ...]:
        """The paths of all files in a folder, relative to it; empty where `path` is a file."""
        full = posixpath.normpath(posixpath.join(self.folder, path))
        found = self.tree.walk(full) if self.tree.isdir(full) else ()
        return tuple(posixpath.relpath(item, full) for item in found)


def runtime(name: str) -> str:
    """The text of a program that is shipped verbatim into the output. Raises LookupError for anything else."""
    return _programs()[name]


@cache
def _programs() -> dict[str, str]:
    folder = FilePath(__file__).with_name("runtime")
    return {item.name: item.read_text(encoding="utf-8") for item in folder.glob("*.py")}


def build(
    analysis: Analysis,
    targets: Registry,
    *,
    folder: str,
    files: FileTree,
    digests: Digests | None = None,
    crds: Definitions | None = None,
    texts: bool = True,
    apart: bool = False,
) -> Built:
    """Render everything that one environment owns, patched, with the files that join it; nothing is written. `files`
    is the file tree that `analysis` was made from; `digests` stand in for the lock's; `crds` are what objects are held
    to beside the checks that every output goes through. Without `texts` no file gets its text, for who only asks what
    is found. With `apart` a second process checks many objects, and `checked` has the last word."""
    project, profile, owners = analysis.project, analysis.profile, analysis.owners
    assert project is not None and profile is not None and owners is not None
    bag = Bag()
    names = sorted(set(owners.of.values()))
    told = [item.at.path for item in owners.findings if item.code == "OWN006"]
    for name in names:
        bag.extend(compare(analysis.tree, targets.get(name), analysis.environment, told, _nodes(analysis)))
    emitted: Emitted = []
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    later: Callable[[], _Found] | None = None
    read = Recording(files)
    if not bag.failed:
        contexts: dict[str, EmitContext] = {}
        operators = {name: target for name in names if isinstance(target := targets.get(name), Operating)}
        for name in names:
            spec_folder = posixpath.relpath(".", posixpath.join(folder, name))
            context = EmitContext(
                platform=profile,
                owners=owners.of,
                runtime=runtime,
                spec_folder=spec_folder,
                digests=digests or (lambda ref: analysis.digests.get(ref, "")),
                files=Beside(read, analysis.folder),
                operators=operators,
            )
            contexts[name] = context
            emitted.append((name, list(targets.get(name).emit(project, context))))
        patched = apply_all(emitted, project.patches, targets.get, versions=profile.systems, is_secret=_is_secret)
        emitted, changes = patched.emitted, patched.changes
        bag.extend(patched.findings)
        if project.objects:
            emitted = _joined(emitted, project, targets, contexts, read, analysis.folder, bag)
        emitted = [(name, _closed(name, emitted, project, targets, contexts)) for name, _ in emitted]
        checks = profile.orchestrator != "compose" and not bag.failed  # Compose has no use for them
        if checks and apart and sum(len(items) for _, items in emitted) >= _MANY:
            from mlwright.apart import begin

            later = begin(partial(_verified, emitted, project, profile, crds))
        emitted = settle(emitted)
        if checks and later is None:
            from mlwright.verify import verify

            found = verify(emitted, project, profile, crds)
            bag.extend(found.findings)
            notes = _notes(analysis, found.notes)
    whole = texts and not bag.failed
    rendered = rendering.render(emitted, kustomize.environment(emitted)) if whole else rendering.render(())
    findings, ignored = analysis.ignores.split(located(bag, analysis.tree).ordered())
    return Built(
        analysis=analysis,
        folder=folder,
        files=rendered.files,
        executable=rendered.executable,
        emitted=emitted,
        changes=changes,
        findings=findings,
        ignored=ignored,
        notes=notes,
        inputs=indexes.together(read.inputs, analysis.inputs),
        ready=not bag.failed,
        check=later,
    )


def _verified(waiting: Emitted, project: Project, profile: Profile, crds: Definitions | None) -> _Found:
    """What `verify` finds of files whose names are not settled yet. To find that nothing is wrong, it does not need the
    names, and `settle` goes on at the same time; to say what is, it does, and so do schemas."""
    from mlwright.verify import verify

    found = verify(waiting, project, profile) if crds is None else None
    if found is None or found.findings:
        found = verify(settle(waiting), project, profile, crds)
    return found.findings, found.notes


def checked(built: Built) -> Built:
    """`built` with what a second process found, once that has come to its end."""
    if built.check is None:
        return built
    bag, notes = built.check()
    late, ignored = built.analysis.ignores.split(located(bag, built.analysis.tree).ordered())
    return replace(
        built,
        findings=Bag([*built.findings, *late]).ordered(),
        ignored=(*built.ignored, *ignored),
        notes=(*built.notes, *_notes(built.analysis, notes)),
        ready=built.ready and not bag.failed,
        check=None,
    )


def _notes(analysis: Analysis, notes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{analysis.environment}: {note}" for note in notes)


def _joined(
    emitted: Emitted,
    project: Project,
    targets: Registry,
    contexts: Mapping[str, EmitContext],
    files: FileTree,
    folder: str,
    bag: Bag,
) -> Emitted:
    """`emitted` with the files of `objects` in the output of the targets that they name, on a cluster of `kubernetes`
    where they name none."""
    from mlwright.emit import objects

    joined: Emitted = []
    usual = "" if contexts and next(iter(contexts.values())).platform.orchestrator == "compose" else "kubernetes"
    open_ones = [name for name, _ in emitted if isinstance(targets.get(name), Joinable)]
    for entry in project.objects:
        if (entry.target or usual) not in open_ones:
            bag.add(_joins_nothing(entry, open_ones, project.environment.name))
    for name, items in emitted:
        target = targets.get(name)
        mine = [entry for entry in project.objects if (entry.target or usual) == name]
        if mine and isinstance(target, Joinable):
            added, found = objects.read(mine, files, folder)
            bag.extend(found)
            result = target.join(added, items, project, contexts[name])
            bag.extend(result.findings)
            items = list(result.items)
        joined.append((name, items))
    return joined


def _joins_nothing(entry: AddedObjects, targets: Collection[str], environment: str) -> Diagnostic:
    names = ", ".join(targets) or "none"
    where = f"no output of `{entry.target}`" if entry.target else "no cluster's output"
    return Diagnostic(
        code="PATCH016",
        message=f"the files of `objects.{entry.name}` join nothing: `{environment}` has {where}",
        at=Label(path=(*entry.origin.path, "target") if entry.target else entry.origin.path, on="value"),
        help=f"targets that take files here: {names}; or set it to null under `environments.{environment}.objects`",
        severity="warning",
    )


def _closed(
    name: str, emitted: Emitted, project: Project, targets: Registry, contexts: Mapping[str, EmitContext]
) -> list[Document | TextFile]:
    """The files of a target, completed by it where it goes by what all targets emit."""
    target = targets.get(name)
    if isinstance(target, Closing):
        return list(target.close(emitted, project, contexts[name]))
    return next(items for one, items in emitted if one == name)


def _nodes(analysis: Analysis) -> dict[Path, str]:
    """The places of all nodes that have an owner or will have one, and the owner's name. Who runs the graph has step
    outputs in hand."""
    project, profile, owners = analysis.project, analysis.profile, analysis.owners
    assert project is not None and profile is not None and owners is not None
    found = {item.path: owners.of[item.id] for item in asked(project, profile) if item.id in owners.of}
    artifacts = {project.artifacts.origin.path: owners.of["graph"]} if "graph" in owners.of else {}
    return {**analysis.later, **found, **artifacts}


def _is_secret(name: str, text: str) -> bool:
    return shape(text) is not None or names_secret(name, text)


def folder(analysis: Analysis, output: str | None) -> str:
    """The environment's output folder, relative to the spec's folder: below `manifests/`, or below `output`."""
    base = MANIFESTS if output is None else os.path.relpath(output, analysis.folder or ".").replace(os.sep, "/")
    return posixpath.normpath(posixpath.join(base, analysis.environment))


def store(
    built: Built,
    installed: Registry,
    *,
    environments: Collection[str],
    targets: Collection[str] = (),
    emit: Collection[str] = (),
) -> tuple[list[str], Bag]:
    """Write `built` and its index; a line for each thing that changed, and findings where nothing was written. Nothing
    is where the check that `built` waits for finds an error.

    `environments` are all of the project that have output. With `targets`, files of other targets stay what they are.
    `emit` adds `map` and `report` under `.mlwright/emit/` beside the spec.
    """
    from mlwright.emit import output  # what only validates does without

    root = FilePath(built.analysis.folder or ".").resolve()
    place = FilePath(os.path.normpath(root / built.folder))
    anchor = root if place.is_relative_to(root) else place.parent.parent
    files = _only(built.files, place, targets) if targets else built.files
    index = index_of(built, environments, files, partial=files != built.files)
    anchor.mkdir(parents=True, exist_ok=True)
    written, bag = output.write(
        place, files, index, executable=built.executable, anchor=anchor, sound=lambda: checked(built).ready
    )
    if written is None:
        return [], bag
    counts = ((len(written.added), "added"), (len(written.changed), "changed"), (len(written.removed), "removed"))
    told = [f"{count} {what}" for count, what in counts if count]
    name = posixpath.normpath(posixpath.join(built.analysis.folder or ".", built.folder))
    lines = [f"{name}: {', '.join(told)}"] if told else []
    return lines + _extras(built, root, emit, installed), bag


def index_of(
    built: Built, environments: Collection[str], files: Mapping[str, bytes], *, partial: bool = False
) -> indexes.Index:
    """The index of `files`, which are those of `built` or some of them."""
    beside = built.analysis.folder or "."
    return indexes.build(
        environment=built.analysis.environment,
        folder=built.folder,
        compiler=__version__,
        inputs={posixpath.relpath(path, beside): state for path, state in built.inputs.items()},
        files=files,
        environments=environments,
        executable=built.executable & files.keys(),
        partial=partial,
    )


def _only(files: Mapping[str, bytes], place: FilePath, targets: Collection[str]) -> dict[str, bytes]:
    """The files of `targets`, and those that other targets have written before, as they are on disk."""
    kept = {path: data for path, data in files.items() if path.partition("/")[0] in targets}
    try:
        previous = indexes.parse((place / indexes.NAME).read_bytes())
    except (OSError, indexes.UnreadableIndexError):
        return kept
    for path in previous.files:
        if path.partition("/")[0] not in targets and (place / path).is_file():
            kept[path] = (place / path).read_bytes()
    return kept


def _extras(built: Built, root: FilePath, emit: Collection[str], targets: Registry) -> list[str]:
    """What is recomputed on demand and never committed: a line for each file."""
    analysis = built.analysis
    made: dict[str, dict[str, Json]] = {}
    if "map" in emit:
        from mlwright.emit import map as maps

        made["map"] = maps.build(built.emitted)
    if "report" in emit:
        from mlwright.emit import report as reports

        assert analysis.project is not None
        tables = {name: targets.get(name).capabilities for name, _ in built.emitted}
        made["report"] = reports.build(
            analysis.environment,
            analysis.tree,
            tables,
            built.changes,
            analysis.project.patches,
            _nodes(analysis),
        )
    folder = root / EXTRAS / analysis.environment
    for name, value in made.items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_text(json.pretty(value), encoding="utf-8")
    base = posixpath.join(analysis.folder, EXTRAS, analysis.environment)
    return [f"{base}/{name}.json" for name in made]
