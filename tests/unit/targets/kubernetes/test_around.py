"""Notebooks, the AI gateway, alerts, and what ops say of the namespace."""

from __future__ import annotations

import re

import pytest
from tests.unit.targets.kubernetes.environments import FULL, PLAIN, TRAINED, codes, container, env, objects, pod

SERVED = TRAINED + 'serving: {online: {model: "${registry.m@champion}"}}\n'


def test_a_notebook_has_a_home_that_lasts_and_a_token_that_is_a_secret() -> None:
    found = objects("notebooks: {explore: {image: 'lab:1', mounts: {/home/me: {disk: 20Gi}}}}\n")
    body = found["Deployment/demo-explore"]
    assert found["PersistentVolumeClaim/demo-explore"]["spec"]["resources"]["requests"]["storage"] == "20Gi"
    assert {"name": "disk-0", "mountPath": "/home/me"} in container(body)["volumeMounts"]
    variables = env(container(body))
    assert (variables["HOME"], variables["JUPYTER_TOKEN"]) == ("/home/me", "demo-notebooks/token")
    assert variables["MLFLOW_TRACKING_URI"] == "http://demo-mlflow:5000"
    assert pod(body)["securityContext"]["fsGroup"] == pod(body)["securityContext"]["runAsUser"]
    assert body["spec"]["strategy"] == {"type": "Recreate"}


def test_a_notebook_without_a_disk_has_a_home_that_does_not_last_and_nothing_leads_to_it_from_outside() -> None:
    found = objects("notebooks: {explore: {}}\n")
    assert env(container(found["Deployment/demo-explore"]))["HOME"] == "/mlwright/home"
    assert container(found["Deployment/demo-explore"])["image"].startswith("quay.io/jupyter/")
    assert not [
        name for name in found if name.startswith(("PersistentVolumeClaim/demo-explore", "Ingress/", "HTTPRoute/"))
    ]


def test_several_disks_are_several_volumes() -> None:
    found = objects("notebooks: {explore: {mounts: {/home/me: {disk: 1Gi}, /data: {disk: 2Gi}}}}\n")
    sizes = {
        name: body["spec"]["resources"]["requests"]["storage"]
        for name, body in found.items()
        if "Claim/demo-explore" in name
    }
    assert sorted(sizes.values()) == ["1Gi", "2Gi"]


def test_the_gateway_gets_its_keys_as_variables_and_its_file_has_none() -> None:
    text = (
        "secrets: {openai: {keys: [OPENAI_API_KEY]}}\n"
        "tracking: {gateway: {endpoints: {chat: {type: chat, provider: openai, model: gpt, secret: openai}}}}\n"
    )
    found = objects(text)
    box = container(found["Deployment/demo-gateway"])
    assert env(box)["OPENAI__OPENAI_API_KEY"] == "demo-openai/OPENAI_API_KEY"
    file = found["ConfigMap/demo-gateway-*"]["data"]["gateway.yaml"]
    assert '"openai_api_key": "\\u0024OPENAI__OPENAI_API_KEY"' in file
    assert box["args"][-1] == str(found["Service/demo-gateway"]["spec"]["ports"][0]["port"])


ALERTS = """\
monitoring:
  alerts:
    slow:
      {on: serving.online, metric: latency, quantile: 0.99, max: 250ms, for: 10m, severity: critical, description: long}
    quiet: {on: serving.online, metric: requests, min: 1, max: 1000}
    bad: {on: tracking, metric: errors, max: 5%}
    gone: {on: tracking, metric: replicas, min: 1}
tracking: {options: {prometheus: true}}
"""


def test_alerts_compare_what_is_really_measured_with_each_bound() -> None:
    found = objects(SERVED + ALERTS, FULL, "champion")
    (group,) = found["PrometheusRule/demo"]["spec"]["groups"]
    slow, high, low, bad, gone = group["rules"]
    assert slow["for"] == "600s" and slow["labels"]["severity"] == "critical"
    assert slow["expr"].startswith(
        "histogram_quantile(0.99, sum by (le) (rate(istio_request_duration_milliseconds_bucket{"
    )
    assert slow["expr"].endswith("/ 1000 > 0.25") and slow["annotations"]["summary"] == "long"
    assert {low["expr"][-6:], high["expr"][-6:]} == {"> 1000", ")) < 1"}
    assert "or vector(0)" in low["expr"]  # nobody asks: no series at all
    assert bad["expr"].endswith("> 0.05") and 'status=~"5.."' in bad["expr"] and 'service="demo-mlflow"' in bad["expr"]
    assert gone["expr"] == 'kube_deployment_status_replicas_available{namespace="ml",deployment="demo-mlflow"} < 1'
    assert found["PrometheusRule/demo"]["metadata"]["labels"]["release"] == "kps"


def test_restarts_are_those_of_the_pods_of_one_deployment() -> None:
    text = TRAINED + ("monitoring: {alerts: {sick: {on: tracking, metric: restarts, max: 3}}}\n")
    (group,) = objects(text, FULL)["PrometheusRule/demo"]["spec"]["groups"]
    pattern = re.search(r'pod=~"([^"]+)"', group["rules"][0]["expr"])
    assert pattern is not None
    assert re.fullmatch(pattern[1], "demo-mlflow-7f8b576bf5-t744k")
    assert not re.fullmatch(pattern[1], "demo-mlflow-database-0")


def test_an_alert_on_an_endpoint_that_is_not_served_yet_waits_for_it() -> None:
    assert "PrometheusRule/demo" not in objects(
        SERVED + "monitoring: {alerts: {slow: {on: serving.online, metric: latency, max: 1s}}}\n", FULL
    )


