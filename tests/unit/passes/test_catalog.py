"""What the tracking server is to hold: what the sections imply, what `tracking` adds, and what cannot be."""

from __future__ import annotations

import pytest

from mlwright import ir
from tests.unit.passes.understood import IMAGE, codes, understand

MODEL = """
training: {command: [python, train.py, "${outputs.model}"], outputs: {model: {type: mlflow-model}}}
registry: {model: churn, from: "${training.outputs.model}", description: Who leaves, model_tags: {team: growth},
           tags: {tier: gold}, on_pass: {alias: challenger}}
"""
USERS = "secrets: {user: {keys: [username, password]}, root: {keys: [username, password]}}\n"
STEP = "steps: {a: {command: [x]}}\n"
LOCK = """
environments:
  local: {models: {churn@champion: {version: "4"}, churn@challenger: {version: "6"}, batch@champion: {version: "2"}}}
  prod: {models: {churn@champion: {version: "3"}}}
"""


def catalog(text: str, **files: str) -> ir.Catalog:
    """Of a project whose target need not be installed."""
    found = understand(IMAGE + text, **files)
    assert found.project is not None, [item.message for item in found.findings]
    assert [f.code for f in found.findings if f.severity == "error" and not f.code.startswith("OWN")] == []
    return found.project.catalog


def test_the_experiment_and_every_registered_model_are_implied() -> None:
    found = catalog(MODEL)
    assert [(one.name, one.tags, one.artifact_location) for one in found.experiments] == [("demo-local", (), "")]
    (model,) = found.models
    assert (model.name, model.description, model.tags) == ("churn", "Who leaves", (("team", "growth"),))
    assert (model.aliases, model.moved) == ((), ("challenger",))
    assert (found.webhooks, found.grants) == ((), ())


def test_the_experiment_is_a_name_or_more_than_that() -> None:
    assert catalog(STEP + "tracking: {experiment: churn}").experiments[0].name == "churn"
    more = catalog(STEP + "tracking: {experiment: {description: d, tags: {b: '2', a: '1'}}}").experiments[0]
    assert (more.name, more.description, more.tags) == ("demo-local", "d", (("a", "1"), ("b", "2")))


def test_an_environment_changes_one_part_of_the_short_form() -> None:
    text = STEP + "tracking: {experiment: churn}\nenvironments: {local: {platform: compose, tracking: {experiment: {"
    found = catalog(text + "description: here}}}}").experiments[0]
    assert (found.name, found.description) == ("churn", "here")


def test_aliases_are_those_of_the_lock_in_this_environment() -> None:
    found = catalog(MODEL + "tracking: {models: {batch: {aliases: {shadow: 7}}}}", **{"mlproject.lock": LOCK})
    aliases = {one.name: dict(one.aliases) for one in found.models}
    assert aliases == {
        "churn": {"champion": "4", "challenger": "6"},
        "batch": {"champion": "2", "shadow": "7"},
    }
    assert found.pinned == (("batch", "2"), ("churn", "3"), ("churn", "4"), ("churn", "6"))


def test_the_pipelines_user_is_granted_what_it_needs_where_somebody_else_is_the_administrator() -> None:
    assert catalog(USERS + STEP + "tracking: {auth: {type: basic, secret: user}}").grants == ()
    (grant,) = catalog(USERS + STEP + "tracking: {auth: {type: basic, secret: user, admin: root}}").grants
    assert (grant.user, grant.experiments, grant.models, grant.implied) == ("", "EDIT", "MANAGE", True)


def test_contributors_of_the_namespace_have_a_role_unless_they_have_written_permissions() -> None:
    platform = (
        "apiVersion: mlwright.dev/v1\nkind: Platform\norchestrator: kubernetes\nkubernetes: '1.36'\n"
        "namespaces: {ml: {contributors: {ann: view, bob: edit, eve: admin}}, other: {contributors: {zoe: admin}}}\n"
    )
    text = (
        USERS + STEP + "tracking: {auth: {type: basic, secret: user}, permissions: {eve: {models: use}}}\n"
        "environments: {local: {platform: p.yaml, namespace: ml}}\n"
    )
    found = catalog(text, **{"p.yaml": platform}).grants
    assert [(one.user, one.experiments, one.models, one.implied) for one in found] == [
        ("ann", "READ", "READ", True),
        ("bob", "EDIT", "EDIT", True),
        ("eve", "", "USE", False),
    ]


def test_a_webhook_has_its_events_once_and_in_order() -> None:
    hook = "{url: 'https://ci.example.com/', events: [model_version.created, model_version.created, prompt.created]}"
    (found,) = catalog(STEP + f"tracking: {{webhooks: {{ci: {hook}}}}}").webhooks
    assert (found.events, found.active) == (("model_version.created", "prompt.created"), True)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("webhooks: {ci: {url: 'http://ci.example.com/', events: [model_version.created]}}", "CAT001"),
        ("webhooks: {ci: {url: 's3://bucket/x', events: [model_version.created]}}", "CAT001"),
        ("experiments: {demo-local: {}}", "CAT002"),
        ("experiment: {tags: {mlwright.fields: x}}", "CAT003"),
        ("experiments: {x: {tags: {mlflow.note.content: x}}}", "CAT003"),
        ("models: {x: {tags: {mlwright.locked: x}}}", "CAT003"),
        ("permissions: {ann: {models: read}}", "CAT004"),
        ("webhooks: {ci: {url: 'https://localhost/', events: [model_version.created]}}", "CAT005"),
        ("webhooks: {ci: {url: 'https://hook.ml.svc.cluster.local/', events: [model_version.created]}}", "CAT005"),
        ("webhooks: {ci: {url: 'https://ci.example.com/', events: [model_version.created], secret: nope}}", "SEC005"),
        ("experiment: {tags: {note: ghp_abcdefghijklmnopqrstuvwxyz0123456789}}", "SEC002"),
    ],
)
def test_what_cannot_be_is_found(text: str, code: str) -> None:
    assert code in codes(IMAGE + STEP + f"tracking: {{{text}}}\n")


@pytest.mark.parametrize(
    "text",
    [
        "webhooks: {ci: {url: 'https://ci.example.com/', events: []}}",
        "webhooks: {ci: {url: 'https://ci.example.com/', events: [model_version.deleted]}}",
        "webhooks: {ci: {url: 'https://ci.example.com/', events: [model_version.created], status: on}}",
        "models: {x: {aliases: {latest: 1}}}",
        "models: {x: {aliases: {champion: 0}}}",
        "models: {'a/b': {}}",
        "permissions: {ann: {models: own}}",
        "experiment: {artifact_location: nowhere}",
        "experiments: {'': {}}",
    ],
)
def test_what_mlflow_would_refuse_is_refused_here(text: str) -> None:
    assert codes(IMAGE + STEP + f"tracking: {{{text}}}\n") != []


@pytest.mark.parametrize(
    "text",
    [
        "webhooks: {ci: {url: 'https://ci.example.com/', events: [model_version.created], status: disabled}}",
        "webhooks: {ci: {url: 'https://8.8.8.8/', events: [model_version_alias.created]}}",
        "models: {x: {tags: {mlflow.note.content: x}}}",
        "experiments: {x: {tags: {team: x}, artifact_location: 's3://acme/x'}}",
    ],
)
def test_what_is_right_is_not_found_fault_with(text: str) -> None:
    assert codes(IMAGE + STEP + f"tracking: {{{text}}}\n") == []
