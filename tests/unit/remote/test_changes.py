"""What a plan says: built by hand, no server."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from mlwright import ir
from mlwright.remote import hooks, live, show
from mlwright.remote.changes import HIDDEN, Action, Change, Field, Plan, counts
from mlwright.remote.wanted import Wanted

ALL: tuple[Change, ...] = (
    Change(kind="experiment", name="a b", action="add", fields=(Field(name="tags.x", new="ü"),)),
    Change(kind="model", name="m", action="change", fields=(Field(name="description", old="old\nline", new="n" * 80),)),
    Change(kind="alias", name="m@champion", action="unchanged", notes=("behind",)),
    Change(kind="alias", name="m@other", action="unchanged"),
    Change(kind="user", name="u", action="change", fields=(Field(name="password", old=HIDDEN, new=HIDDEN),)),
    Change(kind="permission", name="u on model m", action="failed", notes=("why", "and why")),
    Change(kind="permission", name="v on model m", action="skipped", notes=("no such user",)),
    Change(kind="webhook", name="w", action="destroy"),
    Change(kind="webhook", name="x", action="kept", notes=("kept",)),
)


def plan(*changes: Change) -> Plan:
    return Plan(project="p", environment="prod", spec="mlproject.yaml", server="http://s", changes=changes)


def test_a_plan_reads_like_this() -> None:
    assert show.text([plan(*ALL)]) == (
        "p/prod on http://s\n"
        "  + experiment a b\n"
        '      tags.x: "ü"\n'
        "  ~ model m\n"
        f'      description: "old\\nline" -> "{"n" * 57}..."\n'
        "    alias m@champion\n"
        "      (behind)\n"
        "  ~ user u\n"
        '      password: "(hidden)" -> "(hidden)"\n'
        "  ! permission u on model m: failed\n"
        "      (why)\n"
        "      (and why)\n"
        "    permission v on model m: skipped\n"
        "      (no such user)\n"
        "  - webhook w\n"
        "    webhook x: kept\n"
        "      (kept)\n"
        "\n"
        "1 to add, 2 to change, 1 to destroy, 2 unchanged, 1 failed"
    )


def test_what_was_done_is_said_without_the_fields_that_were_shown_before() -> None:
    shown = show.text([plan(*ALL)], done=True)
    assert "tags.x" not in shown
    assert "(why)" in shown
    assert shown.endswith("1 added, 2 changed, 1 destroyed, 2 unchanged, 1 failed")


def test_colour_changes_nothing_but_colour() -> None:
    coloured = show.text([plan(*ALL)], colour=True)
    assert "\x1b[32m  + experiment a b\x1b[0m" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == show.text([plan(*ALL)])


def test_several_plans_have_one_count() -> None:
    shown = show.text([plan(ALL[0]), plan(ALL[0])])
    assert shown.count("p/prod on http://s") == 2
    assert shown.endswith("2 to add, 0 to change, 0 to destroy, 0 unchanged")


def test_the_document_has_what_the_text_has() -> None:
    made = json.loads(show.document([plan(*ALL)]))
    assert (made["version"], made["applied"]) == (1, False)
    assert [one["action"] for one in made["plans"][0]["objects"]] == [change.action for change in ALL]
    assert made["plans"][0]["objects"][0]["fields"] == [{"name": "tags.x", "old": None, "new": "ü"}]
    assert made["summary"] == counts(ALL)


@pytest.mark.parametrize(
    ("action", "drift"),
    [
        ("add", True),
        ("change", True),
        ("destroy", True),
        ("failed", True),
        ("unchanged", False),
        ("kept", False),
        ("skipped", False),
    ],
)
def test_what_counts_as_drift(action: Action, drift: bool) -> None:
    assert plan(Change(kind="model", name="m", action=action)).drift is drift


@pytest.mark.parametrize("description", ["", "what it is", "two\nlines", "ends with ]", "[mlwright managed=x/y]"])
@pytest.mark.parametrize("secret", ["", "0123abcd"])
def test_a_webhooks_mark_is_read_as_it_was_written(description: str, secret: str) -> None:
    item = {"webhook_id": "1", "name": "w", "url": "https://x", "status": "ACTIVE", "events": []}
    found = live._webhook({**item, "description": live.mark(description, "p/prod", secret)})
    assert (found.description, found.owner, found.print) == (description, "p/prod", secret)


def test_a_webhook_without_a_mark_is_nobodys() -> None:
    item = {"webhook_id": "1", "name": "w", "url": "https://x", "status": "DISABLED", "description": "managed=p/prod"}
    event = {"entity": "MODEL_VERSION", "action": "CREATED"}
    found = live._webhook({**item, "events": [event]})
    assert (found.owner, found.active, found.events) == ("", False, ("model_version.created",))


def test_a_fingerprint_tells_secrets_and_webhooks_apart_and_is_short() -> None:
    prints = {hooks.fingerprint(secret, salt) for secret in ("a", "b") for salt in ("p/prod/x", "p/prod/y")}
    assert len(prints) == 4
    assert {len(one) for one in prints} == {8}
    assert hooks.fingerprint("a", "p/prod/x") in prints


@pytest.mark.parametrize(("auth", "kept"), [("basic", 1), ("none", 0)])
def test_permissions_are_left_out_where_the_server_has_no_users(auth: Any, kept: int) -> None:
    origin = ir.Origin(path=("here",))
    project = ir.Project(
        name="p",
        environment=ir.Environment(name="prod", platform="compose", origin=origin),
        artifacts=ir.Storage(name="artifacts", type="mlflow", origin=origin),
        tracking=ir.Tracking(auth=ir.Auth(type=auth), origin=origin),
        catalog=ir.Catalog(grants=(ir.Grant(user="ann", models="READ", origin=origin),)),
    )
    assert len(Wanted(project=project, folder=Path(), spec="mlproject.yaml").catalog.grants) == kept
