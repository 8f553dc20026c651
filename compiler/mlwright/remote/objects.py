"""Experiments, registered models and aliases: what differs, and what makes it right."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Literal

from mlwright import ir
from mlwright.remote.changes import Change, Field, Work, differing
from mlwright.remote.client import Client, ExistsError, MissingError, Model
from mlwright.remote.live import FIELDS, MANAGED, Experiment, Live, experiment
from mlwright.remote.wanted import Wanted

NOTE = "mlflow.note.content"
"""The tag in which MLflow keeps an experiment's description."""
LOCKED = "mlwright.locked"
"""The tag of a version that an environment serves: never deleted."""
_PRUNE = "no longer in the project file: kept (--prune deletes it)"


def experiments(wanted: Wanted, live: Live, *, prune: bool) -> Iterator[Change]:
    """The environment's experiments; then those that are ours and no longer wanted."""
    for item in wanted.catalog.experiments:
        yield _experiment(wanted, item, live.experiments.get(item.name), prune)
    names = {item.name for item in wanted.catalog.experiments}
    for found in sorted(live.experiments.values(), key=lambda item: item.name):
        if found.tags.get(MANAGED) == wanted.owner and found.name not in names and not found.deleted:
            work = partial(_delete_experiment, found.id)
            note = "MLflow keeps its runs until garbage collection; `mlflow experiments restore` brings it back"
            yield _leftover(wanted, "experiment", found.name, prune, work, note)


def models(wanted: Wanted, live: Live, *, prune: bool) -> Iterator[Change]:
    """The environment's registered models; then those that are ours and no longer wanted."""
    for item in wanted.catalog.models:
        yield _model(wanted, item, live.models.get(item.name), prune)
    names = {item.name for item in wanted.catalog.models}
    for name, versions in sorted(live.held.items()):
        if live.models[name].tags.get(MANAGED) != wanted.owner or name in names:
            continue
        pinned = {version for model, version in wanted.catalog.pinned if model == name}
        held = [v for v in versions if LOCKED in v.tags or v.version in pinned]
        if held and prune:
            who = held[0].tags.get(LOCKED)
            why = f"is locked by {who}" if who else "is in mlproject.lock"
            note = f"not deleted: version {held[0].version} {why}"
            yield Change(kind="model", name=name, action="failed", notes=(note,))
            continue
        count = f"with its {len(versions)} version{'s' * (len(versions) != 1)}" if versions else "it has no versions"
        yield _leftover(wanted, "model", name, prune, partial(_delete_model, name), count)


def aliases(wanted: Wanted, live: Live, *, prune: bool) -> Iterator[Change]:
    """The aliases of the environment's models. One that the pipeline moves itself is never moved back."""
    for item in wanted.catalog.models:
        found = live.models.get(item.name)
        there = dict(found.aliases) if found else {}
        for alias, version in item.aliases:
            yield _alias(item, alias, version, there.get(alias), live)
        ours = _recorded(found.tags) if found and found.tags.get(MANAGED) == wanted.owner else ()
        for name in ours:
            kind, _, alias = name.partition(".")
            if kind == "aliases" and alias in there and alias not in {*dict(item.aliases), *item.moved}:
                work = partial(Client.delete_alias, model=item.name, alias=alias)
                yield _leftover(wanted, "alias", f"{item.name}@{alias}", prune, work, f"version {there[alias]}")


def _experiment(wanted: Wanted, item: ir.Experiment, found: Experiment | None, prune: bool) -> Change:
    tags = ((NOTE, item.description), *item.tags) if item.description else item.tags
    place = item.artifact_location
    fields: list[Field] = []
    if found is None:
        fields += [Field(name="artifact_location", new=place)] if place else []
    elif refused := _foreign(wanted, "experiment", item.name, found.tags):
        return refused
    elif place and found.location.rstrip("/") != place.rstrip("/"):
        note = f"artifact_location cannot be changed: it is {found.location} there, and {place} in the project file;"
        note += " write the one that is there, or give the experiment another name"
        return Change(kind="experiment", name=item.name, action="failed", notes=(note,))
    elif found.deleted:
        fields.append(Field(name="state", old="deleted", new="active"))
    have = dict(found.tags) if found else {}
    more, keys, notes = _tags(wanted, tags, have, frozenset(), prune)
    fields += more
    work = partial(_put_experiment, item, found, keys)
    return _change("experiment", item.name, found is None, fields, notes, work)


