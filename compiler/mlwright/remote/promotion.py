"""`mlwright promote`: another version behind an alias, in the lock and, where asked, in the registry."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mlwright import ir
from mlwright.analysis import Analysis, analyse, default_environment
from mlwright.diag import Diagnostic
from mlwright.passes.lock import NAME, Anything, Lock, read_lock
from mlwright.passes.occurrences import registrations
from mlwright.registry import Registry
from mlwright.remote import demand, evidence, lockfile, versions
from mlwright.remote.address import AddressError
from mlwright.remote.client import Client, MissingError, Version
from mlwright.remote.http import RemoteError
from mlwright.remote.locking import Connect
from mlwright.remote.objects import LOCKED
from mlwright.source.files import FileTree
from mlwright.source.suggest import closest


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """What a promotion did. `before` is empty where nothing was locked; `chosen` says what decided on the version.

    `effects` are (place in the spec, what changes there), `measured` what gates found of both versions. `written`: the
    lock file is another one now; `applied`: the registry says so too, read back.
    """

    spec: str
    environment: str
    key: str
    before: str
    after: str
    chosen: str
    effects: tuple[tuple[str, str], ...]
    measured: tuple[evidence.Measure, ...] = ()
    written: bool = False
    applied: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why nothing was promoted: findings of the project, a request that makes no sense, or what the registry says."""

    findings: tuple[Diagnostic, ...] = ()
    usage_error: str = ""
    reason: str = ""


def promote(
    files: FileTree,
    spec: str,
    targets: Registry,
    *,
    model: str,
    alias: str,
    number: str,
    env: str | None,
    apply: bool,
    connect: Connect,
) -> Promotion | Refusal:
    """Lock version `number` of `model` as `alias` in one environment: `env`, else the default one, else the only one.
    Without `number` it is what passed last: the version that registration gave its own alias to.

    Raises OSError and lockfile.ChangedError where the lock file cannot be written.
    """
    path = posixpath.join(posixpath.dirname(spec), NAME)
    before = files.read(path) if files.exists(path) and not files.isdir(path) else None
    lock, damage = read_lock(files, path)
    if damage.failed:
        return Refusal(findings=damage.ordered())
    one = _environment(files, spec, targets, env, lock)
    if isinstance(one, Refusal):
        return one
    project = one.project
    assert project is not None
    uses = [use for use in demand.aliases(project) if (use.model, use.alias) == (model, alias)]
    if wrong := _pointless(project, model, alias, uses, apply):
        return Refusal(usage_error=wrong)
    try:
        client = connect(one)
        version, chosen = _choose(client, project, model, alias, number)
        entry = versions.entry(client, version, project.tracking)
        place = (one.environment, f"{model}@{alias}")
        locked = any(use.locked for use in uses)
        made = replace(lock, models={**lock.models, place: entry}) if locked else lock
        had = lock.models[place].version if place in lock.models else ""
        if not locked:
            had = _pointed(client, model, alias)
        measured = evidence.compare(client, project, model, had, version.version)
        if apply:
            _apply(client, model, alias, version.version, one.environment, made)
    except AddressError as error:
        return Refusal(usage_error=str(error))
    except RemoteError as error:
        return Refusal(reason=str(error))
    text = lockfile.text(made, before)
    written = made != lock
    if written:
        lockfile.save(Path(path), text, before)
    return Promotion(
        spec=spec,
        environment=one.environment,
        key=place[1],
        before=had,
        after=version.version,
        chosen=chosen,
        effects=tuple(_effects(project, uses, had, version.version, made)),
        measured=measured,
        written=written,
        applied=apply,
    )


def _environment(files: FileTree, spec: str, targets: Registry, env: str | None, lock: Lock) -> Analysis | Refusal:
    envs = (env,) if env else ()
    outcome = analyse(files, spec, targets, envs=envs, lock=Lock(models=Anything(), images=lock.images))
    if outcome.usage_error:
        return Refusal(usage_error=outcome.usage_error)
    if not outcome.environments:
        return Refusal(findings=outcome.findings)
    chosen = env or default_environment(outcome.environments)
    if chosen is None:
        names = ", ".join(one.environment for one in outcome.environments)
        return Refusal(usage_error=f"choose an environment with --env: {names}")
    one = next(one for one in outcome.environments if one.environment == chosen)
    return one if one.project is not None else Refusal(findings=(*outcome.findings, *one.findings))


