"""Secrets and environment variables."""

from __future__ import annotations

from typing import Any

import pytest

from mlwright import ir
from mlwright.passes.check_secrets import check_secrets
from mlwright.passes.check_variables import RESERVED, check_variables
from tests.unit.passes.factory import (
    codes,
    container,
    data,
    only,
    param,
    project,
    ref,
    registration,
    search,
    service,
    storage,
    task,
    tracking,
    training,
)

# Put together here, so that no scanner takes this file for a leak.
TOKENS = [
    "AKIA" + "ABCDEFGHIJKLMNOP",
    "ghp_" + "a1" * 18,
    "github_pat_" + "a1" * 22,
    "glpat-" + "a1" * 10,
    "hf_" + "aB" * 17,
    "sk-" + "proj-" + "a1B2" * 8,
    "xoxb-" + "1" * 12,
    "dapi" + "0a" * 16,
    "AIza" + "a" * 35,
    "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE",
    "eyJ" + "a" * 20 + ".eyJ" + "b" * 20 + ".c",
    "postgres://app:" + "letmein@db.example.com/app",
]


def with_env(name: str, value: str) -> ir.Project:
    return project(task(container=container("x", env=((name, (value,)),))))


@pytest.mark.parametrize("token", TOKENS)
def test_a_token_is_found_anywhere_and_never_shown(token: str) -> None:
    programs = [
        with_env("SETTING", f"before {token} after"),
        project(task("steps.a", "x", f"--opt={token}")),
        project(task(container=ir.Container(script=f"x {token}"))),
        project(params=(param("p", "string", default=token),)),
        project(data=(data("d", token),)),
        project(tracking=tracking(url=token)),
        project(services=(service(extra=(("log", {"to": [token]}),)),)),
        project(registration(tags=(("note", token),))),
        project(search(trial=training("x", token))),
    ]
    for program in programs:
        finding = only(check_secrets, program)
        assert (finding.code, finding.severity) == ("SEC002", "error")
        assert token not in repr(finding)


@pytest.mark.parametrize(
    "name",
    ["DB_PASSWORD", "PASSWORD", "API_TOKEN", "TOKEN", "CLIENT_SECRET", "AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY"],
)
def test_a_variable_whose_name_says_secret_has_no_literal_value(name: str) -> None:
    finding = only(check_secrets, with_env(name, "letmein-please"))
    assert finding.code == "SEC003"
    assert (finding.at.path, finding.at.on) == (("steps", "a", "env", name), "key")
    assert "letmein" not in repr(finding)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PASSWORD", ""),
        ("USE_TOKEN", "true"),
        ("TLS_PRIVATE_KEY", "/etc/tls/key.pem"),
        ("MAX_TOKENS", "4096"),
        ("EOS_TOKEN", "</s>"),
        ("PAD_TOKEN", "[PAD]"),
        ("SORT_KEY", "customer_id"),
        ("TOKENIZERS_PARALLELISM", "false"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token"),
        ("NCCL_DEBUG", "INFO"),
        ("PACKAGE", "sk-learn-contrib-model-training-helpers"),
        ("URL", "https://example.com:8080/a@b"),
    ],
)
def test_what_only_looks_like_a_secret_is_fine(name: str, value: str) -> None:
    assert codes(check_secrets, with_env(name, value)) == []


def test_a_key_that_looks_drawn_at_random_is_found() -> None:
    assert codes(check_secrets, with_env("WANDB_KEY", "9f8a7b6c5d4e3f2a1b0c")) == ["SEC003"]


@pytest.mark.parametrize(
    "words", [("x", "--password", "letmein"), ("x", "--password=letmein"), ("x", "--api-key", "k3y")]
)
def test_a_secret_on_the_command_line_is_found(words: tuple[str, ...]) -> None:
    assert codes(check_secrets, project(task("steps.a", *words))) == ["SEC003"]


@pytest.mark.parametrize(
    "words",
    [
        ("x", "--password", "--verbose"),
        ("x", "--password"),
        ("x", "--eos-token", "</s>"),
        ("x", "--password", ref("secrets.s.K")),
        ("x", ("--password=", ir.Ref("secrets.s.K"))),
    ],
)
def test_options_without_a_literal_secret_are_fine(words: tuple[Any, ...]) -> None:
    assert codes(check_secrets, project(task("steps.a", *words))) == []


def test_an_address_whose_password_is_a_reference_is_fine() -> None:
    value = ("postgres://app:", ir.Ref("secrets.s.K"), "@db/app")
    assert codes(check_secrets, project(task(container=container("x", env=(("DB", value),))))) == []


SECRET = (ir.Secret(name="lake", keys=("KEY", "OTHER")),)


