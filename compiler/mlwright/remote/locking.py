"""`mlwright lock`: what a project needs pinned against what its lock has and what registries say now."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeVar

from mlwright.analysis import Analysis, analyse
from mlwright.build import build, folder
from mlwright.diag import Diagnostic
from mlwright.passes.lock import NAME, Anything, Lock, LockedImage, LockedModel, read_lock
from mlwright.registry import Registry
from mlwright.remote import demand, lockfile, versions
from mlwright.remote.address import AddressError
from mlwright.remote.client import AT_ONCE, Client, MissingError
from mlwright.remote.http import RemoteError, UnreachableError
from mlwright.remote.oci import Found, ImageError
from mlwright.source.files import FileTree

Job = TypeVar("Job")
Done = TypeVar("Done")
Mode = Literal["add", "update", "check"]
State = Literal["same", "added", "moved", "dropped", "absent", "gone", "built", "skipped", "failed"]
"""`moved`: the registry says another thing than the lock; `absent`: it has nothing under that name yet; `gone`: not any
more; `built`: an image of this project that no registry has; `skipped`: an environment of `mlwright run`, whose server
does not last; `failed`: the registry could not be asked."""

_UNKNOWN = "LOCK004"
"""What locking mends: an image whose entry point is not known yet."""

Connect = Callable[[Analysis], Client]
"""The tracking server of an environment. Raises AddressError."""
Resolve = Callable[[str, str], Found | None]
"""What an image reference is now, None where it still has the given digest. Raises ImageError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry: an alias of an environment, or an image (`environment` is empty). `before` and `after` are versions
    or digests; `why` says in words what `state` does not. `uses` are the places in the spec that an alias is for."""

    environment: str
    key: str
    state: State
    before: str = ""
    after: str = ""
    why: str = ""
    uses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """What came of one project: `findings` where it cannot be locked as it is, else every entry, the tracking server
    that was asked for each environment, and whether the file on disk is another one now (with `check`: would be)."""

    spec: str
    findings: tuple[Diagnostic, ...] = ()
    changes: tuple[Change, ...] = ()
    servers: Mapping[str, str] = field(default_factory=dict)
    differs: bool = False
    usage_error: str = ""

    @property
    def path(self) -> str:
        """The lock file's."""
        return posixpath.join(posixpath.dirname(self.spec), NAME)


@dataclass(slots=True, kw_only=True)
class _Work:
    """One project's lock while it is being made anew."""

    lock: Lock
    mode: Mode
    models: dict[tuple[str, str], LockedModel] = field(default_factory=dict)
    images: dict[str, LockedImage] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    away: dict[str, str] = field(default_factory=dict)
    """Addresses that were given up on, with the reason: nothing else waits for them."""


def lock(
    files: FileTree,
    spec: str,
    targets: Registry,
    *,
    mode: Mode,
    env: str | None,
    connect: Connect,
    resolve: Resolve,
) -> Locked:
    """Make the lock beside `spec` what its environments need (`env`: one of them), and write it unless `mode` is
    `check`. Entries of registries that do not answer stay as they are. Raises OSError and lockfile.ChangedError."""
    path = posixpath.join(posixpath.dirname(spec), NAME)
    before = files.read(path) if files.exists(path) and not files.isdir(path) else None
    known, damage = read_lock(files, path)
    if damage.failed:
        return Locked(spec=spec, findings=damage.ordered())
    outcome = analyse(
        files, spec, targets, envs=(env,) if env else (), lock=Lock(models=Anything(), images=known.images)
    )
    if outcome.usage_error:
        return Locked(spec=spec, usage_error=outcome.usage_error)
    broken = [item for one in outcome.environments if one.project is None for item in one.findings]
    if broken or not outcome.environments:
        return Locked(spec=spec, findings=(*outcome.findings, *broken))
    work = _Work(lock=known, mode=mode)
    clients: dict[str, Client | AddressError] = {}
    for one in outcome.environments:
        if _asked(work, one):
            try:
                clients[one.environment] = connect(one)
            except AddressError as error:
                if env:
                    return Locked(spec=spec, usage_error=str(error))
                clients[one.environment] = error
    _models(work, outcome.environments, clients, everything=not env)
    images = _asked_for(files, targets, outcome.environments)
    _images(work, images, resolve, everything=not env)
    made = lockfile.text(Lock(models=work.models, images=work.images), before)
    differs = made.encode() != (before or b"") and (before is not None or bool(work.models or work.images))
    if differs and mode != "check":
        lockfile.save(Path(path), made, before)
    order = sorted(work.changes, key=lambda change: (not change.environment, change.environment, change.key))
    asked = {name: client.url for name, client in clients.items() if isinstance(client, Client)}
    return Locked(spec=spec, findings=outcome.findings, changes=tuple(order), servers=asked, differs=differs)


def _needed(one: Analysis) -> dict[str, list[demand.Use]]:
    assert one.project is not None
    found: dict[str, list[demand.Use]] = {}
    for use in demand.aliases(one.project):
        if use.locked:
            found.setdefault(use.key, []).append(use)
    return found


def _asked(work: _Work, one: Analysis) -> bool:
    """Whether the environment's server has to be asked for anything."""
    keys = _needed(one)
    return bool(keys) and (work.mode != "add" or any((one.environment, key) not in work.lock.models for key in keys))


