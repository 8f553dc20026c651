"""Gates, registered models, endpoints and routes."""

from __future__ import annotations

from typing import Any

import pytest

from mlwright import ir
from mlwright.passes.check_gates import check_gates
from mlwright.passes.check_registry import check_registry
from mlwright.passes.check_routes import check_routes
from mlwright.passes.check_serving import check_serving
from tests.unit.passes.factory import (
    alias,
    codes,
    gates,
    only,
    origin,
    place,
    project,
    registration,
    route,
    service,
    training,
)


def gate(**fields: Any) -> ir.Gate:
    values: dict[str, Any] = {"name": "floor", "metric": "auc", "goal": "maximize"}
    return ir.Gate(**(values | fields))


@pytest.mark.parametrize("fields", [{"min": 0.8}, {"max": 0.2}, {"min": 0.8, "max": 0.8}, {"versus": "champion"}])
def test_a_gate_with_a_bound_is_fine(fields: dict[str, Any]) -> None:
    assert codes(check_gates, project(gates(gate(**fields)), registration())) == []


@pytest.mark.parametrize(
    ("fields", "code", "key"),
    [
        ({"metric": "acu", "min": 0.8}, "GATE001", "metric"),
        ({"versus": "champion", "goal": None}, "GATE002", "versus"),
        ({"min": 0.8, "tolerance": 0.1}, "GATE004", "tolerance"),
    ],
)
def test_gates_that_decide_nothing_are_found(fields: dict[str, Any], code: str, key: str) -> None:
    finding = only(check_gates, project(gates(gate(**fields)), registration()))
    assert (finding.code, finding.at.path) == (code, ("evaluation", "gates", "floor", key))


def test_a_misspelt_metric_is_corrected() -> None:
    assert only(check_gates, project(gates(gate(metric="acu", min=1)))).help == "did you mean `auc`?"
    nothing = gates(gate(min=1), metrics=())
    assert only(check_gates, project(nothing)).help == "declare it under `evaluation.metrics`"


def test_a_comparison_needs_a_registered_model() -> None:
    finding = only(check_gates, project(gates(gate(versus="champion"))))
    assert (finding.code, finding.at.path) == ("GATE003", ("evaluation", "gates", "floor", "versus"))
    other = registration("other")
    assert codes(check_gates, project(gates(gate(versus="champion")), other)) == ["GATE003"]


def served(text: str, binding: Any = "locked", **fields: Any) -> ir.Service:
    return service(source=alias(text, **fields), binding=binding)


def test_a_model_that_the_project_registers_can_be_served() -> None:
    assert codes(check_registry, project(registration(), services=(served("churn@champion"),))) == []
    assert codes(check_registry, project(registration(), services=(served("churn@champion", "run"),))) == []


def test_a_model_that_nobody_makes_cannot_be_served() -> None:
    finding = only(check_registry, project(registration(), services=(served("chrun@champion"),)))
    assert (finding.code, finding.at.path) == ("REG001", ("serving", "online", "model"))
    assert finding.help == "did you mean `${registry.churn@champion}`?"


def test_a_version_from_the_lock_can_be_served_without_a_registry_section() -> None:
    assert codes(check_registry, project(services=(served("other@champion", version="3"),))) == []
    assert codes(check_registry, project(services=(served("other@champion", "run", version="3"),))) == ["REG001"]


def test_variants_are_looked_at_too() -> None:
    pair = service(source=alias("churn@a"), variants=(ir.Variant(name="b", source=alias("other@a")),))
    assert place(check_registry, project(registration(), services=(pair,))) == (
        "serving",
        "online",
        "variants",
        "b",
        "model",
    )


@pytest.mark.parametrize("name", ["champion", "v1-candidate", "Blue_2", "latest-good"])
def test_aliases_that_mlflow_takes_are_fine(name: str) -> None:
    assert codes(check_registry, project(registration(), services=(served(f"churn@{name}"),))) == []


@pytest.mark.parametrize("name", ["latest", "LATEST", "v1", "V23", "a b", "a.b", "", "v1\n"])
def test_aliases_that_mlflow_refuses_are_found(name: str) -> None:
    assert codes(check_registry, project(registration(), services=(served(f"churn@{name}"),))) == ["REG002"]
    if name:
        against = gates(gate(versus=name))
        assert codes(check_registry, project(registration(), against)) == ["REG002"]


def test_a_model_is_registered_once() -> None:
    again = registration(origin=origin("models", "b", "registry"))
    finding = only(check_registry, project(registration(), again))
    assert (finding.code, finding.at.path) == ("REG003", ("models", "b", "registry", "model"))
    assert finding.related[0].path == ("registry", "model")
    assert codes(check_registry, project(registration(), registration("other"))) == []


