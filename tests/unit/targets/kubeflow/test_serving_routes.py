"""Requests among several endpoints on KServe: by weight, one after another, all at once, by condition."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.targets.kubeflow.served import FULL, KNATIVE, KSERVE, LOCKED, TWO, codes, objects, version

MIRROR = ', variants: {shadow: {model: "${registry.m@challenger}", traffic: mirror}}'
ENDPOINTS = """\
serving:
  a: {model: "s3://b/a", format: sklearn}
  b: {model: "s3://b/b", format: xgboost}
  c: {image: "c:1", command: [serve], port: 9000, protocols: [http]}
"""
ALIASES = ("champion", "challenger")


def nodes(found: dict[str, Any], name: str) -> Any:
    return found[f"InferenceGraph/{name}"]["spec"]["nodes"]


def test_without_a_gateway_a_router_shares_requests_between_two_pinned_endpoints() -> None:
    found = objects(LOCKED % TWO, KSERVE, *ALIASES)
    assert {"InferenceService/demo-online", "InferenceService/demo-online-next"} <= set(found)
    root = nodes(found, "demo-online-router")["root"]
    assert root["routerType"] == "Splitter"
    assert [(step["serviceUrl"], step["weight"]) for step in root["steps"]] == [
        ("http://demo-online-main.ml.svc.cluster.local:8080/invocations", 90),
        ("http://demo-online-next.ml.svc.cluster.local:8080/invocations", 10),
    ]
    names = [
        found[f"Service/{name}"]["spec"]["selector"]["app.kubernetes.io/name"]
        for name in ("demo-online", "demo-online-main")
    ]
    assert names == ["online-router", "online"]
    documents = [found[f"ConfigMap/{name}-*"]["data"]["step.json"] for name in ("demo-online", "demo-online-next")]
    assert "1" * 32 in documents[0] and "2" * 32 in documents[1]


def test_a_gateway_shares_the_requests_of_a_host_and_the_mesh_those_inside() -> None:
    found = objects(LOCKED % (TWO + ", expose: {host: m.example.com}"), FULL, *ALIASES)
    for name in ("demo-online-host", "demo-online-mesh"):
        (rule,) = found[f"HTTPRoute/{name}"]["spec"]["rules"]
        assert [(ref["name"], ref["weight"]) for ref in rule["backendRefs"]] == [
            ("demo-online", 90),
            ("demo-online-next", 10),
        ]
    assert not [name for name in found if name.startswith("InferenceGraph")]


def test_a_mirror_is_copied_to_by_the_mesh() -> None:
    (rule,) = objects(LOCKED % MIRROR, FULL, *ALIASES)["HTTPRoute/demo-online-mesh"]["spec"]["rules"]
    assert rule["filters"][0]["requestMirror"]["backendRef"]["name"] == "demo-online-shadow"
    assert "KSERVE007 traffic" in codes(LOCKED % MIRROR, KSERVE, *ALIASES)


def test_no_share_keeps_an_endpoint_warm_and_needs_no_router() -> None:
    found = objects(LOCKED % TWO.replace("10", "0"), KSERVE, *ALIASES)
    assert found["InferenceService/demo-online-next"]["spec"]["predictor"]["minReplicas"] == 1
    assert not [name for name in found if name.startswith("InferenceGraph")]


def test_a_log_in_stands_before_what_the_mesh_shares() -> None:
    found = objects(LOCKED % (TWO + ", expose: {host: m.example.com, auth: required}"), FULL, *ALIASES)
    (rule,) = found["HTTPRoute/demo-online-host"]["spec"]["rules"]
    assert [ref["name"] for ref in rule["backendRefs"]] == ["demo-online-proxy"]
    assert found["HTTPRoute/demo-online-mesh"]["spec"]["parentRefs"][0]["name"] == "demo-online"


def test_knative_asks_its_router_by_the_names_that_knative_gives() -> None:
    found = objects(LOCKED % (TWO + ", expose: {host: m.example.com}"), KNATIVE, *ALIASES)
    urls = [step["serviceUrl"] for step in nodes(found, "demo-online-router")["root"]["steps"]]
    assert urls == [
        "http://demo-online-predictor.ml.svc.cluster.local/invocations",
        "http://demo-online-next-predictor.ml.svc.cluster.local/invocations",
    ]
    assert found["DomainMapping/m.example.com"]["spec"]["ref"]["name"] == "demo-online-router"
    labels = found["InferenceGraph/demo-online-router"]["metadata"]["labels"]
    assert labels["networking.knative.dev/visibility"] == "cluster-local"


def test_a_sequence_hands_answers_on_as_far_as_nobody_says_otherwise() -> None:
    found = objects(
        f"{ENDPOINTS}  all: {{type: route, mode: sequence, to: [serving.a, {{service: serving.b, required: true}}, "
        "{service: serving.c, input: request, condition: predictions}]}\n"
    )
    root = nodes(found, "demo-all-router")["root"]
    assert root["routerType"] == "Sequence"
    assert root["steps"] == [
        {"serviceName": "demo-a", "name": "a", "mapPredictionsToInstances": True},
        {"serviceName": "demo-b", "name": "b", "data": "$response", "dependency": "Hard"},
        {
            "serviceUrl": "http://demo-c.ml.svc.cluster.local:9000/",
            "name": "c",
            "data": "$request",
            "condition": "predictions",
        },
    ]


def test_what_a_release_does_not_map_is_not_written() -> None:
    text = f"{ENDPOINTS}  all: {{type: route, mode: sequence, to: [serving.a, serving.b]}}\n"
    root = nodes(objects(text, version(KSERVE, "0.16")), "demo-all-router")["root"]
    assert "mapPredictionsToInstances" not in root["steps"][0]


def test_a_switch_takes_the_first_condition_that_holds_and_one_without_always() -> None:
    text = f'{ENDPOINTS}  x: {{type: route, mode: switch, to: [{{service: serving.a, condition: "k"}}, serving.b]}}\n'
    steps = nodes(objects(text), "demo-x-router")["root"]["steps"]
    assert [(step["name"], step["condition"]) for step in steps] == [("a", "k"), ("b", "@this")]


def test_routes_behind_a_route_are_nodes_of_one_graph() -> None:
    text = (
        f"{ENDPOINTS}  inner: {{type: route, mode: ensemble, to: [serving.a, serving.b]}}\n"
        "  outer: {type: route, mode: sequence, to: [serving.inner, serving.c]}\n"
    )
    found = nodes(objects(text), "demo-outer-router")
    assert found["root"]["steps"][0] == {"nodeName": "inner", "name": "inner"}
    assert found["inner"]["routerType"] == "Ensemble"
    assert [step["serviceName"] for step in found["inner"]["steps"]] == ["demo-a", "demo-b"]


@pytest.mark.parametrize(
    ("platform", "kind"), [(KSERVE, "InferenceGraph/demo-s-router"), (FULL, "HTTPRoute/demo-s-mesh")]
)
def test_shares_are_the_gateways_business_where_there_is_one(platform: str, kind: str) -> None:
    text = (
        f"{ENDPOINTS}  s: {{type: route, mode: split, to: [{{service: serving.a, weight: 30}}, "
        "{service: serving.b, weight: 70}]}\n"
    )
    spec = objects(text, platform)[kind]["spec"]
    if "nodes" in spec:
        assert [step["weight"] for step in spec["nodes"]["root"]["steps"]] == [30, 70]
    else:
        assert [ref["weight"] for ref in spec["rules"][0]["backendRefs"]] == [30, 70]


def test_a_route_answers_by_its_own_name_and_host() -> None:
    to = "to: [serving.a, serving.b], expose: {host: x.example.com}"
    text = f"{ENDPOINTS}  x: {{type: route, mode: ensemble, {to}}}\n"
    found = objects(text, FULL)
    assert found["Service/demo-x"]["spec"]["ports"][0]["targetPort"] == 8080
    assert found["Service/demo-x"]["spec"]["selector"]["app.kubernetes.io/name"] == "x-router"
    assert found["HTTPRoute/demo-x-host"]["spec"]["rules"][0]["backendRefs"][0]["name"] == "demo-x"


@pytest.mark.parametrize(
    ("to", "message"),
    [
        ("mode: ensemble, to: [{service: serving.a, condition: x}]", "SPEC008"),
        ("mode: sequence, to: [{service: serving.a, condition: x}, serving.b]", "SPEC008"),
        ("mode: switch, to: [{service: serving.a, condition: x, input: request}]", "SPEC008"),
    ],
)
def test_what_a_mode_has_no_use_for_is_refused(to: str, message: str) -> None:
    assert any(code.startswith(message) for code in codes(f"{ENDPOINTS}  x: {{type: route, {to}}}\n"))
