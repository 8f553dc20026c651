"""Webhooks. They have no tags, and several may have one name: the last line of the description says whose one is."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from mlwright import ir
from mlwright.emit.environment import secret_variable
from mlwright.remote.changes import HIDDEN, Change, Field, differing
from mlwright.remote.client import Client, MissingError
from mlwright.remote.live import Live, Webhook, mark
from mlwright.remote.wanted import Wanted


def webhooks(wanted: Wanted, live: Live, *, prune: bool) -> Iterator[Change]:
    """The environment's webhooks; then those that are ours and no longer wanted. Somebody else's are left alone."""
    if live.webhooks is None:
        for item in wanted.catalog.webhooks:
            yield Change(kind="webhook", name=item.name, action="failed", notes=(live.refused["webhook"],))
        return
    ours = [hook for hook in live.webhooks if hook.owner == wanted.owner]
    used: set[str] = set()
    names = {item.name for item in wanted.catalog.webhooks}
    for item in wanted.catalog.webhooks:
        found = next((hook for hook in ours if hook.name == item.name), None)
        used.update({found.id} if found else ())
        yield _webhook(wanted, item, found)
    for hook in ours:
        if hook.id in used:
            continue
        name = f"{hook.name} ({hook.id})" if hook.name in names else hook.name
        if prune:
            yield Change(kind="webhook", name=name, action="destroy", work=partial(_delete, hook.id))
        else:
            note = "no longer in the project file: kept (--prune deletes it)"
            yield Change(kind="webhook", name=name, action="kept", notes=(note,))


def fingerprint(secret: str, salt: str) -> str:
    """Eight digits by which a changed secret is noticed: too slow to make and too short to guess the secret by."""
    import hashlib

    return hashlib.pbkdf2_hmac("sha256", secret.encode(), salt.encode(), 200_000).hex()[:8]


def _webhook(wanted: Wanted, item: ir.Webhook, found: Webhook | None) -> Change:
    secret = wanted.values.get((item.secret, "secret"), "")
    print_ = fingerprint(secret, f"{wanted.owner}/{item.name}") if secret else ""
    notes: tuple[str, ...] = ()
    if item.secret and not secret:
        missing = secret_variable(item.secret, "secret")
        if found is None or not found.print:
            note = f"its secret is not here: set {missing} in the environment, or in .env beside the spec"
            return Change(kind="webhook", name=item.name, action="failed", notes=(note,))
        notes, print_ = (f"its secret is not compared: {missing} is not here",), found.print
    there = _shown(found.url, found.events, found.active, found.description) if found else {}
    asked = _shown(item.url, item.events, item.active, item.description)
    fields = [*differing(asked.items(), there), *(Field(name=n, old=there[n]) for n in there if n not in asked)]
    have = found.print if found else ""
    if print_ != have:
        fields.append(Field(name="secret", old=HIDDEN if have else None, new=HIDDEN if print_ else None))
    if found and not fields:
        return Change(kind="webhook", name=item.name, action="unchanged", notes=notes)
    body: dict[str, Any] = {
        "name": item.name,
        "url": item.url,
        "events": [dict(zip(("entity", "action"), event.upper().split("."), strict=True)) for event in item.events],
        "status": _status(item.active).upper(),
        "description": mark(item.description, wanted.owner, print_),
    }
    if print_ and print_ != have:
        body["secret"] = secret
    return Change(
        kind="webhook",
        name=item.name,
        action="change" if found else "add",
        fields=tuple(fields),
        notes=notes,
        work=partial(_put, found.id if found else "", body, anew=bool(have and not print_)),
    )


def _shown(url: str, events: tuple[str, ...], active: bool, description: str) -> dict[str, str]:
    shown = {"url": url, "events": " ".join(events), "status": _status(active)}
    return {**shown, "description": description} if description else shown


def _status(active: bool) -> str:
    return "active" if active else "disabled"


def _put(id: str, body: dict[str, Any], server: Client, *, anew: bool) -> None:
    """`anew`: MLflow cannot take a secret away from a webhook, so another one takes its place."""
    if anew:
        _delete(id, server)
    if id and not anew:
        server.call("PATCH", f"webhooks/{id}", {"webhook_id": id, **body})
    else:
        server.call("POST", "webhooks", body, once=True)


def _delete(id: str, server: Client) -> None:
    try:
        server.call("DELETE", f"webhooks/{id}", {"webhook_id": id})
    except MissingError:
        return
