"""Sizes, amounts, ports, environment entries."""

from __future__ import annotations

import pytest

from mlwright.verify.limits import amount
from tests.unit.verify.kit import deployment, said


def test_a_configmap_takes_a_mebibyte_and_no_more() -> None:
    start = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {k: "
    assert said(start + "x" * (1024 * 1024 - 1) + "}}") == []
    (found,) = said(start + "x" * (1024 * 1024) + "}}")
    assert found.startswith("VER012 ConfigMap a holds 1048577 bytes, and Kubernetes takes 1048576")


def test_a_document_inside_counts_as_it_is_written() -> None:
    text = "$" * 200_000  # each is six characters once nothing substitutes in it
    (found,) = said(f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a}}, data: {{k: {{x: '{text}'}}}}}}")
    assert found.startswith("VER012 ConfigMap a holds 12000")


def test_any_object_takes_a_mebibyte_and_a_half() -> None:
    start = "{apiVersion: x.dev/v1, kind: Plan, metadata: {name: a}, spec: {k: "
    assert said(start + "x" * (1536 * 1024 - 200) + "}}") == []
    assert said(start + "x" * (1536 * 1024) + "}}")[0].startswith("VER012 Plan a takes 15729")


@pytest.mark.parametrize("text", ["1", "0.5", "500m", "1.5G", "64Gi", "1e3", "1E2", "+1", ".5", "100n"])
def test_amounts_are_numbers_with_units(text: str) -> None:
    assert amount(text) is not None
    assert said(deployment(f"resources: {{limits: {{memory: '{text}'}}}},")) == []


@pytest.mark.parametrize("text", ["", "1 G", "1GB", "1gi", "many", "0x10", "1_000", "--1", "Gi", "1e"])
def test_other_texts_are_no_amounts(text: str) -> None:
    assert amount(text) is None
    (found,) = said(deployment(f"resources: {{limits: {{memory: '{text}'}}}},"))
    assert found.startswith(f"VER013 `{text}` is no amount (`spec.template.spec.containers[0].resources.limits.memory`")


def test_units_count() -> None:
    assert (amount("1500m"), amount("1Ki"), amount("2k"), amount("1e3"), amount(2)) == (1.5, 1024, 2000, 1000, 2)
    assert amount(True) is None


def test_a_request_is_at_most_the_limit() -> None:
    assert said(deployment("resources: {requests: {cpu: 1000m, memory: 1Gi}, limits: {cpu: 1, memory: 1024Mi}},")) == []
    (found,) = said(deployment("resources: {requests: {cpu: 1100m}, limits: {cpu: 1}},"))
    assert found.startswith("VER013 Deployment web requests 1100m of cpu and is limited to 1")


def test_an_amount_that_an_engine_fills_in_is_left_alone() -> None:
    assert said(deployment("resources: {limits: {cpu: '{{inputs.parameters.cpu}}'}},")) == []


def test_sizes_of_folders_and_quotas_are_amounts() -> None:
    assert "VER013 `2 GB`" in said(deployment(pod="volumes: [{name: a, emptyDir: {sizeLimit: 2 GB}}],"))[0]
    quota = "{apiVersion: v1, kind: ResourceQuota, metadata: {name: a}, spec: {hard: {pods: %s}}}"
    assert said(quota % 10) == []
    assert "VER013 `ten`" in said(quota % "ten")[0]


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_ports_are_1_to_65535(port: int) -> None:
    (found,) = said(deployment(f"readinessProbe: {{tcpSocket: {{port: {port}}}}},"))
    assert found.startswith(f"VER014 `{port}` is no port (`spec.template.spec.containers[0].readinessProbe")


def test_a_port_of_65535_is_one() -> None:
    assert said(deployment("readinessProbe: {tcpSocket: {port: 65535}},")) == []


@pytest.mark.parametrize("name", ["http", "a-1", "grpc-web", "x" * 15])
def test_names_of_ports(name: str) -> None:
    text = deployment().replace("name: http", f"name: {name}")
    assert said(text) == []


@pytest.mark.parametrize("name", ["HTTP", "x" * 16, "'80'", "a--b", "-a", "a_b"])
def test_texts_that_no_port_is_called(name: str) -> None:
    (found,) = said(deployment().replace("name: http", f"name: {name}"))
    assert found.startswith("VER014") and "is no name for a port" in found


def test_environment_entries() -> None:
    good = "env: [{name: A_1, value: '1'}, {name: a.b-c, value: ''}, {name: B, valueFrom: {fieldRef: {fieldPath: x}}}],"
    assert said(deployment(good)) == []


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("{name: 1A, value: ''}", "`1A` is no name for an environment variable"),
        ("{name: 'A B', value: ''}", "`A B` is no name"),
        ("{name: A=B, value: ''}", "`A=B` is no name"),
        ("{name: A, value: 1}", "`A` of Deployment web is `1`, which is not text; put it into quotes"),
        ("{name: A, value: true}", "is `True`, which is not text"),
        ("{name: A, value: a, valueFrom: {fieldRef: {fieldPath: x}}}", "has both `value` and `valueFrom`"),
    ],
)
def test_environment_entries_that_kubernetes_refuses(entry: str, why: str) -> None:
    (found,) = said(deployment(f"env: [{entry}],"))
    assert found.startswith("VER015") and why in found
