"""What objects find by labels."""

from __future__ import annotations

import pytest

from mlwright.ir import Origin
from mlwright.platform import BUILTIN
from mlwright.testing import programs
from mlwright.verify import verify
from mlwright.verify.pods import matches
from tests.unit.verify.kit import deployment, emitted, said


def service(selector: str = "{app: web}", port: str = "targetPort: http", labels: str = "{}") -> str:
    return f"""
apiVersion: v1
kind: Service
metadata: {{name: web, labels: {labels}}}
spec: {{selector: {selector}, ports: [{{name: http, port: 80, {port}}}]}}
"""


def both(*texts: str) -> str:
    return "\n---\n".join(texts)


def test_a_service_finds_pods_by_labels_and_their_port_by_name() -> None:
    assert said(both(deployment(), service())) == []
    assert said(both(deployment(), service("{}"))) == []  # its endpoints are made by hand
    assert said(both(deployment(), service(port="targetPort: 8080"))) == []  # ports need not be declared


def test_a_service_that_finds_no_pod_is_refused_with_the_label_in_the_way() -> None:
    (found,) = said(both(deployment(), service("{app: wbe}")))
    assert found.startswith("VER032 Service web finds no pod (`spec.selector`)")
    assert found.endswith("what comes closest has `app: web`, and `wbe` is looked for")
    (found,) = said(both(deployment(), service("{app: web, tier: front}")))
    assert found.endswith("`tier` is no label of what comes closest")


def test_a_port_that_no_pod_has_is_refused() -> None:
    (found,) = said(both(deployment(), service(port="targetPort: web")))
    assert found.startswith("VER031 Service web needs the port `web` of its pods") and found.endswith("there is http")


def test_pods_of_another_namespace_do_not_count() -> None:
    here = service().replace("name: web, labels", "name: web, namespace: x, labels")
    there = deployment().replace("name: web}", "name: web, namespace: y}", 1)
    assert said(both(there, here))[0].startswith("VER032")
    assert said(both(there.replace("namespace: y", "namespace: x"), here)) == []


def test_pods_in_a_plan_count_and_so_do_those_of_operators() -> None:
    plan = """
apiVersion: v1
kind: ConfigMap
metadata: {name: plan}
data: {plan.json: {steps: [{apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {template: {
  metadata: {labels: {app: web}},
  spec: {containers: [{name: main, image: x, ports: [{name: http, containerPort: 1}]}]}}}}]}}
"""
    assert said(both(plan, service())) == []
    workflow = """
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w, labels: {app: web}}
spec: {entrypoint: main, templates: [{name: main, container: {image: x}}]}
"""
    assert said(both(workflow, service())) == []
    assert said(both(workflow, service("{app: other}")))[0].startswith("VER032")
    assert said(both(workflow, service("{app: web, workflows.argoproj.io/workflow: w}"))) == []


def test_a_deployment_has_to_find_its_own_pods() -> None:
    wrong = deployment().replace("matchLabels: {app: web}", "matchLabels: {app: other}")
    assert said(wrong)[0].startswith("VER032 the selector of Deployment web does not find its own pods")


@pytest.mark.parametrize(
    ("kind", "api", "spec"),
    [
        ("NetworkPolicy", "networking.k8s.io/v1", "{podSelector: {matchLabels: {app: %s}}}"),
        ("PodDisruptionBudget", "policy/v1", "{minAvailable: 1, selector: {matchLabels: {app: %s}}}"),
    ],
)
def test_policies_find_pods(kind: str, api: str, spec: str) -> None:
    text = f"{{apiVersion: {api}, kind: {kind}, metadata: {{name: p}}, spec: {spec}}}"
    assert said(both(deployment(), text % "web")) == []
    (found,) = said(both(deployment(), text % "wob"))
    assert found.startswith(f"VER032 {kind} p finds no pod")


def test_whom_a_policy_lets_in_is_asked_for_where_it_is_written_by_hand() -> None:
    text = (
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p}, "
        "spec: {podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: wob}}}]}]}}"
    )
    assert said(both(deployment(), text)) == []
    added = emitted(both(deployment(), text), {(): Origin(path=("objects", "extras"))})
    (found,) = verify(added, programs.project(), BUILTIN["argo"]).findings
    assert found.message == "NetworkPolicy p finds no pod (`spec.ingress[0].from[0].podSelector`)"