def _pointless(project: ir.Project, model: str, alias: str, uses: Sequence[demand.Use], apply: bool) -> str:
    """Why promoting would change nothing; empty where it does."""
    environment, key = project.environment.name, f"{model}@{alias}"
    if not uses:
        used = sorted({use.key for use in demand.aliases(project)})
        if not used:
            return f"nothing in {environment} uses a registered model: there is nothing to promote"
        near = closest(key, used)
        hint = f"did you mean {near}?" if near else f"it uses {', '.join(used)}"
        return f"nothing in {environment} uses {key}: {hint}"
    if apply or any(use.locked for use in uses):
        return ""
    return (
        f"{environment} finds {key} in the registry when it runs, so its lock has no entry to change:"
        " --apply moves the alias there"
    )


def _choose(client: Client, project: ir.Project, model: str, alias: str, number: str) -> tuple[Version, str]:
    """The version to promote and what decided on it. Raises VersionError."""
    if number:
        return versions.pick(client, model, number), ""
    given = next((node.alias for node in registrations(project) if node.model == model), alias)
    if not given or (given == alias and any(node.model == model for node in registrations(project))):
        raise versions.VersionError(
            f"say which version is to be {model}@{alias} with --version: {versions.known(client, model)}"
        )
    try:
        return client.version_of(model, given), f"which @{given} points at"
    except MissingError as error:
        text = f"no version of {model} is @{given} yet, so name one with --version: {versions.known(client, model)}"
        raise versions.VersionError(text) from error


def _pointed(client: Client, model: str, alias: str) -> str:
    try:
        return client.version_of(model, alias).version
    except MissingError:
        return ""


def _apply(client: Client, model: str, alias: str, number: str, environment: str, lock: Lock) -> None:
    """Move the alias in the registry and mark what the lock has of this model (the tag's value are the environments,
    separated by commas), then read both back."""
    client.set_alias(model, alias, number)
    mine = [(key, entry) for (name, key), entry in lock.models.items() if name == environment]
    pinned = {entry.version for key, entry in mine if key.rpartition("@")[0] == model}
    for version in client.versions(model):
        held = set(filter(None, version.tags.get(LOCKED, "").split(",")))
        wanted = held | {environment} if version.version in pinned else held - {environment}
        if wanted == held:
            continue
        if wanted:
            client.tag_version(model, version.version, LOCKED, ",".join(sorted(wanted)))
        else:
            client.untag_version(model, version.version, LOCKED)
    found = client.version_of(model, alias)
    marked = environment in client.version(model, number).tags.get(LOCKED, "").split(",")
    if found.version != number or marked != (number in pinned):
        raise versions.VersionError(
            f"{client.url} does not say what was written: {model}@{alias} is version {found.version} there, "
            f"and version {number} is {'' if marked else 'not '}marked as locked"
        )


def _effects(
    project: ir.Project, uses: Sequence[demand.Use], before: str, after: str, lock: Lock
) -> Iterator[tuple[str, str]]:
    instead = f" instead of {before}" if before and before != after else ""
    words = {"endpoint": "serves", "variant": "serves", "step": "reads", "gate": "compares with"}
    for use in uses:
        what = f"{words[use.kind]} version {after}{instead}"
        if use.kind in ("endpoint", "variant") and use.locked:
            yield use.where, what + _share(project, use)
        elif use.locked:
            yield use.where, what
        elif use.kind in ("endpoint", "variant"):
            yield use.where, "serves what the run registers, as before (binding: run)"
        else:
            yield use.where, f"{what}, at its next run"
    mine = {use.where for use in uses}
    for use in demand.aliases(project):
        beside = any(use.where.startswith(f"{place}.") or place.startswith(f"{use.where}.") for place in mine)
        if use.kind in ("endpoint", "variant") and use.locked and beside and use.where not in mine:
            entry = lock.models.get((project.environment.name, use.key))
            still = f"still serves version {entry.version}" if entry else "serves nothing yet"
            yield use.where, still + _share(project, use)


def _share(project: ir.Project, use: demand.Use) -> str:
    """How much of the requests an endpoint's own model or variant gets, where there is more than one."""
    service = next(item for item in project.services if use.where == item.id or use.where.startswith(f"{item.id}."))
    if not service.variants:
        return ""
    name = use.where.removeprefix(f"{service.id}.variants.")
    for variant in service.variants:
        if use.where != service.id and variant.name == name:
            return ", a copy of every request" if variant.traffic < 0 else f", {variant.traffic} % of requests"
    return f", {100 - sum(max(0, variant.traffic) for variant in service.variants)} % of requests"