@pytest.mark.parametrize(
    ("alert", "platform", "refused"),
    [
        ("{on: serving.onlin, metric: latency, max: 1s}", FULL, "MON001 on"),
        ("{on: steps.a, metric: latency, max: 1s}", FULL, "MON001 on"),
        ("{on: serving.online, metric: temperature, max: 1}", FULL, "MON002 metric"),
        ("{on: tracking, metric: requests, min: 1}", FULL, "MON002 metric"),
        ("{on: serving.online, metric: latency, max: 1s}", f"{PLAIN}prometheus_operator: '0.93'\n", "MON002 metric"),
    ],
)
def test_an_alert_that_could_never_fire_is_refused(alert: str, platform: str, refused: str) -> None:
    assert codes(SERVED + f"monitoring: {{alerts: {{a: {alert}}}}}\n", platform, "champion") == {refused}


SPLIT = 'variants: {n: {model: "${registry.m@champion}", traffic: 5}}'
NAMESPACE = f"""\
{PLAIN}
namespaces:
  ml:
    owner: ann@example.com
    contributors: {{bob@example.com: edit, eve@example.com: view, zoe@example.com: edit}}
    quota: {{hard: {{requests.nvidia.com/gpu: 16, cpu: "256"}}}}
    limits:
      default: {{memory: 1Gi}}
      default_request: {{cpu: 100m}}
      min: {{memory: 16Mi}}
      max: {{memory: 512Gi, cpu: 64}}
"""


def test_ops_say_how_much_a_namespace_may_use_and_who_works_in_it() -> None:
    found = objects("tracking: {server: {type: deployed}}\n", NAMESPACE)
    assert found["ResourceQuota/demo"]["spec"]["hard"] == {"requests.nvidia.com/gpu": "16", "cpu": "256"}
    (entry,) = found["LimitRange/demo"]["spec"]["limits"]
    assert entry["default"] == {"memory": "1Gi", "cpu": "64"}
    assert entry["defaultRequest"] == {"memory": "1Gi", "cpu": "100m"}
    people = {name: [one["name"] for one in body["subjects"]] for name, body in found.items() if "RoleBinding/" in name}
    assert people == {
        "RoleBinding/demo-admin": ["ann@example.com"],
        "RoleBinding/demo-edit": ["bob@example.com", "zoe@example.com"],
        "RoleBinding/demo-view": ["eve@example.com"],
    }


def test_of_other_namespaces_nothing_is_written() -> None:
    found = objects("tracking: {server: {type: deployed}}\n", NAMESPACE.replace("  ml:", "  other:"))
    assert not [name for name in found if name.split("/")[0] in ("ResourceQuota", "LimitRange", "RoleBinding")]


@pytest.mark.parametrize(
    ("service", "platform", "refused"),
    [
        ("expose: {host: m.example.com, path: /m}", f"{PLAIN}ingress: {{class: nginx}}\n", "KUBE006 path"),
        ("expose: {host: m.example.com, path: /m, auth: required}", FULL, "KUBE006 path"),
        (
            f"expose: {{host: m.example.com, auth: required}}, {SPLIT}",
            FULL,
            "KUBE006 auth",
        ),
        ("replicas: {min: 0, max: 2, target: {cpu: 70}}", FULL, "KUBE007 min"),
        ("replicas: {min: 1, max: 2, target: {rps: 7}}", FULL.replace('istio: "1.30"', ""), "PLAT007 rps"),
    ],
)
def test_what_cannot_be_reached_or_woken_is_refused(service: str, platform: str, refused: str) -> None:
    text = TRAINED + f'serving: {{online: {{model: "${{registry.m@champion}}", {service}}}}}\n'
    assert codes(text, platform, "champion") == {refused}


SEARCH = """\
training:
  command: [python, train.py, "${params.x}"]
  image: "demo:1"
  metrics: {score: {goal: maximize, pattern: "score=(.*)"}}
  distributed: {nodes: NODES, launcher: none}
params: {x: {type: float, default: 0.5}}
tuning: {objective: score, algorithm: random, space: {x: {min: 0.0, max: 1.0}}, trials: {max: 3}}
patches:
  mark:
    why: "each has a place of its own"
    on: {node: ON, kind: Job}
    ops: [{op: add, path: /spec/backoffLimit, value: 7}]
"""


@pytest.mark.parametrize(
    ("nodes", "on", "file"),
    [(1, "tuning", "demo-main-plan"), (2, "tuning", "demo-main-plan"), (2, "tuning.trial", "demo-trial-operator")],
)
def test_the_job_of_a_search_and_those_of_its_trials_are_patched_apart(nodes: int, on: str, file: str) -> None:
    text = SEARCH.replace("NODES", str(nodes)).replace("ON,", f"{on},")
    found = objects(text, PLAIN + "images: {tools: 'tools:1'}\n")
    marked = [name for name, body in found.items() if '"backoffLimit": 7' in str(body.get("data"))]
    assert marked == [f"ConfigMap/{file}-*"]


def test_a_tracking_server_below_a_path_says_so_twice() -> None:
    text = "tracking: {server: {type: deployed, expose: {host: m.example.com, path: /ml}}%s}\n"
    assert codes(text % "", FULL) == {"KUBE006 path"}
    found = objects(text % ", options: {static_prefix: /ml}", FULL)
    (rule,) = found["HTTPRoute/demo-mlflow"]["spec"]["rules"]
    assert rule["matches"][0]["path"]["value"] == "/ml" and "filters" not in rule
