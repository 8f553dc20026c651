"""Environments of one project beside each other: places on a cluster, and what is global on a tracking server."""

from __future__ import annotations

from typing import Any

import pytest

from mlwright import ir
from mlwright.passes.check_environments import Resolved, check_environments
from mlwright.platform import BUILTIN
from mlwright.testing import programs
from mlwright.testing.programs import origin


def environment(name: str, *nodes: ir.Node, tracking: ir.Tracking | None = None, **changes: Any) -> Resolved:
    fields = {"platform": "kubernetes", "namespace": "churn", **changes}
    place = ir.Environment(name=name, origin=origin("environments", name), **fields)
    server = tracking or programs.tracking(experiment=f"churn-{name}")
    return programs.project(*nodes, environment=place, tracking=server), BUILTIN[str(fields["platform"])]


def shared(experiment: str, url: str = "https://mlflow.example.com", **changes: Any) -> ir.Tracking:
    return programs.tracking(server="external", url=url, experiment=experiment, **changes)


def registered(model: str) -> ir.Registration:
    return ir.Registration(
        id="registry", name="registry", model=model, step="training", output="model", origin=origin("registry")
    )


def found(*environments: Resolved) -> list[tuple[str, str, str]]:
    return [(item.finding.code, item.related, item.at) for item in check_environments(environments)]


@pytest.mark.parametrize(
    "changes",
    [
        {"namespace": "churn-prod"},
        {"name_prefix": "prod-"},
        {"platform": "argo"},
        {"platform": "compose"},
        {"platform": "local"},
    ],
)
def test_environments_that_differ_in_one_of_platform_namespace_and_prefix_are_apart(changes: dict[str, str]) -> None:
    assert found(environment("staging"), environment("prod", **changes)) == []


def test_two_environments_in_one_place_are_refused() -> None:
    assert found(environment("staging"), environment("prod")) == [("ENV010", "staging", "prod")]
    ann = {"name_prefix": "ann-"}
    assert found(environment("a", **ann), environment("b", **ann)) == [("ENV010", "a", "b")]


def test_each_of_three_environments_in_one_place_is_told_once() -> None:
    assert found(environment("a"), environment("b"), environment("c")) == [
        ("ENV010", "a", "b"),
        ("ENV010", "a", "c"),
    ]


def test_two_laptops_share_nothing() -> None:
    assert found(environment("a", platform="compose"), environment("b", platform="compose")) == []


def test_one_experiment_on_a_shared_server_is_a_warning() -> None:
    one = environment("a", tracking=shared("churn"), platform="compose")
    assert found(one, environment("b", tracking=shared("churn", "https://mlflow.example.com/"))) == [
        ("ENV011", "a", "b")
    ]
    assert found(one, environment("b", tracking=shared("other"))) == []
    assert found(one, environment("b", tracking=shared("churn", "https://other.example.com"))) == []
    assert found(one, environment("b", tracking=programs.tracking(experiment="churn"))) == []


def test_one_registered_model_on_a_shared_server_is_a_warning() -> None:
    one = environment("a", registered("churn"), tracking=shared("a"), platform="compose")
    assert found(one, environment("b", registered("churn"), tracking=shared("b"))) == [("ENV012", "a", "b")]
    assert found(one, environment("b", registered("churn-b"), tracking=shared("b"))) == []
    own = environment("b", registered("churn"))
    assert found(one, own) == []
