"""Who may talk to the pods that KServe makes, and to whom they may."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.targets.kubeflow.served import DIRECT, FULL, KNATIVE, KSERVE, LOCKED, TWO, objects

FIELDS = "smoke_test: {request: r.json}"
FILES = {"r.json": "{}"}


def policy(text: str, platform: str, role: str, *aliases: str) -> Any:
    found = objects(text, platform, *aliases, target="kubernetes", **FILES)
    return found[f"NetworkPolicy/demo-{role}"]["spec"]


def ports(rules: list[dict[str, Any]]) -> set[int]:
    return {port["port"] for rule in rules for port in rule.get("ports", ())}


def pods(labels: dict[str, str]) -> Any:
    return {"podSelector": {"matchLabels": labels}}


def test_policies_go_by_labels_that_kserves_pods_have() -> None:
    spec = policy(LOCKED % "", KSERVE, "endpoint", "champion")
    part = objects(LOCKED % "", KSERVE, "champion")["InferenceService/demo-online"]["spec"]["predictor"]
    assert spec["podSelector"]["matchLabels"].items() <= part["labels"].items()
    assert ports(spec["ingress"]) == {8080}
    assert {"namespaceSelector": {}} in spec["ingress"][0]["from"]


def test_the_agents_port_is_open_where_there_is_one() -> None:
    assert 9081 in ports(policy(DIRECT % ", batcher: {max_size: 3}", KSERVE, "endpoint")["ingress"])
    assert 9081 not in ports(policy(DIRECT % "", KSERVE, "endpoint")["ingress"])


def test_transformers_and_routers_reach_what_they_ask() -> None:
    spec = policy(
        LOCKED % (TWO + ", transformer: {command: [t], port: 8081}"), KSERVE, "endpoint", "champion", "challenger"
    )
    labels = spec["podSelector"]["matchLabels"]
    (rule,) = [rule for rule in spec["egress"] if pods(labels) in rule["to"]]
    assert ports([rule]) == {8080, 8081}


def test_knative_wakes_pods_counts_and_leads_to_them() -> None:
    spec = policy(LOCKED % "", f"{KNATIVE}network: {{allow_from: [gateways]}}\n", "endpoint", "champion")
    names = [
        peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        for peer in spec["ingress"][0]["from"]
        if "namespaceSelector" in peer
    ]
    assert names == ["gateways", "knative-serving"]
    assert {8012, 9090} <= ports(spec["ingress"])


def test_a_smoke_test_reaches_the_endpoint_on_both() -> None:
    assert ports(policy(LOCKED % f", {FIELDS}", KSERVE, "smoke", "champion")["egress"]) == {8080}
    assert {"to": [{"namespaceSelector": {}}]}.items() <= policy(LOCKED % f", {FIELDS}", KNATIVE, "smoke", "champion")[
        "egress"
    ][-1].items()


def test_the_store_and_the_collector_are_reached_on_their_ports() -> None:
    text = (
        "tracking: {artifacts: {type: s3, uri: s3://mlflow/s, endpoint: http://minio.lab:9000}}\n"
        'serving: {scores: {model: "s3://mlflow/s/1", format: xgboost, log: {to: "http://c.ml:8888/"}}}\n'
    )
    assert {9000, 8888} <= ports(policy(text, KSERVE, "endpoint")["egress"])


def test_groups_of_copies_reach_each_other_on_every_port() -> None:
    text = 'serving: {chat: {model: "hf://a/b", protocols: [openai], roles: {prefill: {replicas: 1}}}}\n'
    spec = policy(text, FULL, "endpoint")
    labels = spec["podSelector"]["matchLabels"]
    assert {"from": [pods(labels)]} in spec["ingress"] and {"to": [pods(labels)]} in spec["egress"]


@pytest.mark.parametrize("mesh", ["AuthorizationPolicy", "PeerAuthentication"])
def test_the_mesh_lets_in_what_policies_let_in(mesh: str) -> None:
    settings = {
        "AuthorizationPolicy": "namespaces: {ml: {owner: ann@example.com}}\n",
        "PeerAuthentication": "mesh: {mtls: strict, permissive_ports: true}\n",
    }
    platform = (
        KSERVE.replace('{kserve: "0.20"}', '{kserve: "0.20", profiles: "2.0"}') + 'istio: "1.30"\n' + settings[mesh]
    )
    found = objects(LOCKED % ", transformer: {command: [t], port: 8081}", platform, "champion")
    for name, labels in (("demo-online", "online"), ("demo-online-transformer", "online-transformer")):
        spec = found[f"{mesh}/{name}"]["spec"]
        assert spec["selector"]["matchLabels"]["app.kubernetes.io/name"] == labels
        if mesh == "AuthorizationPolicy":
            assert spec["rules"][0]["to"][0]["operation"]["ports"] == ["8080", "8081"]
        else:
            assert set(spec["portLevelMtls"]) == {"8080", "8081"}
