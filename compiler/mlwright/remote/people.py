"""Users and what they may do, on a server with `auth: {type: basic}`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial

from mlwright import ir
from mlwright.emit.environment import secret_variable
from mlwright.remote.changes import HIDDEN, Action, Change, Field
from mlwright.remote.client import Client, ExistsError, MissingError
from mlwright.remote.live import Account, Live
from mlwright.remote.wanted import Wanted

_STRENGTH = {"DENY": -1, "NO_PERMISSIONS": 0, "READ": 1, "USE": 2, "EDIT": 3, "MANAGE": 4}
_Target = tuple[str, str, str]
"""(MLflow's type of resource, the id or name that it is granted by, the name that is shown)."""


def pipeline_user(wanted: Wanted) -> tuple[str, str]:
    """(name, password) of the pipeline's user, empty where their values are not here."""
    secret = wanted.project.tracking.auth.secret
    return wanted.values.get((secret, "username"), ""), wanted.values.get((secret, "password"), "")


def users(wanted: Wanted, live: Live) -> Iterator[Change]:
    """The pipeline's user, where an administrator is to make it."""
    if not any(not grant.user for grant in wanted.catalog.grants):
        return
    secret = wanted.project.tracking.auth.secret
    name, password = pipeline_user(wanted)
    if not name or not password:
        missing = [
            secret_variable(secret, key) for key in ("username", "password") if not wanted.values.get((secret, key))
        ]
        note = f"its values are not here: set {' and '.join(missing)} in the environment, or in .env beside the spec"
        yield Change(kind="user", name=name or f"of the secret {secret}", action="failed", notes=(note,))
    elif live.accounts is None:
        yield Change(kind="user", name=name, action="failed", notes=(live.refused["user"],))
    elif name not in live.accounts:
        fields = (Field(name="password", new=HIDDEN),)
        work = partial(_create, name, password)
        yield Change(kind="user", name=name, action="add", fields=fields, work=work)
    elif not live.logins.get(name, True):
        fields = (Field(name="password", old=HIDDEN, new=HIDDEN),)
        body = {"username": name, "password": password}
        work = partial(_post, "PATCH", "2.0", "users/update-password", body)
        yield Change(kind="user", name=name, action="change", fields=fields, work=work)
    else:
        yield Change(kind="user", name=name, action="unchanged")


def permissions(wanted: Wanted, live: Live) -> Iterator[Change]:
    """One for each user and each experiment or model that the user may do something with. What others were granted
    is nobody's business here: permissions have no tags that say whose they are."""
    pipeline, _ = pipeline_user(wanted)
    written = {(one.user, kind) for one in wanted.catalog.grants if not one.implied for kind in _kinds(one)}
    for grant in wanted.catalog.grants:
        user = grant.user or pipeline
        if not user:
            continue  # said of the user already
        account = live.accounts.get(user) if live.accounts is not None else None
        if live.accounts is None:
            yield Change(kind="permission", name=user, action="failed", notes=(live.refused["user"],))
        elif account is None and user != pipeline:
            note = "there is no such user: an administrator makes one, with a password"
            action: Action = "skipped" if grant.implied else "failed"
            yield Change(kind="permission", name=user, action=action, notes=(note,))
        else:
            for level, target in _targets(wanted, live, grant):
                if not grant.implied or (user, target[0]) not in written:
                    yield _grant(grant, user, level, target, account)


def _kinds(grant: ir.Grant) -> tuple[str, ...]:
    return tuple(filter(None, (grant.experiments and "experiment", grant.models and "registered_model")))


def _targets(wanted: Wanted, live: Live, grant: ir.Grant) -> Iterator[tuple[str, _Target]]:
    if grant.experiments:
        for experiment in wanted.catalog.experiments:
            found = live.experiments.get(experiment.name)
            yield grant.experiments, ("experiment", found.id if found else "", experiment.name)
    if grant.models:
        for model in wanted.catalog.models:
            yield grant.models, ("registered_model", model.name, model.name)


def _grant(grant: ir.Grant, user: str, level: str, target: _Target, account: Account | None) -> Change:
    kind, id, shown = target
    name = f"{user} on {kind.removeprefix('registered_')} {shown}"
    there = account.grants.get((kind, id), "") if account else ""
    enough = there == level or (grant.implied and _STRENGTH.get(there, 0) > _STRENGTH[level])
    if enough or (account is not None and account.admin):
        return Change(kind="permission", name=name, action="unchanged")
    return Change(
        kind="permission",
        name=name,
        action="change" if there else "add",
        fields=(Field(name="level", old=there or None, new=level),),
        work=partial(_put, user, level, target, account),
    )


def _create(name: str, password: str, server: Client) -> None:
    with contextlib.suppress(ExistsError):
        server.call("POST", "users/create", {"username": name, "password": password}, once=True)


def _put(user: str, level: str, target: _Target, account: Account | None, server: Client) -> None:
    kind, id, shown = target
    if kind == "experiment" and not id:
        found = server.call("GET", "experiments/get-by-name", experiment_name=shown)["experiment"]
        id = str(found["experiment_id"])
    body = {"username": user, "resource_type": kind, "resource_id": id}
    granted = {**body, "permission": level}
    if account is None or (kind, id) not in account.grants:
        with contextlib.suppress(ExistsError):  # whoever makes an object may manage it, from then on
            _post("POST", "3.0", "users/permissions/grant", granted, server)
            return
    with contextlib.suppress(MissingError):
        _post("POST", "3.0", "users/permissions/revoke", body, server)
    _post("POST", "3.0", "users/permissions/grant", granted, server)


def _post(method: str, api: str, path: str, body: dict[str, str], server: Client) -> None:
    server.call(method, path, dict(body), api=api)