@pytest.mark.parametrize(("type", "found"), [("mlflow-model", []), ("file", ["REG004"]), ("model", ["REG004"])])
def test_only_mlflow_models_are_registered(type: Any, found: list[str]) -> None:
    made = training(outputs=(ir.Output(name="model", type=type),))
    assert codes(check_registry, project(made, registration())) == found


# Serving


def check_one(**fields: Any) -> list[str]:
    return codes(check_serving, project(services=(service(**fields),)))


def variant(name: str, traffic: int, text: str = "") -> ir.Variant:
    return ir.Variant(name=name, traffic=traffic, source=alias(text or f"churn@{name}"))


@pytest.mark.parametrize(
    ("shares", "found"),
    [((10, 90), []), ((-1, 50), []), ((-1, -1), ["SERVE002"])],
)
def test_requests_are_copied_to_one_mirror(shares: tuple[int, int], found: list[str]) -> None:
    assert check_one(variants=tuple(variant(f"v-{i}", share) for i, share in enumerate(shares))) == found


def test_a_variant_of_the_same_model_is_a_warning() -> None:
    twin = service(source=alias("churn@champion"), variants=(variant("b", 5, "churn@champion"),))
    finding = only(check_serving, project(services=(twin,)))
    assert (finding.code, finding.severity) == ("SERVE003", "warning")
    assert check_one(source=alias("churn@champion"), variants=(variant("b", 5, "churn@challenger"),)) == []


def host(name: str, host: str, path: str = "/") -> ir.Service:
    return service(name, expose=ir.Expose(scope="host", host=host, path=path))


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        (("m.example.com", "/a"), ("m.example.com", "/b"), []),
        (("m.example.com", "/"), ("n.example.com", "/"), []),
        (("m.example.com", "/a"), ("M.example.com", "/a/"), ["SERVE004"]),
    ],
)
def test_an_address_belongs_to_one_endpoint(one: Any, other: Any, found: list[str]) -> None:
    assert codes(check_serving, project(services=(host("a", *one), host("b", *other)))) == found


def test_endpoints_inside_the_cluster_have_no_address_to_share() -> None:
    assert codes(check_serving, project(services=(service("a"), service("b")))) == []


def test_mlflows_scoring_server_has_no_v2() -> None:
    assert check_one(format="mlflow", protocols=("mlflow", "open-inference-v2")) == ["SERVE005"]
    assert check_one(format="sklearn", protocols=("open-inference-v2",)) == []
    own = ir.Container(argv=(("serve",),))
    assert check_one(format="mlflow", protocols=("open-inference-v2",), container=own) == []


def test_a_protocol_is_listed_once() -> None:
    assert check_one(protocols=("http", "http")) == ["SERVE006"]


def test_a_smoke_test_needs_http() -> None:
    assert check_one(protocols=("grpc",), smoke_request="r.json") == ["SERVE007"]
    assert check_one(protocols=("grpc", "http"), smoke_request="r.json") == []
    assert check_one(protocols=("grpc",)) == []


# Routes


def test_routes_lead_to_endpoints_and_to_routes() -> None:
    routes = (route("r", "serving.a", "serving.s"), route("s", "serving.b"))
    assert codes(check_routes, project(services=(service("a"), service("b")), routes=routes)) == []


def test_a_route_to_nothing_is_corrected() -> None:
    program = project(services=(service("online"),), routes=(route("r", "serving.onlien"),))
    finding = only(check_routes, program)
    assert (finding.code, finding.at.path) == ("SERVE010", ("serving", "r", "to", 0))
    assert finding.help == "did you mean `serving.online`?"


@pytest.mark.parametrize(
    "routes",
    [
        (route("r", "serving.r"),),
        (route("r", "serving.s"), route("s", "serving.r")),
        (route("r", "serving.a", "serving.s"), route("s", "serving.t"), route("t", "serving.s")),
    ],
)
def test_routes_do_not_lead_in_a_circle(routes: tuple[ir.Route, ...]) -> None:
    assert codes(check_routes, project(services=(service("a"),), routes=routes)) == ["SERVE011"]


def test_two_ways_to_one_endpoint_are_no_circle() -> None:
    routes = (route("r", "serving.s", "serving.t"), route("s", "serving.a"), route("t", "serving.a"))
    assert codes(check_routes, project(services=(service("a"),), routes=routes)) == []


def test_a_chain_of_many_routes_is_followed_to_its_end() -> None:
    routes = tuple(route(f"r{i}", f"serving.r{i + 1}") for i in range(3000))
    assert codes(check_routes, project(services=(service("r3000"),), routes=routes)) == []


def test_an_endpoint_is_once_in_a_route_unless_conditions_choose() -> None:
    ends = (service("a"),)
    assert codes(check_routes, project(services=ends, routes=(route("r", "serving.a", "serving.a"),))) == ["SERVE012"]
    switch = route("r", "serving.a", "serving.a", mode="switch")
    assert codes(check_routes, project(services=ends, routes=(switch,))) == []