def _models(
    work: _Work,
    environments: Sequence[Analysis],
    clients: Mapping[str, Client | AddressError],
    *,
    everything: bool,
) -> None:
    jobs: list[tuple[Analysis, str, list[demand.Use]]] = []
    for one in environments:
        jobs += [(one, key, uses) for key, uses in _needed(one).items()]
    wanted = {(one.environment, key) for one, key, _ in jobs}
    analysed = {one.environment for one in environments}
    for place, pinned in work.lock.models.items():
        if place in wanted:
            continue
        if everything or place[0] in analysed:
            work.changes.append(_change(place, "dropped", pinned.version, "", "nothing uses it any more"))
        else:
            work.models[place] = pinned

    def look(job: tuple[Analysis, str, list[demand.Use]]) -> tuple[Change, LockedModel | None]:
        one, key, uses = job
        return _model(work, one, key, uses, clients.get(one.environment))

    for (one, key, _), (change, entry) in zip(jobs, _each(look, jobs), strict=True):
        work.changes.append(change)
        if entry is not None:
            work.models[one.environment, key] = entry


def _model(
    work: _Work, one: Analysis, key: str, uses: Sequence[demand.Use], client: Client | AddressError | None
) -> tuple[Change, LockedModel | None]:
    place = (one.environment, key)
    before = work.lock.models.get(place)
    had = before.version if before else ""

    def said(state: State, after: str = "", why: str = "") -> Change:
        where = tuple(use.where for use in uses)
        return replace(_change(place, state, had, after, why), uses=where)

    if client is None or (before is not None and work.mode == "add"):
        return said("same", had), before
    if isinstance(client, AddressError):
        assert one.profile is not None
        return said("skipped" if one.profile.local else "failed", had, str(client)), before
    assert one.project is not None
    if client.url in work.away:
        return said("failed", had, work.away[client.url]), before
    try:
        version = client.version_of(uses[0].model, uses[0].alias)
        now = versions.entry(client, version, one.project.tracking)
    except MissingError:
        if before is not None:
            return said("gone", had, "the registry has no such alias any more"), before
        return said("absent", why="no version has this alias yet"), None
    except RemoteError as error:
        if isinstance(error, UnreachableError):
            work.away[client.url] = str(error)
        return said("failed", had, str(error)), before
    state: State = "added" if before is None else "same" if before == now else "moved"
    return said(state, now.version, "" if now.digest else "its files cannot be listed: no digest"), now


def _asked_for(files: FileTree, targets: Registry, environments: Sequence[Analysis]) -> Mapping[str, demand.ImageUse]:
    """The images of all environments by reference: those of the project, and those that targets choose themselves."""
    asked: dict[str, demand.ImageUse] = {}
    for one in environments:
        assert one.project is not None and one.profile is not None
        for use in demand.images(one.project, one.profile):
            if (other := asked.get(use.ref)) is None or other.here:
                asked[use.ref] = use
    for one in environments:
        broken = any(item.severity == "error" and item.code != _UNKNOWN for item in one.findings)
        if not broken and one.profile is not None and not one.profile.local:
            for ref in _chosen(files, targets, one):
                asked.setdefault(ref, demand.ImageUse(ref=ref))
    return asked


def _chosen(files: FileTree, targets: Registry, one: Analysis) -> list[str]:
    """What the environment's targets look up while they emit."""
    seen: dict[str, None] = {}

    def digests(ref: str) -> str:
        seen[ref] = None
        return ""

    build(one, targets, folder=folder(one, None), files=files, digests=digests, texts=False)
    return list(seen)


def _images(work: _Work, asked: Mapping[str, demand.ImageUse], resolve: Resolve, *, everything: bool) -> None:
    for ref, image in work.lock.images.items():
        if ref in asked and not asked[ref].here:
            continue
        if everything:
            work.changes.append(_change(("", ref), "dropped", image.digest, "", "nothing uses it any more"))
        else:
            work.images[ref] = image

    def look(use: demand.ImageUse) -> tuple[Change, LockedImage | None]:
        return _image(work, use, resolve)

    uses = list(asked.values())
    for use, (change, entry) in zip(uses, _each(look, uses), strict=True):
        work.changes.append(change)
        if entry is not None:
            work.images[use.ref] = entry


def _image(work: _Work, use: demand.ImageUse, resolve: Resolve) -> tuple[Change, LockedImage | None]:
    place, before = ("", use.ref), work.lock.images.get(use.ref)
    had = before.digest if before else ""
    if use.here:
        return _change(place, "built", why="built where it runs: it has no digest in a registry"), None
    if before is not None and work.mode == "add":
        return _change(place, "same", had, had), before
    try:
        found = resolve(use.ref, had)
    except ImageError as error:
        if use.built and before is None and error.why in ("missing", "denied"):
            return _change(place, "built", why=f"not pushed yet ({error})"), None
        if error.why == "missing":
            return _change(place, "gone" if before else "absent", had, had, str(error)), before
        return _change(place, "failed", had, had, str(error)), before
    if found is None:
        return _change(place, "same", had, had), before
    now = LockedImage(digest=found.digest, entrypoint=found.entrypoint, cmd=found.cmd)
    return _change(place, "moved" if before else "added", had, now.digest), now


def _each(work: Callable[[Job], Done], jobs: Iterable[Job]) -> Iterator[Done]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            yield from pool.map(work, jobs)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _change(place: tuple[str, str], state: State, before: str = "", after: str = "", why: str = "") -> Change:
    return Change(environment=place[0], key=place[1], state=state, before=before, after=after, why=why)
