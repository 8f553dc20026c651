"""Network policies: denied by default, and what the spec implies is allowed, by the labels that pods really have."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.targets.kubernetes.environments import FULL, PLAIN, TRAINED, objects, pod

SERVED = TRAINED + 'serving: {online: {model: "${registry.m@champion}", port: 9000}}\n'
ANY = [{"ipBlock": {"cidr": "0.0.0.0/0"}}, {"ipBlock": {"cidr": "::/0"}}]


def policy(found: dict[str, Any], role: str = "") -> Any:
    return found[f"NetworkPolicy/demo{'-' + role if role else ''}"]["spec"]


def peers(rules: list[dict[str, Any]]) -> list[str]:
    """The roles that rules are about."""
    every = [peer for rule in rules for peer in rule.get("to", rule.get("from", ()))]
    labels = [peer.get("podSelector", {}).get("matchLabels", {}) for peer in every]
    return [found["app.kubernetes.io/component"] for found in labels if "app.kubernetes.io/component" in found]


def outside(spec: dict[str, Any]) -> set[int]:
    """The ports on which any address is reached."""
    return {port["port"] for rule in spec.get("egress", ()) if rule["to"] == ANY for port in rule["ports"]}


def test_nothing_is_reached_and_only_names_are_asked_for_by_default() -> None:
    spec = policy(objects(SERVED, PLAIN, "champion"))
    assert spec["policyTypes"] == ["Ingress", "Egress"] and "ingress" not in spec
    (names,) = spec["egress"]
    assert {port["port"] for port in names["ports"]} == {53}
    assert names["to"][0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "kube-system"}


def test_every_policy_selects_pods_that_there_are() -> None:
    found = objects(SERVED + "notebooks: {n: {}}\n", PLAIN, "champion")
    plan = str(found["ConfigMap/demo-main-plan-*"]["data"]["plan.json"])
    pods = [
        body["spec"]["template"]["metadata"]["labels"]
        for body in found.values()
        if body["kind"] in ("Deployment", "Job")
    ]
    crons = [body for body in found.values() if body["kind"] == "CronJob"]
    pods += [body["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["labels"] for body in crons]
    for name, body in found.items():
        if name.startswith("NetworkPolicy/"):
            wanted = body["spec"]["podSelector"]["matchLabels"]
            role = wanted.get("app.kubernetes.io/component", "")
            told = f'"app.kubernetes.io/component": "{role}"' in plan
            assert told or any(wanted.items() <= labels.items() for labels in pods), name


def test_steps_reach_the_tracking_server_and_one_another_but_not_the_api_of_the_cluster() -> None:
    spec = policy(objects(SERVED, PLAIN, "champion"), "step")
    assert set(peers(spec["egress"])) == {"tracking", "step"}
    assert outside(spec) == set()
    assert peers(spec["ingress"]) == ["step"]


@pytest.mark.parametrize(
    ("source", "port"),
    [("s3://lake/x.csv", 443), ("https://example.com:8443/x.csv", 8443), ("http://example.com/x.csv", 80)],
)
def test_steps_reach_the_ports_of_what_they_read_elsewhere(source: str, port: int) -> None:
    text = f'{TRAINED}data: {{x: {{source: "{source}"}}}}\n'
    text = text.replace("[python, train.py,", '[python, train.py, "${data.x}",')
    assert outside(policy(objects(text), "step")) == {port}


def test_the_conductor_alone_reaches_the_api_of_the_cluster_where_ops_say_it_is() -> None:
    assert outside(policy(objects(SERVED, PLAIN, "champion"), "control")) == {443, 6443}
    spec = policy(objects(SERVED, FULL, "champion"), "control")
    assert {"to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}], "ports": [{"protocol": "TCP", "port": 6443}]} in spec[
        "egress"
    ]
    assert outside(spec) == set() and "ingress" not in spec


def test_an_engine_whose_containers_call_the_api_may_do_so_in_every_step() -> None:
    argo = PLAIN.replace("orchestrator: kubernetes", 'orchestrator: argo\nargo_workflows: "4.1"')
    assert outside(policy(objects(SERVED, argo, "champion"), "step")) == {443, 6443}


def test_endpoints_are_reached_from_their_namespace_and_from_those_that_ops_allow() -> None:
    (rule,) = policy(objects(SERVED, FULL, "champion"), "endpoint")["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 9000}]
    near, *far = rule["from"]
    assert near == {"podSelector": {}}
    names = [peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for peer in far]
    assert names == ["gateways", "monitoring"]


def test_the_server_is_reached_by_the_projects_pods_and_reaches_its_stores() -> None:
    found = objects("tracking: {backend_store: {type: postgres}, artifacts: {type: s3}}\n")
    spec = policy(found, "tracking")
    (rule,) = spec["ingress"]
    assert rule["from"] == [{"podSelector": {"matchLabels": {"app.kubernetes.io/instance": "demo-prod"}}}]
    assert set(peers(spec["egress"])) == {"tracking", "store"} and outside(spec) == set()
    assert peers(policy(found, "store")["ingress"]) == ["tracking"] and "egress" not in policy(found, "store")


def test_the_server_reaches_the_usual_ports_of_stores_elsewhere() -> None:
    text = (
        "secrets: {db: {keys: [uri]}, cloud: {keys: [K]}}\n"
        "tracking: {backend_store: {type: mysql, secret: db}, "
        "artifacts: {type: s3, uri: 's3://acme/ml', secret: cloud, endpoint: 'http://minio.other:9000'}}\n"
    )
    assert outside(policy(objects(text), "tracking")) == {3306, 9000}


def test_a_server_elsewhere_is_reached_on_the_port_of_its_address() -> None:
    text = TRAINED + "tracking: {server: {type: external, url: 'https://mlflow.example.com:8443'}}\n"
    assert outside(policy(objects(text), "step")) == {8443}


def test_prometheus_reads_what_the_mesh_and_the_server_count() -> None:
    told = FULL.replace("labels: {release: kps}", "labels: {release: kps}, namespace: watching")
    found = objects(SERVED + "tracking: {options: {prometheus: true}}\n", told, "champion")
    (rule,) = policy(found)["ingress"]
    watching = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "watching"}}}
    assert rule["from"] == [watching] and {port["port"] for port in rule["ports"]} == {15020, 15090}
    assert watching in policy(found, "tracking")["ingress"][0]["from"]
    plain = objects("tracking: {options: {prometheus: true}}\n", f"{PLAIN}prometheus_operator: '0.93'\n")
    assert {"namespaceSelector": {}} in policy(plain, "tracking")["ingress"][0]["from"]


def test_no_policies_where_ops_want_none() -> None:
    found = objects(SERVED, f"{PLAIN}network: {{policies: false}}\n", "champion")
    assert not [name for name in found if name.startswith("NetworkPolicy/")]


def test_the_proxy_alone_reaches_the_issuer() -> None:
    text = SERVED.replace("port: 9000", "port: 9000, expose: {host: m.example.com, auth: required}")
    found = objects(text, FULL, "champion")
    spec = policy(found, "proxy")
    assert outside(spec) == {443} and set(peers(spec["egress"])) == {"endpoint", "tracking"}
    labels = found["Deployment/demo-online-proxy"]["spec"]["template"]["metadata"]["labels"]
    assert spec["podSelector"]["matchLabels"].items() <= labels.items()
    assert pod(found["Deployment/demo-online-proxy"])["automountServiceAccountToken"] is False


def test_programs_reach_the_ai_gateway() -> None:
    text = SERVED + (
        "secrets: {openai: {keys: [OPENAI_API_KEY]}}\n"
        "tracking: {gateway: {endpoints: {chat: {type: chat, provider: openai, model: gpt, secret: openai}}}}\n"
    )
    found = objects(text, PLAIN, "champion")
    for role in ("step", "endpoint"):
        assert "gateway" in peers(policy(found, role)["egress"])
    assert outside(policy(found, "gateway")) == {443}


def test_a_patch_opens_a_port_of_a_policy_and_leaves_alone_which_pods_it_is_about() -> None:
    patch = (
        "patches: {open: {why: the licence server, on: {node: network, kind: StepNetworkPolicy}, ops: "
        "[{op: add, path: /spec/egress/-, value: {ports: [{protocol: TCP, port: 27000}]}}]}}\n"
    )
    assert {"ports": [{"protocol": "TCP", "port": 27000}]} in policy(
        objects(SERVED + patch, PLAIN, "champion"), "step"
    )["egress"]


KATIB = PLAIN.replace("orchestrator: kubernetes", 'orchestrator: argo\nargo_workflows: "4.1"') + (
    'kubeflow: {katib: "0.19"}\npod_security: baseline\nimages: {tools: "registry.example.com/tools:1"}\n'
)
TUNED = """\
defaults: {steps: {image: "registry.example.com/demo:1"}}
params: {lr: {type: float}}
training:
  command: [python, train.py, "--lr=${params.lr}"]
  metrics: {auc: {goal: maximize, pattern: 'auc=(\\S+)', sample: "auc=0.9"}}
