"""What a project needs of a cluster: every need, on every platform, is met or found exactly once, at both places."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from mlwright import ir
from mlwright.diag import Diagnostic
from mlwright.passes.check_platform import EXAMPLES, check_platform, needs
from mlwright.platform import BUILTIN, Profile
from mlwright.platform.file import read_platform
from mlwright.platform.versions import KNOWN
from mlwright.source.files import Memory
from mlwright.testing import programs
from mlwright.testing.programs import container, origin, task

ENVIRONMENT = ir.Environment(name="prod", platform="prod.yaml", origin=origin("environments", "prod"))
ORCHESTRATORS = {
    "kubernetes": "",
    "argo": "argo_workflows: '4.1'\n",
    "kubeflow-pipelines": "kubeflow: {pipelines: '2.17'}\n",
}


def platform(lines: str = "", orchestrator: str = "kubernetes") -> Profile:
    head = f"apiVersion: mlwright.dev/v1\nkind: Platform\norchestrator: {orchestrator}\nkubernetes: '1.36'\n"
    text = head + ORCHESTRATORS[orchestrator] + lines
    profile, bag = read_platform(Memory({"prod.yaml": text}), "", "prod.yaml", ("platform",))
    assert profile is not None
    assert [item.message for item in bag] == []
    return profile


def service(**changes: Any) -> ir.Service:
    made = ir.Service(
        id="serving.online", name="online", container=container("serve"), origin=origin("serving", "online")
    )
    return replace(made, **changes)


def project(*nodes: ir.Node, **changes: Any) -> ir.Project:
    return programs.project(*nodes, **{"environment": ENVIRONMENT, **changes})


def serving(**changes: Any) -> ir.Project:
    return project(services=(service(**changes),))


def variant(traffic: int) -> tuple[ir.Variant, ...]:
    return (ir.Variant(name="next", source=ir.ModelSource(), traffic=traffic),)


HOST = ir.Expose(scope="host", host="churn.example.com")
STORE = ir.Secret(name="lake", keys=("TOKEN",), remote="ml/lake")

WAYS = ("", "ingress: {class: nginx}\n", "gateway_api: '1.6'\n", "gateway_api: '1.6'\ngateway: {name: public}\n")
PARTS = ("keda: '2.20'\n", "monitoring: {address: 'http://p:9090'}\n", "istio: '1.30'\n",
         "auth_proxy: {issuer: 'https://i.example.com', secret: s}\n")  # fmt: skip
STORES = ("", "external_secrets: '2.9'\n", "external_secrets: '2.9'\nsecret_store: {name: vault}\n")

DEMANDS: Mapping[str, tuple[ir.Project, tuple[str, ...]]] = {
    "host": (serving(expose=HOST), ("ingress|gateway:",)),
    "log-in": (serving(expose=replace(HOST, scope="cluster", host="", auth="required")), ("auth_proxy",)),
    "concurrency": (
        serving(replicas=ir.Replicas(max=5, target=(("concurrency", 2.0),))),
        ("keda", "monitoring", "istio"),
    ),
    "rps": (serving(replicas=ir.Replicas(max=5, target=(("rps", 2.0),))), ("keda", "monitoring", "istio")),
    "sleep": (serving(replicas=ir.Replicas(min=0)), ("keda",)),
    "split": (serving(variants=variant(10)), ("gateway_api", "istio")),
    "mirror": (serving(variants=variant(-1)), ("gateway_api", "istio")),
    "store": (project(secrets=(STORE,)), ("external_secrets", "secret_store")),
    "cpu": (serving(replicas=ir.Replicas(max=5, target=(("cpu", 70.0),))), ()),
    "warm": (serving(variants=variant(0)), ()),
    "existing": (project(secrets=(replace(STORE, existing="lake"),)), ()),
    "plain": (project(task("steps.a"), services=(service(),)), ()),
}
"""What a project asks for -> words of the platform file without which it is refused; `|` is either."""


def met(text: str, wanted: tuple[str, ...]) -> bool:
    return all(any(f"\n{one}" in f"\n{text}" for one in word.split("|")) for word in wanted)


@pytest.mark.parametrize("name", DEMANDS)
def test_every_need_is_met_or_found_once(name: str) -> None:
    asked, wanted = DEMANDS[name]
    cases = 0
    for orchestrator, way, store in itertools.product(ORCHESTRATORS, WAYS, STORES):
        for size in range(len(PARTS) + 1):
            for parts in itertools.combinations(PARTS, size):
                text = way + store + "".join(parts)
                found = list(check_platform(asked, platform(text, orchestrator)))
                assert [item.code for item in found] == ([] if met(text, wanted) else ["PLAT007"]), (text, found)
                cases += 1
    assert cases == 3 * 4 * 3 * 16


def test_nothing_is_asked_of_a_laptop() -> None:
    for asked, _ in DEMANDS.values():
        for name in ("local", "compose"):
            assert list(check_platform(asked, BUILTIN[name])) == []


def only(asked: ir.Project, profile: Profile) -> Diagnostic:
    (found,) = check_platform(asked, profile)
    return found


def test_both_places_are_shown() -> None:
    found = only(serving(expose=HOST), platform("keda: '2.20'\n"))
    assert found.at.path == ("serving", "online", "expose", "host")
    (there,) = found.related
    assert there.span is not None and (there.span.file, there.span.line) == ("prod.yaml", 3)


def test_a_section_that_is_there_is_the_place_to_write_more() -> None:
    asked = DEMANDS["rps"][0]
    (there,) = only(asked, platform("keda: '2.20'\nmonitoring: {labels: {a: b}}\n")).related
    assert there.span is not None and there.span.line == 6


def test_on_a_built_in_platform_the_other_place_is_where_the_environment_names_it() -> None:
    found = only(serving(expose=HOST), BUILTIN["argo"])
    assert [label.path for label in found.related] == [("environments", "prod", "platform")]
    assert "`argo` is a built-in platform" in found.help


def test_what_the_help_says_to_type_is_enough() -> None:
    """Every section and system that any need names, as an example that the platform file takes."""
    names = {
        name
        for asked, _ in DEMANDS.values()
        for need in needs(asked, platform())
        for some in need.wanted
        for name in some
    }
    assert len(names) >= 8
    for name in names - {"ingress"}:
        systems = "".join(
            f"{key}: '{KNOWN[key].newest}'\n" for key in ("gateway_api", "external_secrets") if key != name
        )
        made = platform(systems + EXAMPLES.get(name, f"{name}: '{KNOWN.get(name, KNOWN['keda']).newest}'") + "\n")
        assert made.written is not None
    assert platform(EXAMPLES["ingress"] + "\n").file.ingress is not None


def test_a_gateway_takes_the_place_of_an_ingress() -> None:
    found = only(serving(expose=HOST, variants=variant(10)), platform("ingress: {class: nginx}\n"))
    assert "in the place of `ingress`" in found.help
    (there,) = found.related
    assert there.span is not None and there.span.line == 5


@pytest.mark.parametrize(
    ("orchestrator", "owner", "refused"),
    [("argo", "", 0), ("kubeflow-pipelines", "", 0), ("kubernetes", "", 1), ("argo", "kubernetes", 1)],
)
def test_kserve_splits_requests_by_itself(orchestrator: str, owner: str, refused: int) -> None:
    kubeflow = "kserve: '0.20'" if orchestrator != "kubeflow-pipelines" else "pipelines: '2.17', kserve: '0.20'"
    head = f"apiVersion: mlwright.dev/v1\nkind: Platform\norchestrator: {orchestrator}\nkubernetes: '1.36'\n"
    text = head + "argo_workflows: '4.1'\n" + f"kubeflow: {{{kubeflow}}}\n"
    profile, _ = read_platform(Memory({"prod.yaml": text}), "", "prod.yaml", ("platform",))
    assert profile is not None
    assert len(list(check_platform(serving(variants=variant(10), owner=owner), profile))) == refused


def test_a_tracking_server_that_asks_for_passwords_needs_no_proxy() -> None:
    expose = ir.Expose(scope="host", host="mlflow.example.com", auth="required")
    tracking = programs.tracking(expose=expose)
    ways = "ingress: {class: nginx}\n"
    found = only(project(tracking=tracking), platform(ways))
    assert found.at.path == ("tracking", "server", "expose", "auth")
    basic = replace(tracking, auth=ir.Auth(type="basic", secret="users"))
    assert list(check_platform(project(tracking=basic), platform(ways))) == []
    assert list(check_platform(project(tracking=replace(tracking, server="external")), platform())) == []


def gpus(model: str, placement: str = "") -> ir.Project:
    box = container("train", resources=ir.Resources(gpu=ir.Gpu(count=1, model=model)), placement=placement)
    return project(task("steps.a", container=box))


@pytest.mark.parametrize(
    ("model", "placement", "codes"),
    [
        ("", "", []),
        ("a100", "", []),
        ("a100", "any", []),
        ("a100", "spot", []),
        ("h100", "spot", ["PLAT009"]),
        ("h100", "", ["PLAT008"]),
        ("h100", "any", ["PLAT008"]),
    ],
)
def test_a_gpu_model_is_one_that_the_platform_has(model: str, placement: str, codes: list[str]) -> None:
    lines = "gpus: {a100: {}}\nplacements: {spot: {gpu: a100}, any: {}}\n"
    assert [item.code for item in check_platform(gpus(model, placement), platform(lines))] == codes


@pytest.mark.parametrize(
    ("mesh", "refused"),
    [
        ("{mtls: strict}", True),
        ("{mtls: permissive}", False),
        ("{}", False),
        ("{mtls: strict, native_sidecars: true}", False),
        ("{mtls: strict, permissive_ports: true}", False),
    ],
)
def test_steps_outside_a_strict_mesh_cannot_reach_the_tracking_server(mesh: str, refused: bool) -> None:
    profile = platform(f"istio: '1.30'\nmesh: {mesh}\n")
    steps = project(task("steps.a"))
    assert [item.code for item in check_platform(steps, profile)] == (["PLAT010"] if refused else [])
    elsewhere = replace(steps, tracking=programs.tracking(server="external", url="https://mlflow.example.com"))
    assert list(check_platform(elsewhere, profile)) == []
    assert list(check_platform(project(), profile)) == []


@pytest.mark.parametrize(
    ("mesh", "refused"),
    [("{mtls: strict, native_sidecars: true}", True), ("{mtls: strict, permissive_ports: true}", False)],
)
def test_steps_on_several_nodes_are_outside_whatever_sidecars_do(mesh: str, refused: bool) -> None:
    profile = platform(f"istio: '1.30'\nmesh: {mesh}\n")
    steps = project(task("steps.a", distributed=ir.Distributed(nodes_min=2, nodes_max=2)))
    found = list(check_platform(steps, profile))
    assert [item.code for item in found] == (["PLAT010"] if refused else [])
    assert all("native" not in item.help for item in found)


@pytest.mark.parametrize(
    ("classes", "name", "mode", "codes"),
    [
        ("", "gp3", "ReadWriteMany", []),
        ("storage_classes: {fast: {name: gp3}}\n", "fast", "ReadWriteMany", []),
        ("storage_classes: {fast: {name: gp3}}\n", "gp3", "", ["PLAT002"]),
        ("storage_classes: {fast: {name: gp3, modes: [ReadWriteOnce]}}\n", "fast", "", []),
        ("storage_classes: {fast: {name: gp3, modes: [ReadWriteOnce]}}\n", "fast", "ReadWriteMany", ["PLAT011"]),
        ("storage_classes: {efs: {name: efs, modes: [ReadWriteMany]}}\n", "efs", "", ["PLAT011"]),
        ("storage_classes: {fast: {name: gp3}}\n", "", "", []),
    ],
)
def test_storage_classes_are_ops_names_with_their_modes(classes: str, name: str, mode: str, codes: list[str]) -> None:
    store = ir.Storage(name="s", type="volume", storage_class=name, mode=mode, origin=origin("storage", "s"))
    assert [item.code for item in check_platform(project(storage=(store,)), platform(classes))] == codes
    kept = ir.ArtifactStore(type="volume", storage_class=name, mode=mode)
    tracking = programs.tracking(artifacts=kept)
    assert [item.code for item in check_platform(project(tracking=tracking), platform(classes))] == codes
