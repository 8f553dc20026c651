"""`mlwright tracking` on a real MLflow server with users: the pipeline's user, permissions, webhooks, their secrets."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.servers import answers, free_port, running

from mlwright.remote.client import Client, DeniedError

pytestmark = pytest.mark.server

Tracking = Callable[..., tuple[int, str, str]]
ADMIN = ("root", "a-long-password")
SPEC = """\
secrets: {user: {keys: [username, password]}, admin: {keys: [username, password]}, hook: {keys: [secret]}}
defaults: {steps: {image: "python:3.12-slim"}}
training: {command: [python, train.py, "${outputs.model}"], outputs: {model: {type: mlflow-model}}}
registry: {model: NAME, from: "${training.outputs.model}"}
steps: {}
tracking:
  auth: {type: basic, secret: user, admin: admin}
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that knows users and takes webhooks of private addresses."""
    folder = tmp_path_factory.mktemp("guarded")
    port = free_port()
    users = f"database_uri = sqlite:///{folder}/auth.db\nadmin_username = x\nauth_cache_ttl_seconds = 60\n"
    (folder / "auth.ini").write_text(f"[mlflow]\ndefault_permission = READ\n{users}")
    env = {name: text for name, text in os.environ.items() if not name.startswith("MLFLOW_")} | {
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "0123456789abcdef",
        "MLFLOW_AUTH_ADMIN_USERNAME": ADMIN[0],
        "MLFLOW_AUTH_ADMIN_PASSWORD": ADMIN[1],
    }
    store = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "files")]
    argv = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    ready = f"http://127.0.0.1:{port}/health"
    words = [*argv, *store, "--app-name", "basic-auth"]
    with running(words, lambda: answers(ready), folder / "server.log", env=env):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def admin(address: str) -> Client:
    return Client(url=address, username=ADMIN[0], password=ADMIN[1])


@pytest.fixture
def folder(write: Callable[..., Path], name: str) -> Path:
    """A project with an administrator, and the values of its secrets beside it."""
    made = write(SPEC)
    secrets(made, USER__USERNAME=f"{name}-pipe", USER__PASSWORD="the-first-password", HOOK__SECRET="s3cret")
    return made


def secrets(folder: Path, **values: str) -> None:
    known = {"ADMIN__USERNAME": ADMIN[0], "ADMIN__PASSWORD": ADMIN[1], **values}
    (folder / ".env").write_text("".join(f"{key}={value}\n" for key, value in known.items() if value))


def levels(admin: Client, user: str) -> dict[str, str]:
    """What was granted to a user, by type and id or name."""
    found = admin.call("GET", "users/permissions/list", api="3.0", username=user)["permissions"]
    return {f"{one['resource_type']}:{one['resource_pattern']}": one["permission"] for one in found}


def user(admin: Client, name: str) -> None:
    admin.call("POST", "users/create", {"username": name, "password": f"{name}-password"})


def id_of(admin: Client, experiment: str) -> str:
    found = admin.call("GET", "experiments/get-by-name", experiment_name=experiment)["experiment"]
    return str(found["experiment_id"])


def hooks(admin: Client, name: str) -> list[dict[str, Any]]:
    return [hook for hook in admin.pages("GET", "webhooks", "webhooks") if hook["name"] == name]


def test_the_pipelines_user_is_made_and_may_do_what_a_pipeline_does(
    tracking: Tracking, folder: Path, admin: Client, address: str, name: str
) -> None:
    code, out, err = tracking("apply", folder)
    assert (code, err) == (0, "")
    assert out.endswith("5 added, 0 changed, 0 destroyed, 0 unchanged\n")
    assert "the-first-password" not in out
    id = id_of(admin, f"{name}-local")
    assert levels(admin, f"{name}-pipe") == {f"experiment:{id}": "EDIT", f"registered_model:{name}": "MANAGE"}
    pipe = Client(url=address, username=f"{name}-pipe", password="the-first-password")
    pipe.call("POST", "runs/create", {"experiment_id": id}, once=True)
    pipe.tag_model(name, "made", "by the pipeline")
    with pytest.raises(DeniedError, match=f"as the user '{name}-pipe': this user may not do it"):
        pipe.call("POST", "experiments/delete", {"experiment_id": id})
    assert tracking("apply", folder)[1].endswith("0 added, 0 changed, 0 destroyed, 5 unchanged\n")


def test_a_password_is_set_anew_only_where_it_does_not_let_the_user_in(
    tracking: Tracking, folder: Path, address: str, name: str
) -> None:
    tracking("apply", folder)
    secrets(folder, USER__USERNAME=f"{name}-pipe", USER__PASSWORD="the-second-password")
    code, out, _ = tracking("plan", folder, "--detailed-exitcode")
    assert code == 1
    assert f'  ~ user {name}-pipe\n      password: "(hidden)" -> "(hidden)"\n' in out
    assert tracking("apply", folder)[0] == 0
    Client(url=address, username=f"{name}-pipe", password="the-second-password").call("GET", "users/current")
    assert tracking("plan", folder, "--detailed-exitcode")[0] == 0


def test_a_password_that_the_server_refuses_fails_with_the_servers_words(
    tracking: Tracking, folder: Path, name: str
) -> None:
    secrets(folder, USER__USERNAME=f"{name}-pipe", USER__PASSWORD="short")
    code, out, _ = tracking("apply", folder)
    assert code == 1
    assert "Password must be at least 12 characters" in out
    assert "short" not in out
    assert out.splitlines()[-1] == "2 added, 0 changed, 0 destroyed, 0 unchanged, 3 failed"


def test_values_that_are_not_here_are_named(tracking: Tracking, folder: Path, name: str) -> None:
    secrets(folder, USER__USERNAME=f"{name}-pipe")
    code, out, _ = tracking("plan", folder)
    assert code == 1
    assert f"  ! user {name}-pipe: failed\n      (its values are not here: set USER__PASSWORD in the environment" in out


def test_written_permissions_are_exact_and_other_peoples_are_left_alone(
    tracking: Tracking, folder: Path, write: Callable[..., Path], admin: Client, name: str
) -> None:
    for who in ("ann", "zoe"):
        user(admin, f"{name}-{who}")
    tracking("apply", folder)
    id = id_of(admin, f"{name}-local")
    for who, level in (("ann", "MANAGE"), ("zoe", "EDIT")):
        body = {"username": f"{name}-{who}", "resource_type": "experiment", "resource_id": id, "permission": level}
        admin.call("POST", "users/permissions/grant", body, api="3.0")
    write(SPEC + "  permissions: {NAME-ann: {experiments: read, models: use}}\n")
    out = tracking("plan", folder)[1]
    assert f'  ~ permission {name}-ann on experiment {name}-local\n      level: "MANAGE" -> "READ"\n' in out
    assert f'  + permission {name}-ann on model {name}\n      level: "USE"\n' in out
    assert tracking("apply", folder)[0] == 0
    assert levels(admin, f"{name}-ann") == {f"experiment:{id}": "READ", f"registered_model:{name}": "USE"}
    assert levels(admin, f"{name}-zoe") == {f"experiment:{id}": "EDIT"}
    write(SPEC)
    assert tracking("apply", folder, "--prune")[1].endswith("0 added, 0 changed, 0 destroyed, 5 unchanged\n")
    assert levels(admin, f"{name}-ann") == {f"experiment:{id}": "READ", f"registered_model:{name}": "USE"}


def test_more_than_what_is_implied_is_left_alone(
    tracking: Tracking, folder: Path, admin: Client, address: str, name: str
) -> None:
    user(admin, f"{name}-pipe")
    secrets(folder, USER__USERNAME=f"{name}-pipe", USER__PASSWORD=f"{name}-pipe-password")
    pipe = Client(url=address, username=f"{name}-pipe", password=f"{name}-pipe-password")
    id = pipe.call("POST", "experiments/create", {"name": f"{name}-local"})["experiment_id"]
    assert tracking("apply", folder)[0] == 0
    assert levels(admin, f"{name}-pipe")[f"experiment:{id}"] == "MANAGE"


def test_a_written_permission_of_nobody_fails_and_an_implied_one_is_skipped(
    tracking: Tracking, folder: Path, write: Callable[..., Path], admin: Client, name: str
) -> None:
    user(admin, f"{name}-bob")
    (folder / "prod.yaml").write_text(
        "apiVersion: mlwright.dev/v1\nkind: Platform\norchestrator: kubernetes\nkubernetes: '1.36'\n"
        f"namespaces: {{ml: {{contributors: {{{name}-bob: edit, {name}-gone: view}}}}}}\n"
    )
    write(
        SPEC + "  permissions: {NAME-nobody: {models: read}}\n"
        "environments: {prod: {platform: prod.yaml, namespace: ml}}\n"
    )
    code, out, _ = tracking("apply", folder)
    assert code == 1
    assert f"  ! permission {name}-nobody: failed\n      (there is no such user: an administrator makes one" in out
    assert f"    permission {name}-gone: skipped" in out
    assert set(levels(admin, f"{name}-bob").values()) == {"EDIT"}
    write(SPEC + "environments: {prod: {platform: prod.yaml, namespace: ml}}\n")
    assert tracking("apply", folder)[0] == 0


def test_somebody_who_is_no_administrator_is_told(
    tracking: Tracking, folder: Path, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    tracking("apply", folder)
    write(SPEC + "  webhooks: {ci: {url: 'https://127.0.0.1:9/', events: [model_version.created]}}\n")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", f"{name}-pipe")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "the-first-password")
    code, out, _ = tracking("plan", folder)
    assert code == 1
    assert f"(users and permissions are an administrator's, and {name}-pipe is none)" in out
    assert "  ! webhook ci: failed\n      (webhooks are an administrator's)" in out


@pytest.mark.parametrize(
    ("values", "said"),
    [({}, "asked anonymously"), ({"ADMIN__PASSWORD": "another-password"}, "asked as the user 'root'")],
)
def test_a_wrong_account_is_exit_1_with_what_to_check(
    tracking: Tracking, folder: Path, values: dict[str, str], said: str
) -> None:
    secrets(folder, **(values or {"ADMIN__USERNAME": ""}))
    code, out, err = tracking("plan", folder)
    assert (code, out) == (1, "")
    assert f"{said}: check the user name and password, or the token" in err


def test_a_webhook_is_made_changed_and_kept_until_it_is_pruned(
    tracking: Tracking, folder: Path, write: Callable[..., Path], admin: Client, name: str
) -> None:
    body = {"name": f"{name}-ci", "url": "https://127.0.0.1:9/theirs", "description": "theirs"}
    event = {"entity": "MODEL_VERSION", "action": "CREATED"}
    admin.call("POST", "webhooks", {**body, "events": [event]}, once=True)
    hook = "  webhooks: {NAME-ci: {url: 'https://127.0.0.1:9/', events: [%s]%s}}\n"
    write(SPEC + hook % ("model_version.created", ", secret: hook, description: ours"))
    code, out, _ = tracking("apply", folder)
    assert (code, "s3cret" in out) == (0, False)
    assert tracking("apply", folder)[1].endswith("0 added, 0 changed, 0 destroyed, 6 unchanged\n")
    ours = next(one for one in hooks(admin, f"{name}-ci") if "ours" in one["description"])
    assert ours["description"].startswith(f"ours\n[mlwright managed={name}/local secret=")

    write(SPEC + hook % ("model_version.created, model_version_alias.created", ", secret: hook, status: disabled"))
    out = tracking("plan", folder)[1]
    assert (
        f"  ~ webhook {name}-ci\n"
        '      events: "model_version.created" -> "model_version.created model_version_alias.created"\n'
        '      status: "active" -> "disabled"\n'
        '      description: "ours" -> (none)\n'
    ) in out
    assert tracking("apply", folder)[0] == 0
    now = next(one for one in hooks(admin, f"{name}-ci") if one["webhook_id"] == ours["webhook_id"])
    assert (now["status"], len(now["events"])) == ("DISABLED", 2)

    write(SPEC)
    assert f"    webhook {name}-ci: kept" in tracking("apply", folder)[1]
    assert f"  - webhook {name}-ci" in tracking("apply", folder, "--prune")[1]
    assert [one["description"] for one in hooks(admin, f"{name}-ci")] == ["theirs"]


def test_a_changed_secret_of_a_webhook_is_noticed_and_one_that_is_not_here_is_not_compared(
    tracking: Tracking, folder: Path, write: Callable[..., Path], admin: Client, name: str
) -> None:
    hook = "  webhooks: {NAME-ci: {url: 'https://127.0.0.1:9/', events: [model_version.created]%s}}\n"
    write(SPEC + hook % ", secret: hook")
    who = {"USER__USERNAME": f"{name}-pipe", "USER__PASSWORD": "the-first-password"}
    secrets(folder, **who)
    code, out, _ = tracking("apply", folder)
    assert code == 1
    assert "(its secret is not here: set HOOK__SECRET in the environment, or in .env beside the spec)" in out
    secrets(folder, **who, HOOK__SECRET="one")
    assert tracking("apply", folder)[0] == 0
    secrets(folder, **who, HOOK__SECRET="two")
    code, out, _ = tracking("plan", folder, "--format", "json")
    (plan,) = json.loads(out)["plans"]
    changed = next(one for one in plan["objects"] if one["kind"] == "webhook")
    assert changed["fields"] == [{"name": "secret", "old": "(hidden)", "new": "(hidden)"}]
    assert tracking("apply", folder)[0] == 0
    secrets(folder, **who)
    code, out, _ = tracking("plan", folder, "--detailed-exitcode")
    assert code == 0
    assert "(its secret is not compared: HOOK__SECRET is not here)" in out
    before = hooks(admin, f"{name}-ci")[0]["webhook_id"]
    write(SPEC + hook % "")
    assert tracking("apply", folder)[0] == 0
    (now,) = hooks(admin, f"{name}-ci")
    assert now["webhook_id"] != before  # MLflow cannot take a secret away
    assert "secret=" not in now["description"]


def test_what_is_written_of_the_pipelines_user_is_stronger_than_what_is_implied(
    tracking: Tracking, folder: Path, write: Callable[..., Path], admin: Client, name: str
) -> None:
    write(SPEC + "  permissions: {NAME-pipe: {models: use}}\n")
    assert tracking("apply", folder)[0] == 0
    id = id_of(admin, f"{name}-local")
    assert levels(admin, f"{name}-pipe") == {f"experiment:{id}": "EDIT", f"registered_model:{name}": "USE"}
    assert tracking("plan", folder, "--detailed-exitcode")[0] == 0
