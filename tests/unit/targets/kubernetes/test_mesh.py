"""A mesh with mutual TLS only: what pods outside it call opens its ports, where ops allow that."""

from __future__ import annotations

import pytest
from tests.unit.targets.kubernetes.environments import PLAIN, TRAINED, objects

SERVED = TRAINED + (
    'serving: {online: {model: "${registry.m@champion}", port: 9000}}\nnotebooks: {n: {}}\n'
    "tracking: {backend_store: {type: postgres}}\n"
)
STRICT = f'{PLAIN}\nistio: "1.30"\nmesh: {{mtls: strict, permissive_ports: true}}\n'


def test_what_steps_and_jobs_call_takes_plain_traffic_on_its_ports_only() -> None:
    found = objects(SERVED, STRICT, "champion")
    opened = {name: body for name, body in found.items() if name.startswith("PeerAuthentication/")}
    ports = {name.partition("/")[2]: body["spec"]["portLevelMtls"] for name, body in opened.items()}
    plain = {"mode": "PERMISSIVE"}
    assert ports["demo-mlflow"] == {"5000": plain} and ports["demo-online"] == {"9000": plain}
    assert {"5432": plain} in ports.values()
    assert not any("notebook" in name or name == "demo-n" for name in ports)
    for name, body in opened.items():
        assert body["apiVersion"] == "security.istio.io/v1"
        assert "mtls" not in body["spec"], "other ports are the mesh's to decide"
        (pods,) = [
            other["spec"]["template"]["metadata"]["labels"]
            for kind in ("Deployment", "StatefulSet")
            if (other := found.get(f"{kind}/{name.partition('/')[2]}"))
        ]
        assert body["spec"]["selector"]["matchLabels"].items() <= pods.items()


@pytest.mark.parametrize(
    "mesh",
    [
        "{mtls: permissive, permissive_ports: true}",
        "{mtls: strict, native_sidecars: true, permissive_ports: true}",
        "{}",
    ],
)
def test_nothing_is_opened_where_nobody_is_kept_out(mesh: str) -> None:
    found = objects(SERVED, f'{PLAIN}\nistio: "1.30"\nmesh: {mesh}\n', "champion")
    assert not any(name.startswith("PeerAuthentication/") for name in found)