def _model(wanted: Wanted, item: ir.RegisteredModel, found: Model | None, prune: bool) -> Change:
    if found and (refused := _foreign(wanted, "model", item.name, found.tags)):
        return refused
    fields: list[Field] = []
    if item.description and (found is None or found.description != item.description):
        fields.append(Field(name="description", old=(found and found.description) or None, new=item.description))
    have = dict(found.tags) if found else {}
    owned = frozenset(f"aliases.{alias}" for alias, _ in item.aliases if alias not in item.moved)
    there = {f"aliases.{alias}" for alias in found.aliases if alias not in item.moved} if found and not prune else set()
    more, keys, notes = _tags(wanted, item.tags, have, owned | there.intersection(_recorded(have)), prune)
    fields += more
    return _change("model", item.name, found is None, fields, notes, partial(_put_model, item, found, keys))


def _tags(
    wanted: Wanted, tags: Iterable[tuple[str, str]], have: dict[str, str], others: frozenset[str], prune: bool
) -> tuple[list[Field], dict[str, str | None], tuple[str, ...]]:
    """(the fields that differ, tags to set (None: to remove), notes). `others` are names of fields beside the tags
    that are recorded as ours."""
    names = {f"tags.{key}" for key, _ in tags}
    shared = have.get(MANAGED, wanted.owner) != wanted.owner
    gone = [] if shared else [n for n in _recorded(have) if n.startswith("tags.") and n not in names]
    gone = [name for name in gone if name.removeprefix("tags.") in have]
    fields = [
        Field(name="description" if f.name == NOTE else f"tags.{f.name}", old=f.old, new=f.new)
        for f in differing(tags, have)
    ]
    if prune:
        fields += [Field(name=name, old=have[name.removeprefix("tags.")]) for name in gone]
    keys: dict[str, str | None] = {**{key: value for key, value in tags if have.get(key) != value}}
    if prune:
        keys.update(dict.fromkeys((name.removeprefix("tags.") for name in gone), None))
    if shared:
        return fields, keys, (f"shared with {have[MANAGED]}",)
    if MANAGED not in have:
        keys[MANAGED] = wanted.owner
        fields.append(Field(name=f"tags.{MANAGED}", new=wanted.owner))
    recorded = sorted({*names, *others, *(() if prune else gone)})
    text = json.dumps(recorded, separators=(",", ":"), ensure_ascii=False) if recorded else ""
    if have.get(FIELDS, "") != text:
        keys[FIELDS] = text or None
        if not fields:
            fields.append(Field(name=f"tags.{FIELDS}", old=have.get(FIELDS), new=text or None))
    notes = tuple(f"{name} is {_PRUNE}" for name in gone) if not prune else ()
    return fields, keys, notes


def _recorded(tags: Mapping[str, str]) -> tuple[str, ...]:
    """The names of the fields that an earlier `apply` has set."""
    try:
        found = json.loads(tags.get(FIELDS, "[]"))
    except ValueError:
        return ()
    return tuple(name for name in found if isinstance(name, str)) if isinstance(found, list) else ()


def _foreign(wanted: Wanted, kind: Literal["experiment", "model"], name: str, tags: Mapping[str, str]) -> Change | None:
    """Why an object of another project is left alone, None for one that is ours, or nobody's."""
    owner = tags.get(MANAGED, wanted.owner)
    if owner.partition("/")[0] == wanted.project.name:
        return None
    note = f"it belongs to {owner}: take another name, or remove its tag `{MANAGED}` to take it over"
    return Change(kind=kind, name=name, action="failed", notes=(note,))


