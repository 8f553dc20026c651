"""What may be there once only."""

from __future__ import annotations

import pytest

from tests.unit.verify.kit import deployment, said


@pytest.mark.parametrize(
    ("container", "pod", "why"),
    [
        (
            "env: [{name: A, value: a}, {name: A, value: b}],",
            "",
            "containers[0].env` in Deployment web have the name `A`",
        ),
        (
            "volumeMounts: [{name: a, mountPath: /x}, {name: a, mountPath: /x}],",
            "volumes: [{name: a, emptyDir: {}}],",
            "have the mountPath `/x`",
        ),
        ("", "volumes: [{name: a, emptyDir: {}}, {name: a, emptyDir: {}}],", "spec.volumes` in Deployment web"),
        ("", "initContainers: [{name: main, image: x}],", "have the name `main`"),
        ("", "initContainers: [{name: i, image: x}, {name: i, image: x}],", "have the name `i`"),
    ],
)
def test_two_entries_of_one_name_are_refused(container: str, pod: str, why: str) -> None:
    (found,) = said(deployment(container, pod=pod))
    assert found.startswith("VER016") and why in found


def ports(*entries: str) -> str:
    return f"""
apiVersion: v1
kind: Service
metadata: {{name: a}}
spec: {{ports: [{", ".join(entries)}]}}
"""


def test_a_port_may_have_two_protocols() -> None:
    udp = "{name: dns-udp, port: 53, protocol: UDP}"
    assert said(ports("{name: dns, port: 53}", udp)) == []
    (found,) = said(ports("{name: dns, port: 53, protocol: TCP}", "{name: again, port: 53}"))
    assert "VER016 two entries of `spec.ports` in Service a have the port `53`" in found
    assert "have the name `dns`" in said(ports("{name: dns, port: 53}", "{name: dns, port: 54}"))[0]


def test_different_lists_have_names_of_their_own() -> None:
    text = """
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: a}
spec:
  entrypoint: main
  templates:
    - {name: main, inputs: {parameters: [{name: x}]}, outputs: {parameters: [{name: x}]}, dag: {tasks: [{name: t}]}}
    - {name: other, inputs: {parameters: [{name: x}]}, dag: {tasks: [{name: t}]}}
"""
    assert said(text) == []
    assert "have the name `main`" in said(text.replace("name: other", "name: main"))[0]


def test_two_objects_of_one_type_and_name_are_refused_in_one_namespace_only() -> None:
    one = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: x}, data: {}}"
    assert said(f"{one}\n---\n{one.replace('namespace: x', 'namespace: y')}") == []
    assert said(f"{one}\n---\n{one.replace('ConfigMap', 'Secret')}") == []
    (found,) = said(f"{one}\n---\n{one}")
    assert found.startswith("VER017 there are two objects ConfigMap a: kubernetes/0.yaml and kubernetes/1.yaml")


def test_one_object_in_two_versions_is_still_one() -> None:
    one = "{apiVersion: x.dev/v1, kind: Plan, metadata: {name: a}}"
    assert said(f"{one}\n---\n{one.replace('/v1', '/v2')}")[0].startswith("VER017")
