"""What a tracking server holds now, read once for all projects that are on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from mlwright import ir
from mlwright.remote import client
from mlwright.remote.client import Client, DeniedError, MissingError, RefusedError, Version

MANAGED = "mlwright.managed"
"""The tag with `<project>/<environment>`: whose an experiment or a registered model is."""
FIELDS = "mlwright.fields"
"""The tag with the names of the fields that the spec has set, so that those it no longer sets are known."""
_MARK = re.compile(r"\n?\[mlwright managed=(\S+)(?: secret=([0-9a-f]+))?\]\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """An experiment of the server, deleted ones too."""

    id: str
    name: str
    deleted: bool
    location: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A webhook. `owner` is `<project>/<environment>` where it is ours, `print` a fingerprint of its secret."""

    id: str
    name: str
    url: str
    events: tuple[str, ...]
    active: bool
    description: str
    owner: str = ""
    print: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user with what was granted directly: (resource type, id or name) to the level."""

    name: str
    admin: bool
    grants: Mapping[tuple[str, str], str]


@dataclass(slots=True, kw_only=True)
class Live:
    """One server. `webhooks` and `accounts` are None where `refused` says why they cannot be read."""

    experiments: dict[str, Experiment] = field(default_factory=dict)
    models: dict[str, client.Model] = field(default_factory=dict)
    webhooks: tuple[Webhook, ...] | None = ()
    accounts: dict[str, Account] | None = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    versions: dict[tuple[str, str], bool] = field(default_factory=dict)
    """Whether there is such a version, for the aliases that have to move."""
    held: dict[str, tuple[Version, ...]] = field(default_factory=dict)
    """All versions of the models that are ours and no longer wanted."""
    logins: dict[str, bool] = field(default_factory=dict)
    """Whether a user's password is the one that we have."""


def read(server: Client, catalogs: Mapping[str, ir.Catalog], passwords: Mapping[str, str] | None = None) -> Live:
    """All that the catalogs, by `<project>/<environment>`, have to be compared with. `passwords` are those of users
    that are to be able to log in. Raises RemoteError where the server does not answer."""
    made = Live()
    reads = [partial(read, server, made) for read in (_experiments, _models, _webhooks)]
    if any(one.grants for one in catalogs.values()):
        reads.append(partial(_accounts, server, made))
    server.each(lambda work: work(), reads)
    server.each(lambda work: work(), [*_versions(server, made, catalogs), *_logins(server, made, passwords or {})])
    return made


def experiment(item: Mapping[str, Any]) -> Experiment:
    """An experiment as the server describes it."""
    return Experiment(
        id=str(item["experiment_id"]),
        name=str(item["name"]),
        deleted=item.get("lifecycle_stage") == "deleted",
        location=str(item.get("artifact_location", "")),
        tags=client.tags(dict(item)),
    )


def mark(description: str, owner: str, fingerprint: str) -> str:
    """A webhook's description with the line that says whose it is: webhooks have no tags."""
    secret = f" secret={fingerprint}" if fingerprint else ""
    return f"{description}\n[mlwright managed={owner}{secret}]".lstrip("\n")


def _experiments(server: Client, made: Live) -> None:
    for item in server.pages("POST", "experiments/search", "experiments", max_results=1000, view_type="ALL"):
        made.experiments[str(item["name"])] = experiment(item)


def _models(server: Client, made: Live) -> None:
    made.models.update((item.name, item) for item in server.models())


def _webhooks(server: Client, made: Live) -> None:
    try:
        found = [_webhook(item) for item in server.pages("GET", "webhooks", "webhooks", max_results=100)]
    except RefusedError as error:
        if isinstance(error, DeniedError) and error.status == 401:
            raise
        made.webhooks = None
        made.refused["webhook"] = "webhooks are an administrator's" if isinstance(error, DeniedError) else str(error)
        return
    made.webhooks = tuple(sorted(found, key=lambda hook: (hook.name, hook.id)))


def _webhook(item: Mapping[str, Any]) -> Webhook:
    text = str(item.get("description", ""))
    found = _MARK.search(text)
    return Webhook(
        id=str(item["webhook_id"]),
        name=str(item["name"]),
        url=str(item["url"]),
        events=tuple(sorted(f"{e['entity']}.{e['action']}".lower() for e in item.get("events", ()))),
        active=item.get("status") != "DISABLED",
        description=text[: found.start()] if found else text,
        owner=found[1] if found else "",
        print=(found[2] or "") if found else "",
    )


def _accounts(server: Client, made: Live) -> None:
    try:
        found = server.call("GET", "users/list")["users"]
        me = server.username or str(server.call("GET", "users/current")["user"]["username"])
    except RefusedError as error:
        if isinstance(error, DeniedError):
            raise
        made.accounts = None
        made.refused["user"] = (
            "the server knows no users: it was not started with `--app-name basic-auth`, or is older than 3.13"
        )
        return
    if not any(item["is_admin"] for item in found if item["username"] == me):
        made.accounts = None
        made.refused["user"] = f"users and permissions are an administrator's, and {me} is none"
        return
    made.accounts = {str(item["username"]): _account(item) for item in found}


def _account(item: Mapping[str, Any]) -> Account:
    own = f"__user_{item['id']}__"
    grants = {
        (str(grant["resource_type"]), str(grant["resource_pattern"])): str(grant["permission"])
        for role in item.get("roles", ())
        if role.get("name") == own
        for grant in role.get("permissions", ())
    }
    return Account(name=str(item["username"]), admin=bool(item.get("is_admin")), grants=grants)


def _versions(server: Client, made: Live, catalogs: Mapping[str, ir.Catalog]) -> Iterable[Callable[[], None]]:
    def there(model: str, version: str) -> None:
        try:
            server.version(model, version)
        except MissingError:
            made.versions[model, version] = False
        else:
            made.versions[model, version] = True

    def hold(model: str) -> None:
        made.held[model] = tuple(server.versions(model))

    moving = {
        (item.name, version)
        for one in catalogs.values()
        for item in one.models
        if item.name in made.models
        for alias, version in item.aliases
        if alias not in item.moved and made.models[item.name].aliases.get(alias) != version
    }
    wanted = {item.name for one in catalogs.values() for item in one.models}
    left = [m.name for m in made.models.values() if m.tags.get(MANAGED) in catalogs and m.name not in wanted]
    return [
        *(partial(there, *pair) for pair in sorted(moving)),
        *(partial(hold, model) for model in left),
    ]


def _logins(server: Client, made: Live, passwords: Mapping[str, str]) -> Iterable[Callable[[], None]]:
    def login(user: str, password: str) -> None:
        try:
            replace(server, username=user, password=password, token="").call("GET", "users/current")
        except DeniedError:
            made.logins[user] = False
        else:
            made.logins[user] = True

    known = made.accounts or {}
    return [partial(login, *pair) for pair in passwords.items() if pair[0] in known]
