"""Names and labels."""

from __future__ import annotations

import pytest

from tests.unit.verify.kit import deployment, said


def named(kind: str, name: str, api: str = "v1") -> str:
    return f"{{apiVersion: {api}, kind: {kind}, metadata: {{name: {name}}}, data: {{}}}}"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("ConfigMap", "a.b-c.example"),
        ("ConfigMap", "x" * 253),
        ("Service", "a" * 63),
        ("Role", "system:reader.Of-Things"),
        ("CronJob", "a" * 52),
        ("WorkflowTemplate", "a" * 63),
        ("Widget", "a1.2"),
    ],
)
def test_a_name_within_the_limits_of_its_kind_is_taken(kind: str, name: str) -> None:
    assert said(named(kind, name)) == []


@pytest.mark.parametrize(
    ("kind", "name", "why"),
    [
        ("ConfigMap", "Upper", "`Upper` is no name for a ConfigMap: it has lower-case letters"),
        ("ConfigMap", "under_score", "lower-case letters, digits, `-` and `.`"),
        ("ConfigMap", "-a", "begins and ends with a letter or digit"),
        ("ConfigMap", "x" * 254, "has 254 characters, and a ConfigMap may have 253"),
        ("Service", "1a", "begins with a letter"),
        ("Service", "a.b", "lower-case letters, digits and `-`"),
        ("Service", "a" * 64, "has 64 characters, and a Service may have 63"),
        ("CronJob", "a" * 53, "may have 52"),
        ("CronWorkflow", "a" * 53, "may have 52"),
        ("StatefulSet", "a" * 53, "may have 52"),
        ("Experiment", "a" * 41, "may have 40"),
        ("Namespace", "a.b", "lower-case letters, digits and `-`"),
        ("Role", "a/b", "anything but `/` and `%`"),
    ],
)
def test_a_name_beyond_them_is_refused(kind: str, name: str, why: str) -> None:
    found = said(named(kind, name))
    assert found[0].startswith("VER010") and why in found[0], found


def test_an_object_needs_a_name_and_one_inside_of_another_may_get_it_later() -> None:
    assert said("{apiVersion: v1, kind: Service, metadata: {generateName: a-}}")[0].startswith(
        "VER010 this Service has no name"
    )
    plan = """
apiVersion: v1
kind: ConfigMap
metadata: {name: plan}
data: {plan.json: {steps: [{apiVersion: batch/v1, kind: Job, metadata: {labels: {a: b}}, spec: {}}]}}
"""
    assert said(plan) == []
    assert said(plan.replace("{labels: {a: b}}", '{name: "{{run}}-A"}')) == []
    assert "inside ConfigMap plan" not in said(plan.replace("{labels: {a: b}}", "{name: Big}"))[0]
    assert "`Big` is no name for a Job" in said(plan.replace("{labels: {a: b}}", "{name: Big}"))[0]


def labelled(labels: str) -> str:
    return f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a, labels: {labels}}}, data: {{labels: {{a: 1}}}}}}"


@pytest.mark.parametrize(
    "labels", ["{}", '{a: ""}', "{mlwright.dev/node: steps.a}", f"{{a: {'x' * 63}}}", "{a_b.c: A-1}"]
)
def test_labels_that_kubernetes_takes(labels: str) -> None:
    assert said(labelled(labels)) == []


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ("{a: b c}", "is `b c`: only letters"),
        ("{a: -b}", "with a letter or digit at both ends"),
        (f"{{a: {'x' * 64}}}", "has 64 characters, and 63 are allowed"),
        ("{a: 1}", "is `1`, which is not text: put it into quotes"),
        ("{a: true}", "is `True`, which is not text"),
        ("{a/b/c: x}", "has a prefix that is no domain: `a/b`"),
        ("{Upper.dev/a: x}", "has a prefix that is no domain"),
        (f"{{{'k' * 64}: x}}", "has a name of 64 characters"),
        ("{a b: x}", "has a name that is not letters"),
    ],
)
def test_labels_that_it_does_not(labels: str, why: str) -> None:
    (found,) = said(labelled(labels))
    assert found.startswith("VER011 the label") and why in found


def test_labels_of_pods_and_selectors_are_labels_too() -> None:
    found = said(deployment(labels="{app: a b}"))
    assert [line.partition(" of ")[0] for line in found if line.startswith("VER011")] == ["VER011 the label `app`"] * 2
    assert "spec.template.metadata.labels" in found[0]


def test_labels_of_alerts_are_any_text() -> None:
    rule = "groups: [{name: g, rules: [{alert: A, expr: up, labels: {severity: 'very, very bad'}}]}]"
    assert (
        said(f"{{apiVersion: monitoring.coreos.com/v1, kind: PrometheusRule, metadata: {{name: a}}, spec: {{{rule}}}}}")
        == []
    )


def test_annotations_are_any_text_but_not_too_much() -> None:
    start = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, annotations: "
    assert said(start + "{a: 'any, text: at all'}}}") == []
    assert "is not text; put it into quotes" in said(start + "{a: 1}}}")[0]
    assert "a name that is not letters" in said(start + "{'a b': x}}}")[0]
    big = "x" * (256 * 1024)
    assert "take 262145 bytes, and all of them may take 262144" in said(start + f"{{a: {big}}}}}}}")[0]