def _leftover(
    wanted: Wanted, kind: Literal["experiment", "model", "alias"], name: str, prune: bool, work: Work, note: str
) -> Change:
    if used := wanted.elsewhere.get((kind, name)):
        return Change(kind=kind, name=name, action="kept", notes=(f"the environment {used} uses it",))
    if not prune:
        return Change(kind=kind, name=name, action="kept", notes=(_PRUNE,))
    return Change(kind=kind, name=name, action="destroy", notes=(note,), work=work)


def _change(
    kind: Literal["experiment", "model"], name: str, new: bool, fields: list[Field], notes: tuple[str, ...], work: Work
) -> Change:
    if not new and not fields:
        return Change(kind=kind, name=name, action="unchanged", notes=notes)
    return Change(kind=kind, name=name, action="add" if new else "change", fields=tuple(fields), notes=notes, work=work)


def _alias(item: ir.RegisteredModel, alias: str, version: str, there: str | None, live: Live) -> Change:
    name = f"{item.name}@{alias}"
    if alias in item.moved:
        where = f"at version {there}" if there else "not there"
        note = f"the pipeline moves it, now it is {where}; the lock is behind, with version {version}:"
        notes = () if there == version else (f"{note} mlwright lock --update",)
        return Change(kind="alias", name=name, action="unchanged", notes=notes)
    if there == version:
        return Change(kind="alias", name=name, action="unchanged")
    if item.name not in live.models or not live.versions.get((item.name, version), False):
        note = f"the server has no version {version} of {item.name}: where the lock says so, `mlwright lock --update`"
        note += " reads what there is; else correct `aliases` in the project file"
        return Change(kind="alias", name=name, action="failed", notes=(note,))
    return Change(
        kind="alias",
        name=name,
        action="change" if there else "add",
        fields=(Field(name="version", old=there, new=version),),
        work=partial(Client.set_alias, model=item.name, alias=alias, version=version),
    )


def _put_experiment(
    item: ir.Experiment, found: Experiment | None, keys: Mapping[str, str | None], server: Client
) -> None:
    if found is None:
        pairs = [{"key": key, "value": value} for key, value in keys.items() if value is not None]
        body = {"name": item.name, "tags": pairs}
        if item.artifact_location:
            body["artifact_location"] = item.artifact_location
        try:
            server.call("POST", "experiments/create", body, once=True)
            return
        except ExistsError:  # somebody was faster: what they made is made right, unless it is another project's
            found = experiment(server.call("GET", "experiments/get-by-name", experiment_name=item.name)["experiment"])
            if found.tags.get(MANAGED, keys.get(MANAGED)) != keys.get(MANAGED):
                return
    if found.deleted:
        server.call("POST", "experiments/restore", {"experiment_id": found.id})
    for key, value in keys.items():
        if value is not None:
            body = {"experiment_id": found.id, "key": key, "value": value}
            server.call("POST", "experiments/set-experiment-tag", body)
        elif key in found.tags:
            server.call("POST", "experiments/delete-experiment-tag", {"experiment_id": found.id, "key": key})


def _put_model(item: ir.RegisteredModel, found: Model | None, keys: Mapping[str, str | None], server: Client) -> None:
    if found is None:
        pairs = [{"key": key, "value": value} for key, value in keys.items() if value is not None]
        try:
            body = {"name": item.name, "description": item.description, "tags": pairs}
            server.call("POST", "registered-models/create", body, once=True)
            return
        except ExistsError:
            found = server.model(item.name)
            if found.tags.get(MANAGED, keys.get(MANAGED)) != keys.get(MANAGED):
                return
    if item.description and found.description != item.description:
        server.call("PATCH", "registered-models/update", {"name": item.name, "description": item.description})
    for key, value in keys.items():
        if value is not None:
            server.tag_model(item.name, key, value)
        elif key in found.tags:
            server.call("DELETE", "registered-models/delete-tag", {"name": item.name, "key": key})


def _delete_experiment(id: str, server: Client) -> None:
    server.call("POST", "experiments/delete", {"experiment_id": id})


def _delete_model(name: str, server: Client) -> None:
    try:
        server.call("DELETE", "registered-models/delete", {"name": name})
    except MissingError:
        return