tuning: {objective: auc, space: {lr: {min: 0.1, max: 0.9}}, trials: {max: 4}}
"""


def test_what_reads_a_trials_metrics_reaches_katib_and_its_operator_the_api() -> None:
    found = objects(TUNED, KATIB)
    katib = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kubeflow"}}}
    rule = {"to": [katib], "ports": [{"protocol": "TCP", "port": 6789}]}
    assert rule in policy(found, "step")["egress"]
    assert outside(policy(found, "control")) == {443, 6443}
    elsewhere = objects(
        TUNED.replace("trials:", "early_stopping: medianstop, trials:"), f"{KATIB}katib: {{namespace: ml}}\n"
    )
    egress = policy(elsewhere, "step")["egress"]
    assert {port["port"] for rule in egress for port in rule.get("ports", ())} == {5000, 443, 6443, 6789, 6788}
    assert rule not in egress
    assert rule not in policy(objects(TUNED, KATIB.replace('kubeflow: {katib: "0.19"}\n', "")), "step")["egress"]


def test_a_namespace_that_is_made_lets_katib_add_its_collector() -> None:
    label = "katib.kubeflow.org/metrics-collector-injection"
    made = f"{KATIB}namespaces: {{ml: {{create: true}}}}\n"
    assert objects(TUNED, made)["Namespace/ml"]["metadata"]["labels"][label] == "enabled"
    without = made.replace('kubeflow: {katib: "0.19"}\n', "")
    assert label not in objects(TUNED, without)["Namespace/ml"]["metadata"]["labels"]