def test_a_secret_that_nothing_uses_is_a_warning() -> None:
    finding = only(check_secrets, project(secrets=SECRET))
    assert (finding.code, finding.severity, finding.at.path) == ("SEC004", "warning", ("secrets", "lake"))


@pytest.mark.parametrize(
    "fields",
    [
        {"data": (data("d", secret="lake"),)},
        {"storage": (storage("s", "s3", secret="lake"),)},
        {"artifacts": storage("s", "s3", secret="lake")},
        {"tracking": tracking(backend=ir.Database(type="mysql", secret="lake"))},
        {"tracking": tracking(auth=ir.Auth(type="basic", secret="lake"))},
        {"tracking": tracking(registry=ir.Database(type="mysql", secret="lake"))},
        {"services": (service(container=container("x", ref("secrets.lake.KEY"))),)},
        {"services": (service(expose=ir.Expose(tls_secret="lake")),)},
        {"services": (service(extra=(("transformer", {"env": {"K": "${secrets.lake.KEY}"}}),)),)},
        {"nodes": (task(container=container("x", secrets=("lake",))),)},
    ],
)
def test_every_way_to_use_a_secret_counts(fields: dict[str, Any]) -> None:
    nodes = fields.pop("nodes", ())
    assert "SEC004" not in codes(check_secrets, project(*nodes, secrets=SECRET, **fields))


# Variables


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_the_launchers_variables_are_its_own(name: str) -> None:
    finding = only(check_variables, with_env(name, "x"))
    assert (finding.code, finding.at.path) == ("VAR001", ("steps", "a", "env", name))


def test_a_bare_step_and_an_endpoint_may_set_mlflows_variables() -> None:
    env = (("MLFLOW_TRACKING_URI", ("x",)),)
    assert codes(check_variables, project(task(contract="bare", container=container("x", env=env)))) == []
    assert codes(check_variables, project(services=(service(container=container("x", env=env)),))) == []


def test_a_variable_from_a_secret_and_from_env_is_found() -> None:
    made = container("x", env=(("KEY", ("1",)),), secrets=("lake",))
    finding = only(check_variables, project(task(container=made), secrets=SECRET))
    assert (finding.code, finding.at.path) == ("VAR002", ("steps", "a", "env", "KEY"))
    assert finding.related[0].path == ("secrets", "lake", "keys")


def test_a_variable_from_data_and_from_env_is_found() -> None:
    made = task(container=container("x", env=(("KEY", ("1",)),)), data=("d",))
    for access, found in (("uri", ["VAR002"]), ("download", [])):
        source = data("d", "s3://b/d", secret="lake", access=access)
        assert codes(check_variables, project(made, secrets=SECRET, data=(source,))) == found


def test_two_secrets_with_one_key_collide_where_both_are_given() -> None:
    both = (ir.Secret(name="a", keys=("K",)), ir.Secret(name="b", keys=("K",)))
    assert codes(check_variables, project(task(container=container("x", secrets=("a", "b"))), secrets=both)) == [
        "VAR002"
    ]
    assert codes(check_variables, project(task(container=container("x", secrets=("a",))), secrets=both)) == []


def test_the_secrets_own_value_under_its_own_name_is_no_collision() -> None:
    made = container("x", env=(("KEY", ref("secrets.lake.KEY")),), secrets=("lake",))
    assert codes(check_variables, project(task(container=made), secrets=SECRET)) == []


def test_a_collision_is_said_once_for_training_and_trials() -> None:
    trained = training(container=container("x", env=(("KEY", ("1",)),), secrets=("lake",)))
    trial = training(container=container("y", env=(("KEY", ("1",)),), secrets=("lake",)))
    assert codes(check_variables, project(search(trial=trial), trained, secrets=SECRET)) == ["VAR002"]


def test_names_that_become_one_variable_are_found() -> None:
    assert codes(check_variables, project(data=(data("a-b"), data("a_b")))) == ["VAR003"]
    assert codes(check_variables, project(data=(data("a-b"), data("ab")))) == []
    pair = (ir.Secret(name="a-b", keys=("K",)), ir.Secret(name="a_b", keys=("K",)))
    assert codes(check_variables, project(secrets=pair)) == ["VAR003"]
    nested = (ir.Secret(name="a", keys=("B__C",)), ir.Secret(name="a--b", keys=("C",)))
    assert codes(check_variables, project(secrets=nested)) == ["VAR003"]


def test_inputs_of_two_models_may_have_one_name() -> None:
    inputs = ("models.x.training.outputs.model", "models.y.training.outputs.model")
    finding = only(check_variables, project(task(inputs=inputs)))
    assert finding.code == "VAR003"
    assert "MLWRIGHT_INPUT_TRAINING_MODEL" in finding.message
    apart = ("steps.a.outputs.x", "evaluation.metrics.x", "registry.m@a")
    assert codes(check_variables, project(task(inputs=apart))) == []
