"""How many copies KServe keeps, what it is told to go by, and what counts."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.targets.kubeflow.served import FULL, KNATIVE, KSERVE, LOCKED, codes, objects, predictor

SCALER = "serving.kserve.io/autoscalerClass"


def scaled(replicas: str, platform: str) -> tuple[dict[str, str], Any]:
    """The annotations and the predictor of an endpoint with these copies."""
    found = objects(LOCKED % f", replicas: {replicas}", platform, "champion")
    return found["InferenceService/demo-online"]["metadata"]["annotations"], predictor(found)


def test_a_number_of_copies_is_scaled_by_nobody() -> None:
    notes, part = scaled("3", KSERVE)
    assert notes[SCALER] == "none" and (part["minReplicas"], part["maxReplicas"]) == (3, 3)
    assert "scaleMetric" not in part and "autoScaling" not in part


@pytest.mark.parametrize(("target", "measure", "value"), [("cpu: 70", "cpu", 70), ("memory: 60", "memory", 60)])
def test_processors_and_memory_are_kubernetes_own_autoscalers_business(target: str, measure: str, value: int) -> None:
    notes, part = scaled(f"{{min: 1, max: 5, target: {{{target}}}}}", KSERVE)
    assert notes[SCALER] == "hpa"
    assert (part["scaleMetric"], part["scaleMetricType"], part["scaleTarget"]) == (measure, "Utilization", value)


def test_without_a_measure_copies_follow_processors() -> None:
    _, part = scaled("{min: 1, max: 5}", KSERVE)
    assert (part["scaleMetric"], part["scaleTarget"]) == ("cpu", 80)


@pytest.mark.parametrize(
    ("target", "query"),
    [("rps: 10", "istio_requests_total"), ("concurrency: 2.5", "istio_request_duration_milliseconds_sum")],
)
def test_requests_are_counted_by_the_mesh_and_followed_by_keda(target: str, query: str) -> None:
    notes, part = scaled(f"{{min: 1, max: 5, target: {{{target}}}}}", FULL)
    assert notes[SCALER] == "keda"
    (metric,) = part["autoScaling"]["metrics"]
    assert metric["external"]["metric"]["backend"] == "prometheus"
    assert query in metric["external"]["metric"]["query"]
    assert 'destination_service_name="demo-online"' in metric["external"]["metric"]["query"]
    assert metric["external"]["target"] == {"type": "Value", "value": target.partition(": ")[2]}


def test_a_sleeping_endpoint_is_woken_by_what_its_callers_count() -> None:
    _, part = scaled("{min: 0, max: 3, target: {rps: 5}}", FULL)
    assert part["minReplicas"] == 0
    assert 'reporter="source"' in part["autoScaling"]["metrics"][0]["external"]["metric"]["query"]


def test_parts_beside_one_that_keda_scales_have_a_measure_too() -> None:
    text = LOCKED % ", replicas: {min: 1, max: 3, target: {rps: 5}}, transformer: {command: [python, t.py]}"
    spec = objects(text, FULL, "champion")["InferenceService/demo-online"]["spec"]
    (metric,) = spec["transformer"]["autoScaling"]["metrics"]
    assert metric["resource"] == {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}


@pytest.mark.parametrize("target", ["concurrency: 10", "rps: 100"])
def test_knative_counts_requests_itself_and_lets_endpoints_sleep(target: str) -> None:
    notes, part = scaled(f"{{min: 0, max: 5, target: {{{target}}}}}", KNATIVE)
    measure, _, value = target.partition(": ")
    assert (part["minReplicas"], part["scaleMetric"], part["scaleTarget"]) == (0, measure, int(value))
    assert SCALER not in notes and "autoScaling" not in part


def test_knative_follows_processors_by_kubernetes_autoscaler_which_lets_nothing_sleep() -> None:
    notes, part = scaled("{min: 1, max: 5, target: {cpu: 70}}", KNATIVE)
    assert notes["autoscaling.knative.dev/class"] == "hpa.autoscaling.knative.dev"
    assert (part["scaleMetric"], part["scaleTarget"]) == ("cpu", 70)
    assert "KUBE007 min" in codes(LOCKED % ", replicas: {min: 0, max: 5, target: {cpu: 70}}", KNATIVE, "champion")


@pytest.mark.parametrize(
    ("replicas", "code"),
    [
        ("{min: 0, max: 2, target: {rps: 3}}", "PLAT007 rps"),
        ("{min: 1, max: 2, target: {concurrency: 3}}", "PLAT007 concurrency"),
        ("{min: 0, max: 2}", "PLAT007 min"),
        ("{min: 0, max: 2}", "KUBE007 min"),
    ],
)
def test_what_nothing_counts_or_wakes_is_refused(replicas: str, code: str) -> None:
    assert code in codes(LOCKED % f", replicas: {replicas}", KSERVE, "champion")


def test_several_copies_have_a_budget_and_different_nodes_on_deployments() -> None:
    found = objects(LOCKED % ", replicas: 2", KSERVE, "champion")
    budget = found["PodDisruptionBudget/demo-online"]["spec"]
    assert budget["selector"]["matchLabels"].items() <= predictor(found)["labels"].items()
    (spread,) = predictor(found)["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"] == budget["selector"]["matchLabels"]
    assert "PodDisruptionBudget/demo-online" not in objects(LOCKED % ", replicas: 2", KNATIVE, "champion")


ALERTS = "monitoring: {alerts: {a: {on: serving.online, metric: %s, %s}}}\n"


@pytest.mark.parametrize(
    ("metric", "bound", "expected"),
    [
        ("latency", "quantile: 0.9, max: 1s", 'destination_service_name="demo-online"'),
        ("errors", "max: 1%", 'destination_service_name="demo-online"'),
        ("replicas", "min: 1", 'deployment="demo-online-predictor"'),
        ("restarts", "max: 3", 'pod=~"demo-online-predictor-[a-z0-9]{6,10}-[a-z0-9]{5}"'),
    ],
)
def test_alerts_on_an_endpoint_of_kserves_go_by_what_is_really_counted(metric: str, bound: str, expected: str) -> None:
    text = LOCKED % "" + ALERTS % (metric, bound)
    (rule,) = objects(text, FULL, "champion", target="kubernetes")["PrometheusRule/demo"]["spec"]["groups"][0]["rules"]
    assert expected in rule["expr"]


def test_knatives_revisions_are_counted_together() -> None:
    platform = f'{KNATIVE}prometheus_operator: "0.93"\n'
    text = LOCKED % "" + ALERTS % ("replicas", "min: 1")
    found = objects(text, platform, "champion", target="kubernetes")["PrometheusRule/demo"]
    expr = found["spec"]["groups"][0]["rules"][0]["expr"]
    assert expr.startswith("sum(") and 'deployment=~"demo-online-predictor-[0-9]{5}-deployment"' in expr


@pytest.mark.parametrize("platform", [KSERVE, KNATIVE])
def test_what_nobody_measures_of_an_endpoint_of_kserves_is_said(platform: str) -> None:
    platform = f'{platform}prometheus_operator: "0.93"\n'
    assert "MON002 metric" in codes(LOCKED % "" + ALERTS % ("latency", "max: 1s"), platform, "champion")
