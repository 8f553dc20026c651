"""One project file understood: loaded, overlaid, validated, lowered and checked, once for each environment."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field

from mlwright import ir
from mlwright.diag import Bag, Diagnostic
from mlwright.emit import index as indexes
from mlwright.passes import PIPELINE
from mlwright.passes.check_argo import check_argo
from mlwright.passes.check_cluster import check_cluster
from mlwright.passes.check_environments import check_environments
from mlwright.passes.check_exposure import check_exposure
from mlwright.passes.check_katib import check_katib
from mlwright.passes.check_kserve import check_kserve
from mlwright.passes.check_pipelines import check_pipelines
from mlwright.passes.check_platform import check_platform
from mlwright.passes.check_tenancy import check_tenancy
from mlwright.passes.check_training import check_training
from mlwright.passes.checks import CHECKS
from mlwright.passes.defaults import fill_defaults
from mlwright.passes.graph import select
from mlwright.passes.lock import NAME as LOCK
from mlwright.passes.lock import Anything, Lock, read_lock
from mlwright.passes.lower import Lowered, lower
from mlwright.passes.models import expand_models
from mlwright.passes.pins import digests, pin_models
from mlwright.passes.serving import drop_unpinned
from mlwright.platform import Owners, Profile, assign
from mlwright.platform.demand import asked
from mlwright.platform.file import read_platform
from mlwright.record import dataclass, replace
from mlwright.registry import Registry
from mlwright.source import ignores as comments
from mlwright.source import overlay, references
from mlwright.source.files import FileMissing, FileTree, NotAFile
from mlwright.source.ignores import NOTHING, Ignores
from mlwright.source.load import load_file
from mlwright.source.suggest import closest
from mlwright.source.tree import Node, Plain, Scalar, at, from_plain, locate, located, plain
from mlwright.span import Path
from mlwright.spec import validate

UNUSED = frozenset({"STEP003", "SEC004", "CAT004"})
"""Warnings that something is not used, which only counts where no environment uses it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """One environment of one project. `project` is None where errors stopped the way to it; `findings` have spans.
    `later` are the places of endpoints, those without a version among them, and who owns them. `digests` are those of
    the lock, by image reference, for images that targets choose; `lock` is all of it, empty where it is damaged.
    `inputs` are what the environment was made from, see `Recording`. `ignores` are the comments of the files that were
    read, and `ignored` the findings that they leave out."""

    spec: str
    environment: str
    tree: Node
    profile: Profile | None = None
    project: ir.Project | None = None
    owners: Owners | None = None
    later: Mapping[Path, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)
    findings: tuple[Diagnostic, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    ignores: Ignores = NOTHING
    ignored: tuple[Diagnostic, ...] = ()

    @property
    def folder(self) -> str:
        """The spec's folder, relative to the root of the file tree; "" for the root itself."""
        return posixpath.dirname(self.spec)

    @property
    def ready(self) -> bool:
        """True when nothing stands against emitting."""
        return self.project is not None and not any(item.severity == "error" for item in self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All environments that were asked for, findings of the file as such, and what was wrong with the request. `names`
    are all environments that have output, asked for or not. `ignores` are the comments of all files that were read,
    `ignored` what they leave out of the file's findings."""

    environments: tuple[Analysis, ...] = ()
    names: tuple[str, ...] = ()
    findings: tuple[Diagnostic, ...] = ()
    usage_error: str = ""
    ignores: Ignores = NOTHING
    ignored: tuple[Diagnostic, ...] = ()

    def everything(self) -> Iterator[Diagnostic]:
        """All findings, those of the environments too."""
        yield from self.findings
        for one in self.environments:
            yield from one.findings


class Recording:
    """A file tree that remembers what it was asked: that makes the `inputs` of the output, as `emit.index` has them,
    by paths from the root of the tree. `texts` are the files that were read."""

    def __init__(self, files: FileTree) -> None:
        self._files = files
        self._states: dict[str, str] = {}
        self.texts: dict[str, bytes] = {}

    @property
    def inputs(self) -> dict[str, str]:
        return {**self._states, **{path: indexes.sha256(data) for path, data in self.texts.items()}}

    def read(self, path: str) -> bytes:
        self.size(path)
        data = self._files.read(path)
        self.texts[posixpath.normpath(path)] = data
        return data

    def size(self, path: str) -> int:
        try:
            return self._files.size(path)
        except FileMissing:
            self._found(path, indexes.ABSENT)
            raise
        except NotAFile:
            self._found(path, indexes.FOLDER)
            raise

    def exists(self, path: str) -> bool:
        return self._state(path) != indexes.ABSENT

    def isdir(self, path: str) -> bool:
        return self._state(path) == indexes.FOLDER

    def files(self, folder: str) -> Iterator[str]:
        names = list(self._files.files(folder))
        self._found(folder + indexes.HERE, indexes.listing(names))
        return iter(names)

    def walk(self, folder: str, name: str = "") -> Iterator[str]:
        paths = list(self._files.walk(folder, name))
        if not name:
            below = [posixpath.relpath(path, folder) for path in paths]
            self._found(folder + indexes.BELOW, indexes.listing(below))
        return iter(paths)

    def _state(self, path: str) -> str:
        there = self._files.exists(path)
        state = indexes.FOLDER if self._files.isdir(path) else indexes.FILE if there else indexes.ABSENT
        self._found(path, state)
        return state

    def _found(self, path: str, state: str) -> None:
        self._states.setdefault(posixpath.normpath(path), state)


def analyse(
    files: FileTree,
    spec: str,
    targets: Registry,
    *,
    envs: Sequence[str] = (),
    params: Mapping[str, ir.Json] | None = None,
    lock: Lock | None = None,
    changes: Plain = None,
) -> Outcome:
    """Understand the project file at `spec`. `envs` names the environments (default: all); `params` replaces
    defaults; `lock` stands in for the file beside the spec; `changes` are laid over every environment. What comments
    ignore is left out of the findings."""
    seen = Recording(files)
    outcome = _analyse(seen, spec, targets, envs, params or {}, lock, changes)
    ignores = comments.read(seen.texts)
    if ignores is NOTHING:
        return outcome
    findings, ignored = ignores.split(outcome.findings)
    return replace(
        outcome,
        environments=tuple(_quieter(one, ignores) for one in outcome.environments),
        findings=Bag([*findings, *ignores.findings]).ordered(),
        ignores=ignores,
        ignored=ignored,
    )


def _quieter(one: Analysis, ignores: Ignores) -> Analysis:
    findings, ignored = ignores.split(one.findings)
    return replace(one, findings=findings, ignores=ignores, ignored=ignored)


def _analyse(
    files: FileTree,
    spec: str,
    targets: Registry,
    envs: Sequence[str],
    params: Mapping[str, ir.Json],
    lock: Lock | None,
    changes: Plain,
) -> Outcome:
    shared = Recording(files)
    tree, bag = load_file(shared, spec)
    if tree is None or bag.failed:
        return Outcome(findings=bag.ordered())
    tree, extended = overlay.resolve_extends(tree, spec, shared)
    bag.extend(extended)
    tree = overlay.expand(tree)
    bag.extend(located(overlay.findings(tree), tree))
    if bag.failed:
        return Outcome(findings=bag.ordered())
    trees = overlay.environments(tree)
    if wrong := _unknown_environments(envs, trees):
        return Outcome(findings=bag.ordered(), usage_error=wrong)
    damaged = Bag()
    if lock is None:
        lock, damaged = read_lock(shared, posixpath.join(posixpath.dirname(spec), LOCK))
    if damaged.failed:
        lock = Lock(models=Anything(), images=lock.images)

    def understood(name: str) -> Analysis:
        own = Recording(files)
        one = _environment(own, spec, targets, name, _changed(trees[name], params, changes), lock)
        return replace(one, inputs=indexes.together(own.inputs, shared.inputs))

    analyses = tuple(understood(name) for name in trees if not envs or name in envs)
    between = _between(analyses)
    analyses = tuple(
        replace(
            one,
            lock=Lock() if damaged.failed else lock,
            findings=Bag([*damaged, *one.findings, *between.get(one.environment, ())]).ordered(),
        )
        for one in analyses
    )
    names = tuple(name for name in trees if not _is_local(trees[name], name))
    return Outcome(environments=_used_elsewhere(analyses), names=names, findings=bag.ordered())


def _is_local(tree: Node, name: str) -> bool:
    platform = at(tree, ("environments", name, "platform"))
    return isinstance(platform, Scalar) and platform.text == "local"


def _between(analyses: tuple[Analysis, ...]) -> dict[str, Bag]:
    """What is wrong between environments, by the environment that it is told of."""
    resolved = {one.environment: (one.project, one.profile) for one in analyses if one.project and one.profile}
    trees = {one.environment: one.tree for one in analyses}
    found: dict[str, Bag] = {}
    for item in check_environments(list(resolved.values())):
        there = locate(trees[item.related])
        related = tuple(replace(label, span=there(label)) for label in item.finding.related)
        finding = Bag([replace(item.finding, related=related)])
        found.setdefault(item.at, Bag()).extend(located(finding, trees[item.at]))
    return found


def _used_elsewhere(analyses: tuple[Analysis, ...]) -> tuple[Analysis, ...]:
    """The analyses without `unused` findings about what another environment uses."""
    unused = [
        {item.span for item in one.findings if item.code in UNUSED} for one in analyses if one.project is not None
    ]
    if len(unused) < 2:
        return analyses
    everywhere = set.intersection(*unused)
    return tuple(
        replace(one, findings=tuple(f for f in one.findings if f.code not in UNUSED or f.span in everywhere))
        for one in analyses
    )


def default_environment(environments: Sequence[Analysis]) -> str | None:
    """The environment to use when none is named: the default one, else the only one, else None."""
    marked = [
        item.environment
        for item in environments
        if isinstance(node := at(item.tree, ("environments", item.environment, "default")), Scalar)
        and node.value is True
    ]
    if marked:
        return marked[0]
    return environments[0].environment if len(environments) == 1 else None


def _unknown_environments(envs: Sequence[str], trees: Collection[str]) -> str:
    for name in envs:
        if name not in trees:
            near = closest(name, sorted(trees))
            hint = f"did you mean {near!r}?" if near else f"there is {', '.join(trees)}"
            return f"there is no environment {name!r}: {hint}"
    return ""


def _changed(tree: Node, params: Mapping[str, ir.Json], changes: Plain) -> Node:
    if changes is not None:
        tree = overlay.merge(tree, from_plain(changes, tree.span), "a trial")
    section = at(tree, ("params",))
    if not params or section is None:
        return tree
    changes = {"params": {name: {"default": references.escaped(value)} for name, value in params.items()}}
    return overlay.merge(tree, from_plain(changes, section.span), "the command line")


def _environment(files: FileTree, spec: str, targets: Registry, name: str, tree: Node, lock: Lock) -> Analysis:
    findings = Bag()
    tree = expand_models(fill_defaults(tree), findings)
    tree, found = references.substitute(tree, _known(tree, name))
    findings.extend(found)
    if findings.failed:
        return Analysis(spec=spec, environment=name, tree=tree, findings=located(findings, tree).ordered())
    project, shape = validate(tree)
    findings.extend(shape)
    made = Analysis(spec=spec, environment=name, tree=tree)
    if project is None or findings.failed:
        return replace(made, findings=located(findings, tree).ordered())
    path: Path = ("environments", name, "platform")
    folder = posixpath.dirname(spec)
    profile, elsewhere = read_platform(files, folder, project.environments[name].platform, path)
    findings.extend(elsewhere)
    if profile is None:
        return replace(made, findings=located(findings, tree).ordered())
    lowered = lower(project, tree, environment=name, profile=profile, lock=lock, files=files, folder=folder)
    findings.extend(lowered.bag)
    made = replace(made, profile=profile)
    if findings.failed:
        return replace(made, findings=located(findings, tree).ordered())
    program = pin_models(_passes(lowered, findings), lock)
    for check in CHECKS:
        findings.extend(check(program))
    findings.extend(check_platform(program, profile))
    findings.extend(check_argo(program, profile))
    findings.extend(check_pipelines(program, profile))
    whole, program = program, drop_unpinned(program, findings)
    owners = _owners(program, profile, targets, name)
    later = {} if program == whole else _later(whole, profile, targets, name)
    findings.extend(owners.findings)
    findings.extend(check_cluster(program, profile, owners.of))
    findings.extend(check_exposure(program, profile, owners.of))
    if profile.has("kubeflow.kserve"):
        findings.extend(check_kserve(program, profile, owners.of))
    findings.extend(check_tenancy(program, profile, owners.of))
    findings.extend(check_katib(program, profile, owners.of))
    findings.extend(check_training(program, profile, owners.of))
    made = replace(made, project=program, owners=owners, later=later, digests=digests(program, lock))
    return replace(made, findings=located(findings, tree).ordered())


def _passes(lowered: Lowered, findings: Bag) -> ir.Project:
    program = lowered.project
    for step in PIPELINE:
        program = step(program, findings)
    return replace(program, pipelines=select(program, lowered.selections))


def _known(tree: Node, environment: str) -> dict[str, ir.Json]:
    """What references are worth at compile time: the project's and environment's names, and parameters' defaults."""
    known: dict[str, ir.Json] = {"environment.name": environment}
    name = at(tree, ("metadata", "name"))
    if isinstance(name, Scalar) and isinstance(name.value, str):
        known["metadata.name"] = name.value
    params = at(tree, ("params",))
    section = plain(params) if params is not None else {}
    for key, value in section.items() if isinstance(section, dict) else ():
        default = value.get("default") if isinstance(value, dict) else value
        if default is not None:
            known[f"params.{key}"] = references.literal(default)
    return known


def _later(whole: ir.Project, profile: Profile, targets: Registry, name: str) -> dict[Path, str]:
    """Who will own the endpoints that wait for a version, too: what it cannot express is told now."""
    of = _owners(whole, profile, targets, name).of
    return {item.path: of[item.id] for item in asked(whole, profile) if item.kind == "endpoint" and item.id in of}


def _owners(program: ir.Project, profile: Profile, targets: Registry, name: str) -> Owners:
    if profile.local:
        return Owners(of={}, ignored={}, findings=())
    return assign(
        asked(program, profile),
        orchestrator=profile.orchestrator,
        systems=profile.systems,
        installed=targets.names,
        environment=name,
        platform=profile.label(name),
    )
