"""One environment of one project, for what works with it: runs it, brings it up, compares a cluster or a tracking
server with it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from mlwright import ir, registry
from mlwright.analysis import Analysis, Outcome, analyse, default_environment
from mlwright.api import Result, only
from mlwright.diag import Bag, Diagnostic, Locate
from mlwright.platform import Owned, Profile
from mlwright.platform import owned as who_owns
from mlwright.platform.demand import asked
from mlwright.record import dataclass
from mlwright.source.files import Disk
from mlwright.source.projects import projects
from mlwright.source.tree import Scalar, at, locate

if TYPE_CHECKING:
    from mlwright.remote.wanted import Wanted
    from mlwright.review.drift.model import Drift


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One environment ready to run: the IR and the spec's folder; `project` is None where `result` says why not.
    `locate` finds the places of the environment's own tree, None where there is none; `output` is the folder of its
    output where that has been written, and `environment` the name of the one that was chosen."""

    result: Result
    project: ir.Project | None = None
    folder: FilePath = FilePath()
    locate: Locate | None = None
    output: FilePath = FilePath()
    environment: str = ""

    def located(self, found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """Findings of the run with their places in the source; one that is about no place there stays as it is."""
        if self.locate is None:
            return tuple(found)
        return tuple(one for item in found for one in (Bag([item]).located(self.locate) if item.at.path else [item]))


def program(path: str | None = None, *, env: str | None = None, params: Mapping[str, ir.Json] | None = None) -> Program:
    """The program of one environment, for `mlwright run`: `env`, else the default one, else the only one."""
    spec, wrong = only(path)
    if wrong:
        return Program(result=Result(usage_error=wrong))
    outcome = analyse(Disk("."), spec, registry.installed(), envs=(env,) if env else (), params=params)
    if outcome.usage_error:
        return Program(result=Result(usage_error=outcome.usage_error))
    found, wrong = _chosen(outcome, env)
    if wrong:
        return Program(result=Result(usage_error=wrong))
    if found is None:
        return Program(result=Result(diagnostics=Bag(outcome.findings).ordered()), folder=_beside(spec))
    if found.profile is not None and found.profile.orchestrator != "compose":
        return _elsewhere(found)
    bag = Bag([*outcome.findings, *found.findings])
    return Program(
        result=Result(diagnostics=bag.ordered()),
        project=None if bag.failed or not found.ready else found.project,
        folder=_beside(spec),
        locate=locate(found.tree),
        environment=found.environment,
    )


def deployment(path: str | None = None, *, env: str | None = None) -> Program:
    """The same for `mlwright up`, with its Compose output written: `env`, else the default environment where that is
    for Compose, else the only one that is."""
    from mlwright import build as building

    spec, wrong = only(path)
    if wrong:
        return Program(result=Result(usage_error=wrong))
    installed = registry.installed()
    outcome = analyse(Disk("."), spec, installed, envs=(env,) if env else ())
    if outcome.usage_error:
        return Program(result=Result(usage_error=outcome.usage_error))
    chosen = _deployed(outcome, env)
    if isinstance(chosen, str):
        return Program(result=Result(diagnostics=Bag(outcome.everything()).ordered(), usage_error=chosen))
    bag, written = Bag([*outcome.findings, *chosen.findings]), list[str]()
    place = building.folder(chosen, None)
    if chosen.ready:
        built = building.build(chosen, installed, folder=place, files=Disk("."))
        bag.extend(built.findings)
        if built.ready:
            written, found = building.store(built, installed, environments=outcome.names)
            bag.extend(found)
    return Program(
        result=Result(diagnostics=bag.ordered(), written=tuple(written)),
        project=None if bag.failed else chosen.project,
        folder=_beside(spec),
        locate=locate(chosen.tree),
        output=_beside(spec) / place / "compose",
        environment=chosen.environment,
    )


def drift(
    path: str | None = None, *, env: str | None = None, kubeconfig: str = "", context: str = ""
) -> tuple[Result, Drift | None]:
    """How a cluster differs from what an environment compiles to now: `env`, else the default one, else the only one.
    None where the result says why not. Nothing is written, here or there."""
    from mlwright import build as building

    spec, wrong = only(path)
    if wrong:
        return Result(usage_error=wrong), None
    installed = registry.installed()
    outcome = analyse(Disk("."), spec, installed, envs=(env,) if env else ())
    bag = Bag(outcome.findings)
    found, wrong = _chosen(outcome, env)
    if found is None:
        return Result(diagnostics=bag.ordered(), usage_error=outcome.usage_error or wrong), None
    bag.extend(found.findings)
    if found.profile is not None and found.profile.orchestrator == "compose":
        command = "run" if found.profile.local else "up"
        name = found.environment
        why = f"{name!r} is not for a cluster: see what it does with `mlwright {command} --env {name}`"
        return Result(diagnostics=bag.ordered(), usage_error=why), None
    if not found.ready:
        return Result(diagnostics=bag.ordered()), None
    built = building.build(found, installed, folder=building.folder(found, None), files=Disk("."))
    bag.extend(built.findings)
    if not built.ready:
        return Result(diagnostics=bag.ordered()), None
    from mlwright.engine import drift as looking
    from mlwright.remote.cluster import ClusterError, connect

    try:
        return Result(diagnostics=bag.ordered()), looking.look(built, installed, connect(kubeconfig, context))
    except ClusterError as error:
        return Result(diagnostics=bag.ordered(), usage_error=str(error)), None


def tracked(
    paths: Sequence[str] = (), *, env: str | None = None, environ: Mapping[str, str]
) -> tuple[Result, tuple[Wanted, ...]]:
    """What the tracking servers of the projects at `paths` are to hold, in the environment `env`, the default or the
    only one; nothing where the result says why not. Whether a target is installed does not matter here."""
    from mlwright.remote import secrets
    from mlwright.remote.wanted import Wanted

    specs = projects(paths)
    if isinstance(specs, str):
        return Result(usage_error=specs), ()
    bag, made = Bag(), list[Wanted]()
    for spec in specs:
        outcome = analyse(Disk("."), spec, registry.installed())
        names = [item.environment for item in outcome.environments]
        if env is not None and names and env not in names:
            return Result(usage_error=f"{spec} has no environment {env!r}: there is {', '.join(names)}"), ()
        bag.extend(outcome.findings)
        chosen = env or default_environment(outcome.environments)
        if chosen is None and names:
            return Result(usage_error=f"choose an environment of {spec} with --env: {', '.join(names)}"), ()
        for one in outcome.environments:
            if one.environment != chosen:
                continue
            bag.extend(item for item in one.findings if not item.code.startswith("OWN"))
            if one.project is not None:
                folder = FilePath(posixpath.dirname(spec) or ".")
                values = secrets.collect(one.project, environ, folder / ".env")
                others = _used_by(outcome.environments, chosen)
                wanted = Wanted(project=one.project, folder=folder, spec=spec, elsewhere=others, values=values)
                made.append(wanted)
    return Result(diagnostics=bag.ordered()), () if bag.failed else tuple(made)


def owned(env: str) -> tuple[Result, tuple[Owned, ...]]:
    """Which target owns which node of an environment of the project here, and why; nothing where the result says why
    not, and where the platform is `local`, which has no targets."""
    spec, wrong = only(None)
    if wrong:
        return Result(usage_error=wrong), ()
    outcome = analyse(Disk("."), spec, registry.installed(), envs=(env,))
    result = Result(diagnostics=Bag(outcome.everything()).ordered(), usage_error=outcome.usage_error)
    found: list[Owned] = []
    for one in outcome.environments if not result.failed else ():
        assert one.project is not None and one.profile is not None and one.owners is not None
        nodes, profile = asked(one.project, one.profile), one.profile
        found += who_owns(nodes, one.owners, orchestrator=profile.orchestrator, systems=profile.systems)
    return result, tuple(found)


def _chosen(outcome: Outcome, env: str | None) -> tuple[Analysis | None, str]:
    """The analysis of `env`, else of the default environment, else of the only one; and what to do where several could
    be meant."""
    chosen = env or default_environment(outcome.environments)
    found = next((one for one in outcome.environments if one.environment == chosen), None)
    names = ", ".join(one.environment for one in outcome.environments)
    return found, f"choose an environment with --env: {names}" if names and found is None else ""


def _deployed(outcome: Outcome, env: str | None) -> Analysis | str:
    """The analysis of the environment to bring up, or why there is none."""
    fitting = [item for item in outcome.environments if item.profile is None or _is_compose(item.profile)]
    default = env or default_environment(outcome.environments)
    for item in fitting:
        if item.environment == default:
            return item
    if env:
        here = any(item.environment == env and item.profile and item.profile.local for item in outcome.environments)
        cluster = f"mlwright compile --env {env}, then kubectl apply --server-side -k manifests/{env}"
        return f"the environment {env!r} is not for Compose: {f'mlwright run --env {env}' if here else cluster}"
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        return "no environment of this project is for Compose: add one with `platform: compose`"
    return f"choose an environment with --env: {', '.join(item.environment for item in fitting)}"


def _is_compose(profile: Profile) -> bool:
    return profile.orchestrator == "compose" and not profile.local


def _beside(spec: str) -> FilePath:
    """The folder of a project file."""
    return FilePath(posixpath.dirname(spec) or ".").resolve()


def _elsewhere(analysis: Analysis) -> Program:
    """Why an environment of a cluster does not run here."""
    from mlwright.runner.plan import elsewhere

    platform = at(analysis.tree, ("environments", analysis.environment, "platform"))
    finding = elsewhere(analysis.environment, platform.text if isinstance(platform, Scalar) else "a cluster")
    found = Bag([finding]).located(locate(analysis.tree)).ordered()
    return Program(result=Result(diagnostics=found, usage_error=finding.message))


def _used_by(analyses: Iterable[Analysis], chosen: str | None) -> dict[tuple[str, str], str]:
    """Experiments and models, by kind and name, of all environments but `chosen`, with the environment."""
    found: dict[tuple[str, str], str] = {}
    for one in analyses:
        if one.project is not None and one.environment != chosen:
            found.update({("experiment", item.name): one.environment for item in one.project.catalog.experiments})
            found.update({("model", item.name): one.environment for item in one.project.catalog.models})
    return found
