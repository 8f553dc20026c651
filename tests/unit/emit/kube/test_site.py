"""What the platform file says of every pod, image and volume is in what is made for its cluster."""

from __future__ import annotations

from typing import Any

import pytest

from mlwright import ir
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.pod import our_container, template
from mlwright.emit.kube.volumes import Volumes
from mlwright.platform import Profile
from mlwright.platform.file import read_platform
from mlwright.source.files import Memory
from mlwright.target import Document
from mlwright.testing import programs
from mlwright.testing.programs import origin
from mlwright_kubernetes import KubernetesTarget

HEAD = "apiVersion: mlwright.dev/v1\nkind: Platform\norchestrator: kubernetes\nkubernetes: '1.36'\n"


def platform(text: str) -> Profile:
    profile, bag = read_platform(Memory({"prod.yaml": HEAD + text}), "", "prod.yaml", ("platform",))
    assert [item.message for item in bag] == []
    assert profile is not None
    return profile


def pod(text: str, *, restart: str = "Never", image: str = "python:3.12", box: ir.Container | None = None) -> Any:
    project = programs.project()
    objects = Objects(project, programs.context(platform=platform(text)), "kubernetes")
    volumes = Volumes(objects, "steps.a", origin("steps", "a"))
    main = our_container(objects, image, volumes, {}, {"command": ["true"]})
    return template(objects, [main], volumes, node="steps.a", component="a", box=box, restart=restart)


def test_images_come_through_the_mirror_with_the_secrets_that_it_asks_for() -> None:
    made = pod("images: {registry: mirror.example.com}\nimage_pull_secrets: [mirror]\n")["spec"]
    assert made["containers"][0]["image"] == "mirror.example.com/docker.io/library/python:3.12"
    assert made["imagePullSecrets"] == [{"name": "mirror"}]


def test_a_platform_that_says_nothing_adds_nothing() -> None:
    made = pod("")
    assert made["spec"]["containers"][0]["image"] == "python:3.12"
    assert not {"imagePullSecrets", "runtimeClassName", "schedulerName"} & made["spec"].keys()
    assert "sidecar.istio.io/inject" not in made["metadata"]["labels"]


def test_every_pod_has_what_ops_give_to_all_pods_and_its_own_words_win() -> None:
    text = "pods: {labels: {site: lab, team: ops}, annotations: {a: ops, b: ops}, runtime_class: gvisor}\n"
    box = programs.container("train", labels=(("team", "growth"),), annotations=(("a", "mine"),))
    made = pod(text, box=box)
    assert (made["metadata"]["labels"]["site"], made["metadata"]["labels"]["team"]) == ("lab", "growth")
    assert made["metadata"]["annotations"] == {"a": "mine", "b": "ops"}
    assert made["spec"]["runtimeClassName"] == "gvisor"


@pytest.mark.parametrize(
    ("text", "restart", "outside"),
    [
        ("istio: '1.30'\n", "Never", True),
        ("istio: '1.30'\nmesh: {mtls: strict}\n", "Never", True),
        ("istio: '1.30'\nmesh: {native_sidecars: true}\n", "Never", False),
        ("istio: '1.30'\n", "Always", False),
        ("", "Never", False),
    ],
)
def test_pods_that_end_stay_outside_the_mesh_unless_sidecars_end_with_them(
    text: str, restart: str, outside: bool
) -> None:
    labels = pod(text, restart=restart)["metadata"]["labels"]
    assert (labels.get("sidecar.istio.io/inject") == "false") is outside


def test_a_placement_chooses_nodes_scheduler_and_priority() -> None:
    text = (
        "volcano: '1.15'\ngpus: {l4: {selector: {gpu: l4}}}\nplacements: {spot: {selector: {pool: spot}, "
        "tolerations: [{key: spot, effect: NoSchedule}], priority_class: low, gang: volcano, scheduler: volcano}}\n"
    )
    box = programs.container("train", placement="spot", resources=ir.Resources(gpu=ir.Gpu(count=1, model="l4")))
    made = pod(text, box=box)["spec"]
    assert made["nodeSelector"] == {"gpu": "l4", "pool": "spot"}
    assert made["tolerations"] == [{"key": "spot", "operator": "Exists", "effect": "NoSchedule"}]
    assert (made["priorityClassName"], made["schedulerName"]) == ("low", "volcano")


def documents(text: str, **changes: Any) -> dict[tuple[str, str], dict[str, Any]]:
    place = ir.Environment(name="prod", platform="prod.yaml", namespace="churn", origin=origin("environments", "prod"))
    project = programs.project(environment=place, **changes)
    context = programs.context(platform=platform(text), owners={"tracking": "mlflow", "namespace": "kubernetes"})
    items = [item for item in KubernetesTarget().emit(project, context) if isinstance(item, Document)]
    return {(item.data["kind"], item.data["metadata"]["name"]): item.data for item in items if "metadata" in item.data}


def test_volumes_are_of_the_storage_class_behind_the_name() -> None:
    volume = ir.Storage(name="scratch", type="volume", storage_class="fast", size=2**30, origin=origin("storage", "s"))
    found = documents("storage_classes: {fast: {name: gp3}}\n", storage=(volume,))
    (claim,) = [data for (kind, _), data in found.items() if kind == "PersistentVolumeClaim"]
    assert claim["spec"]["storageClassName"] == "gp3"


def test_a_namespace_is_made_where_ops_say_so_with_their_labels_and_level() -> None:
    lines = "pod_security: baseline\nnamespaces: {churn: {create: true, labels: {team: growth}}}\n"
    labels = documents(lines)["Namespace", "churn"]["metadata"]["labels"]
    assert (labels["team"], labels["pod-security.kubernetes.io/enforce"]) == ("growth", "baseline")
    assert not any(kind == "Namespace" for kind, _ in documents("namespaces: {other: {create: true}}\n"))