def test_labels_of_the_templates_of_a_workflow_are_labels_of_its_pods() -> None:
    workflow = """
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w}
spec:
  podMetadata: {labels: {app.kubernetes.io/part-of: x}}
  templates: [{name: main, metadata: {labels: {app.kubernetes.io/component: step}}, container: {image: x}}]
"""
    assert said(both(workflow, service("{app.kubernetes.io/component: step, app.kubernetes.io/part-of: x}"))) == []
    assert said(both(workflow, service("{app.kubernetes.io/component: search}")))[0].startswith("VER032")


def test_pods_of_other_namespaces_are_not_ours_to_know() -> None:
    peer = "{namespaceSelector: {}, podSelector: {matchLabels: {k8s-app: kube-dns}}}"
    text = (
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p}, "
        f"spec: {{podSelector: {{}}, egress: [{{to: [{peer}]}}]}}}}"
    )
    assert said(text) == []


def monitor(label: str, port: str) -> str:
    return (
        "{apiVersion: monitoring.coreos.com/v1, kind: ServiceMonitor, metadata: {name: m}, "
        f"spec: {{selector: {{matchLabels: {{app: {label}}}}}, endpoints: [{{port: {port}}}]}}}}"
    )


def test_a_monitor_finds_services_and_their_ports() -> None:
    there = both(deployment(), service(labels="{app: web}"))
    assert said(both(there, monitor("web", "http"))) == []
    assert said(both(there, monitor("wob", "http")))[0].startswith("VER032 ServiceMonitor m finds no Service")
    assert "needs the port `metrics` of a Service" in said(both(there, monitor("web", "metrics")))[0]


def test_a_volume_that_is_mounted_and_a_port_that_is_probed_are_there() -> None:
    mount = "volumeMounts: [{name: %s, mountPath: /x}],"
    assert said(deployment(mount % "a", pod="volumes: [{name: a, emptyDir: {}}],")) == []
    (found,) = said(deployment(mount % "b", pod="volumes: [{name: a, emptyDir: {}}],"))
    assert found.startswith("VER031 Deployment web mounts the volume `b`, which it does not have")
    assert said(deployment("readinessProbe: {httpGet: {path: /, port: http}},")) == []
    (found,) = said(deployment("readinessProbe: {httpGet: {path: /, port: web}},"))
    assert found.startswith("VER031 Deployment web probes the port `web`, which it does not have")


@pytest.mark.parametrize(
    ("spec", "where"),
    [
        ("{entrypoint: man, templates: [{name: main, container: {image: x}}]}", "spec.entrypoint"),
        ("{entrypoint: main, onExit: man, templates: [{name: main, container: {image: x}}]}", "spec.onExit"),
        (
            "{entrypoint: main, templates: [{name: main, dag: {tasks: [{name: t, template: man}]}}]}",
            "spec.templates[0].dag.tasks[0].template",
        ),
        (
            "{entrypoint: main, templates: [{name: main, steps: [[{name: t, template: man}]]}]}",
            "spec.templates[0].steps[0][0].template",
        ),
    ],
)
def test_templates_that_a_workflow_names_are_its_own(spec: str, where: str) -> None:
    text = f"{{apiVersion: argoproj.io/v1alpha1, kind: WorkflowTemplate, metadata: {{name: w}}, spec: {spec}}}"
    (found,) = said(text)
    assert found.startswith("VER031 WorkflowTemplate w names the template `man`, which it does not have")
    assert f"(`{where}`)" in found and found.endswith("did you mean `main`?")
    assert said(text.replace("man,", "main,").replace("man}", "main}")) == []


def test_claims_of_a_set_are_volumes() -> None:
    text = deployment("volumeMounts: [{name: data, mountPath: /x}],").replace("Deployment", "StatefulSet")
    assert "mounts the volume `data`" in said(text)[0]
    claims = "spec:\n  volumeClaimTemplates: [{metadata: {name: data}}]\n  selector"
    assert said(text.replace("spec:\n  selector", claims)) == []


@pytest.mark.parametrize(
    ("selector", "fits"),
    [
        ({}, True),
        ({"matchLabels": {"a": "1"}}, True),
        ({"matchLabels": {"a": "2"}}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["2"]}]}, False),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "NotIn", "values": ["1"]}]}, True),
        ({"matchExpressions": [{"key": "b", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, False),
        ({"matchLabels": {"job-name": "x"}}, True),
        ({"matchLabels": {"a": "1", "b": "1"}}, False),
    ],
)
def test_selectors(selector: dict[str, object], fits: bool) -> None:
    assert matches(selector, {"a": "1"}) is fits
