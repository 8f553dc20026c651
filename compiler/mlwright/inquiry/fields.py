"""What a place in the project file says in each environment, and what became of it."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from mlwright import build, registry
from mlwright.analysis import Analysis, Outcome, analyse
from mlwright.api import Result, only
from mlwright.inquiry.errors import BrokenProjectError, InquiryError
from mlwright.record import dataclass, replace
from mlwright.review import layers, trial
from mlwright.review.layers import Layer
from mlwright.review.provenance import Place, Provenance
from mlwright.source.files import Disk
from mlwright.source.overlay import OWN_FIELDS
from mlwright.source.suggest import closest
from mlwright.source.tree import Map, Node, Plain, Seq, at
from mlwright.span import Path, Span, dotted
from mlwright.spec import lookup
from mlwright.spec.lookup import Described

_MOST = 12
"""Scalars of a mapping that are tried one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is known of one place in the project file, in one environment.

    `text` is the value on one line, "" where it is not given. `layers` is the chain, the weakest first. `places` are
    the emitted values that it decides, in files below `output`; `sure` is true where that was found by compiling with
    another value. `note` says why there are none.
    """

    spec: str
    environment: str
    path: Path
    text: str = ""
    given: bool = False
    described: Described | None = None
    span: Span | None = None
    layers: tuple[Layer, ...] = ()
    output: str = ""
    places: tuple[Place, ...] = ()
    sure: bool = False
    note: str = ""


def field(text: str, project: str | None = None, *, env: str | None = None) -> tuple[Answer, ...]:
    """What is known of a place in the project file such as `training.resources`: in the environment `env` with all that
    it became, else in every environment without that. Raises InquiryError and BrokenProjectError."""
    spec, wrong = only(project)
    if wrong:
        raise InquiryError(wrong)
    path = layers.parse(text)
    if path is None:
        raise InquiryError(f"{text!r} is no place in a project file: write one like training.resources.gpu")
    if path[:1] == ("environments",) and len(path) > 2:
        env = env or str(path[1])
    return fields(path, spec, env)


def fields(path: Path, spec: str, env: str | None) -> tuple[Answer, ...]:
    """The same for a path of the project file `spec`."""
    environments = understood(spec, env).environments
    if len(environments) == 1:
        return (_whole(_own(path, environments[0]), environments[0]),)
    found = tuple(brief(_own(path, one), one) for one in environments)
    if not any(item.layers or _possible(path, one.tree) for item, one in zip(found, environments, strict=True)):
        raise InquiryError(_unknown(path, [one.tree for one in environments]))
    return found


def understood(spec: str, env: str | None) -> Outcome:
    """The environments of a project. Raises InquiryError and BrokenProjectError."""
    outcome = analyse(Disk("."), spec, registry.installed(), envs=(env,) if env else ())
    if outcome.usage_error:
        raise InquiryError(outcome.usage_error)
    if not outcome.environments:
        raise BrokenProjectError(Result(diagnostics=outcome.findings))
    return outcome


def _own(path: Path, analysis: Analysis) -> Path:
    """`environments.prod.training` is `training`, seen in `prod`."""
    rest = path[2:] if path[:2] == ("environments", analysis.environment) else ()
    return rest if rest and str(rest[0]) not in OWN_FIELDS else path


def brief(path: Path, analysis: Analysis) -> Answer:
    """What the layers say of a path, without what it became."""
    node = at(analysis.tree, path)
    chain = layers.Layers(Disk("."), analysis.spec).of(path, analysis.environment, analysis.tree)
    return Answer(
        spec=analysis.spec,
        environment=analysis.environment,
        path=path,
        text="" if node is None else layers.shown(node, path),
        given=node is not None,
        described=lookup.describe(path, analysis.tree),
        span=next((layer.span for layer in chain if layer.wins), None),
        layers=chain,
    )


def _whole(path: Path, analysis: Analysis) -> Answer:
    answer = brief(path, analysis)
    if not answer.layers and not _possible(path, analysis.tree):
        raise InquiryError(_unknown(path, [analysis.tree]))
    if analysis.profile is not None and analysis.profile.local:
        return replace(answer, note=f"`mlwright run --env {analysis.environment}` reads it: nothing is emitted here")
    if waiting := _waiting(path, analysis):
        return replace(answer, note=f"{waiting} waits for a version in mlproject.lock: `mlwright lock` pins one")
    if (built := built_of(analysis)) is None:
        return replace(answer, note=f"{analysis.environment} has errors, so nothing is emitted: `mlwright validate`")
    provenance = Provenance(built, Disk("."))
    places, sure = _became(path, provenance)
    output = posixpath.normpath(posixpath.join(analysis.folder or ".", built.folder))
    return replace(answer, places=places, sure=sure, output=output)


def _waiting(path: Path, analysis: Analysis) -> str:
    """The endpoint around a path that nothing is emitted for before the lock pins its version; "" for none."""
    services = analysis.project.services if analysis.project is not None else ()
    there = {service.origin.path for service in services}
    return next((dotted(place) for place in analysis.later if path[: len(place)] == place and place not in there), "")


def built_of(analysis: Analysis) -> build.Built | None:
    """The output of an environment; None where there is none, or errors stand against it."""
    if not analysis.ready or analysis.profile is None or analysis.profile.local:
        return None
    place = build.folder(analysis, None)
    built = build.build(analysis, registry.installed(), folder=place, files=Disk("."))
    return built if built.emitted and built.files else None


def _became(path: Path, provenance: Provenance) -> tuple[tuple[Place, ...], bool]:
    """The emitted values that a place decides, and whether that was tried rather than taken from likeness."""
    tree = provenance.built.analysis.tree
    node = at(tree, path)
    tried = trial.scalars(tree, path, _MOST + 1) if node is not None else []
    declared = [place for place in provenance.became(path) if not place.near]
    found: dict[tuple[str, int, Path], Place] = {(one.file, one.line, one.path): one for one in declared}
    sure = bool(tried) and len(tried) <= _MOST and not declared
    for leaf in tried if sure else ():
        differing = tried_at(leaf, provenance)
        if differing is None:
            sure = False
            break
        for file, paths in differing.items():
            for inner in paths:
                place = provenance.find(file, inner)
                found[place.file, place.line, place.path] = place
    if not sure:
        found.update({(one.file, one.line, one.path): one for one in provenance.became(path)})
    return tuple(sorted(found.values(), key=lambda one: (one.file, one.line))), sure


def tried_at(path: Path, provenance: Provenance) -> dict[str, list[Path]] | None:
    """What is emitted otherwise with another value at `path`, or without it; None where no change is sound, or where
    only its removal is and that changes nothing: the value is then the default."""
    analysis = provenance.built.analysis
    described = lookup.describe(path, analysis.tree)
    for changes in trial.others(analysis.tree, path, described.choices if described else ()):
        if (found := _with(changes, provenance)) is not None:
            return found
    removable = isinstance(path[-1], str) and at(analysis.tree, path) is not None
    return _with(trial.laid(analysis.tree, path, None), provenance, joined=False) or None if removable else None


def _with(changes: Plain, provenance: Provenance, *, joined: bool = True) -> dict[str, list[Path]] | None:
    analysis = provenance.built.analysis
    chosen = (analysis.environment,)
    outcome = analyse(Disk("."), analysis.spec, registry.installed(), envs=chosen, changes=changes)
    for one in outcome.environments:
        if (built := built_of(one)) is not None:
            return trial.differing(provenance.built.emitted, built.emitted, joined=joined)
    return None


def _possible(path: Path, tree: Node) -> bool:
    """Whether a path that nothing gives may be given: a field of the language, below names that are there."""
    named = (size for size in range(len(path)) if not lookup.names(path[:size], tree))
    return lookup.describe(path, tree) is not None and all(at(tree, path[: size + 1]) is not None for size in named)


def _unknown(path: Path, trees: Sequence[Node]) -> str:
    """There is no such place: the nearest that there is, and what was probably meant."""
    for size in range(len(path)):
        above, part = path[:size], path[size]
        here = [node for tree in trees if (node := at(tree, above)) is not None]
        known = {key for node in here if isinstance(node, Map) for key in node.entries}
        known |= {name for tree in trees for name in lookup.names(above, tree)}
        if part not in known and not (isinstance(part, int) and any(isinstance(node, Seq) for node in here)):
            near = closest(str(part), sorted(known))
            where = f"`{dotted(above)}` has" if above else "the project file has"
            if near:
                return f"{where} no {part!r}: did you mean {dotted((*above, near, *path[size + 1 :]))}?"
            some = ", ".join(sorted(known)[:12])
            return f"{where} no {part!r}" + (f": there is {some}" if some else "")
    return f"there is no `{dotted(path)}`"
