"""A mesh with mutual TLS only: what pods outside it call opens its ports, where ops allow that."""

from __future__ import annotations

import pytest
from tests.unit.targets.kubernetes.environments import PLAIN, TRAINED, objects

SERVED = TRAINED + (
    'serving: {online: {model: "${registry.m@champion}", port: 9000}}\nnotebooks: {n: {}}\n'
    "tracking: {backend_store: {type: postgres}}\n"
)
SEARCHED = """\
params: {rate: 0.1}
defaults: {steps: {image: demo:1}}
training: {command: [python, train.py, "${params.rate}"], metrics: {loss: {goal: minimize}}}
tuning: {objective: loss, algorithm: random, space: {rate: {min: 0.1, max: 0.9}}, trials: {max: 3}}
"""
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


@pytest.mark.parametrize(
    ("searcher", "opened"),
    [
        ('kubeflow: {katib: "0.19"}\nkatib: {inject_security_context: true}', ["PeerAuthentication/demo-mlflow"]),
        ("images: {tools: tools:1}", []),
    ],
)
def test_trials_of_katib_are_outside_of_a_mesh_whose_sidecars_end_with_their_program(
    searcher: str, opened: list[str]
) -> None:
    platform = PLAIN.replace("orchestrator: kubernetes", 'orchestrator: argo\nargo_workflows: "4.1"')
    mesh = "mesh: {mtls: strict, native_sidecars: true, permissive_ports: true}"
    found = objects(SEARCHED, f'{platform}\nistio: "1.30"\n{mesh}\n{searcher}\n')
    assert [name for name in found if name.startswith("PeerAuthentication/")] == opened


@pytest.mark.parametrize("nodes", [1, 2])
def test_steps_on_several_nodes_talk_to_each_other_without_the_mesh(nodes: int) -> None:
    text = TRAINED.replace("outputs: {model", f"distributed: {{nodes: {nodes}}}, outputs: {{model")
    text = text.replace("training: {", "training: {framework: pytorch, ")
    mesh = "mesh: {mtls: strict, native_sidecars: true, permissive_ports: true}"
    found = objects(text, f'{PLAIN}\nimages: {{tools: tools:1}}\nistio: "1.30"\n{mesh}\n')
    texts = [str(part) for body in found.values() for part in body.get("data", {}).values()]
    assert any("sidecar.istio.io/inject" in part for part in texts) is (nodes > 1)
    assert any(name.startswith("PeerAuthentication/") for name in found) is (nodes > 1)
