"""Compares what projects want with what their tracking servers hold, and makes it so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from mlwright.remote import hooks, live, objects, people
from mlwright.remote.changes import ORDER, Change, Plan
from mlwright.remote.client import Client
from mlwright.remote.http import RemoteError
from mlwright.remote.wanted import Wanted


def plan(server: Client, wanted: Sequence[Wanted], *, prune: bool = False) -> tuple[Plan, ...]:
    """What differs, one plan for each of the environments, all on this server. Raises RemoteError."""
    passwords = dict(filter(all, (people.pipeline_user(one) for one in wanted)))
    there = live.read(server, {one.owner: one.catalog for one in wanted}, passwords)
    return tuple(
        Plan(
            project=one.project.name,
            environment=one.project.environment.name,
            spec=one.spec,
            server=server.url,
            changes=_changes(one, there, prune),
        )
        for one in wanted
    )


def apply(server: Client, wanted: Sequence[Wanted], plans: Sequence[Plan], *, prune: bool = False) -> tuple[Plan, ...]:
    """Do what the plans say, kind by kind and several objects of a kind at once, whatever fails; then read every
    object back. The plans as they were done: what did not happen is `failed`, with why."""
    if not any(change.work for one in plans for change in one.changes):
        return tuple(plans)
    failures = _work(server, (change for one in plans for change in one.changes))
    try:
        found = plan(server, wanted, prune=prune)
    except RemoteError as error:
        unread = f"not read back: {error}"
        return tuple(
            replace(one, changes=tuple(_unread(change, failures.get(id(change), unread)) for change in one.changes))
            for one in plans
        )
    again = {(one.spec, one.environment): {change.key: change for change in one.changes} for one in found}
    return tuple(_read_back(one, failures, again[one.spec, one.environment]) for one in plans)


def _changes(one: Wanted, there: live.Live, prune: bool) -> tuple[Change, ...]:
    found = (
        *objects.experiments(one, there, prune=prune),
        *objects.models(one, there, prune=prune),
        *objects.aliases(one, there, prune=prune),
        *people.users(one, there),
        *people.permissions(one, there),
        *hooks.webhooks(one, there, prune=prune),
    )
    return tuple(sorted(found, key=lambda change: ORDER.index(change.kind)))


def _work(server: Client, changes: Iterable[Change]) -> dict[int, str]:
    """Why changes failed, by the change's identity. What is destroyed goes last, and in the opposite order."""
    failures: dict[int, str] = {}

    def do(change: Change) -> None:
        assert change.work is not None
        try:
            change.work(server)
        except RemoteError as error:
            failures[id(change)] = str(error)

    asked = [change for change in changes if change.work is not None]
    for kind in ORDER:
        server.each(do, [c for c in asked if c.kind == kind and c.action != "destroy"])
    for kind in reversed(ORDER):
        server.each(do, [c for c in asked if c.kind == kind and c.action == "destroy"])
    return failures


def _unread(change: Change, why: str) -> Change:
    return replace(change, action="failed", notes=(*change.notes, why)) if change.work else change


def _read_back(planned: Plan, failures: dict[int, str], now: dict[tuple[str, str], Change]) -> Plan:
    outcomes = (_outcome(change, failures.get(id(change), ""), now.get(change.key)) for change in planned.changes)
    return replace(planned, changes=tuple(outcomes))


def _outcome(change: Change, failure: str, now: Change | None) -> Change:
    if failure:
        return replace(change, action="failed", notes=(*change.notes, failure))
    if change.work is None:
        return change
    if change.action == "destroy":
        left = "it is still there" if now else ""
    elif now is None or now.action == "add":
        left = "it is not there"
    else:
        states = [f"{f.name} is {'not set' if f.old is None else f.old}" for f in now.fields]
        left = "" if now.action == "unchanged" else ", ".join(states) or ", ".join(now.notes)
    if not left:
        return change
    note = f"the server took it and has not done it: {left}"
    return replace(change, action="failed", notes=(*change.notes, note))
