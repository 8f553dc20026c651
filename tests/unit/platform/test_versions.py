"""API versions and features by release: of every system that a platform file may list, for every kind that we write."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest
import yaml

from mlwright.platform import BUILTIN, Profile
from mlwright.platform.file import read_platform
from mlwright.platform.versions import FEATURES, KNOWN, SERVED, reaches, within
from mlwright.source.files import Memory

PATH = ("environments", "prod", "platform")
CRDS = os.environ.get("MLWRIGHT_CRDS", "")
FOLDERS = {
    "argo_workflows": "argo-workflows", "argo_events": "argo-events", "argo_cd": "argo-cd",
    "gateway_api": "gateway-api", "istio": "istio", "kueue": "kueue", "keda": "keda",
    "prometheus_operator": "prometheus-operator", "external_secrets": "external-secrets",
    "sealed_secrets": "sealed-secrets", "jobset": "jobset", "kubeflow.pipelines": "kubeflow-pipelines",
    "kubeflow.katib": "katib", "kubeflow.trainer": "kubeflow-trainer-v2",
    "kubeflow.training_operator": "kubeflow-training-operator-v1", "kubeflow.kserve": "kserve",
    "kubeflow.notebooks": "kubeflow-notebooks-v*", "kubeflow.profiles": "kubeflow-dashboard",
}  # fmt: skip


def running(**systems: str) -> Profile:
    return Profile(name="prod", orchestrator="argo", systems=systems)


@pytest.mark.parametrize(
    ("system", "version", "kind", "expected"),
    [
        ("kubernetes", "1.36", "Job", "batch/v1"),
        ("kubernetes", "1.29", "HorizontalPodAutoscaler", "autoscaling/v2"),
        ("kueue", "0.14.9", "LocalQueue", "kueue.x-k8s.io/v1beta1"),
        ("kueue", "0.15", "LocalQueue", "kueue.x-k8s.io/v1beta2"),
        ("kueue", "1.0", "LocalQueue", "kueue.x-k8s.io/v1beta2"),
        ("external_secrets", "0.9.20", "ExternalSecret", "external-secrets.io/v1beta1"),
        ("external_secrets", "0.16", "ExternalSecret", "external-secrets.io/v1"),
        ("external_secrets", "2.9", "ExternalSecret", "external-secrets.io/v1"),
    ],
)
def test_a_kinds_api_version_depends_on_the_release(system: str, version: str, kind: str, expected: str) -> None:
    assert running(**{system: version}).api(kind) == expected


def test_a_kind_of_a_system_that_does_not_run_has_no_api_version() -> None:
    for kind in ("ScaledObject", "Jobb"):
        with pytest.raises(LookupError, match=kind):
            running(kubernetes="1.36").api(kind)


def test_features_come_with_their_release() -> None:
    assert not running(kubernetes="1.30").has("job_success_policy")
    assert running(kubernetes="1.31").has("job_success_policy")
    assert not running(kubernetes="1.31").has("kserve_canary")
    assert running(keda="2.20").has("keda") and not running().has("keda")
    with pytest.raises(LookupError):
        running().has("kdea")
    for system, _ in FEATURES.values():
        assert system in KNOWN


@pytest.mark.parametrize(
    ("version", "wanted", "there"),
    [("1.9", "1.10", False), ("1.10", "1.9", True), ("4", "4.0", True), ("4", "4.1", False), ("1.29.3", "1.29", True)],
)
def test_versions_are_compared_number_by_number(version: str, wanted: str, there: bool) -> None:
    assert reaches(version, wanted) is there
    assert running(kubernetes=version).at_least("kubernetes", wanted) is there


@pytest.mark.parametrize(
    ("version", "newest", "there"), [("1.36.9", "1.36", True), ("1.37", "1.36", False), ("2", "1.36", False)]
)
def test_patch_releases_of_the_newest_line_are_known(version: str, newest: str, there: bool) -> None:
    assert within(version, newest) is there


def test_every_kind_is_in_one_system_only() -> None:
    systems: dict[str, set[str]] = {}
    for row in SERVED:
        assert row.system in KNOWN
        for kind in row.kinds:
            systems.setdefault(kind, set()).add(row.system)
    assert {kind: found for kind, found in systems.items() if len(found) > 1} == {
        "PodGroup": {"volcano", "scheduler_plugins"}
    }


def test_a_kind_of_two_systems_is_told_apart_by_its_system() -> None:
    both = running(volcano="1.15", scheduler_plugins="0.35")
    assert both.api("PodGroup", "volcano") == "scheduling.volcano.sh/v1beta1"
    assert both.api("PodGroup", "scheduler_plugins") == "scheduling.x-k8s.io/v1alpha1"
    with pytest.raises(LookupError, match="PodGroup"):
        running(volcano="1.15").api("PodGroup", "scheduler_plugins")


@pytest.mark.parametrize("name", ["kubernetes", "argo", "kubeflow"])
def test_built_in_platforms_run_what_was_looked_at_last(name: str) -> None:
    for system, version in BUILTIN[name].systems.items():
        assert within(version, KNOWN[system].newest) and reaches(version, KNOWN[system].oldest or "0"), system


@cache
def served(folder: str) -> frozenset[tuple[str, str]]:
    """(kind, apiVersion) of every version that the definitions in one folder, or in those of a pattern, serve."""
    found: set[tuple[str, str]] = set()
    yaml.CSafeLoader.add_constructor("tag:yaml.org,2002:value", yaml.CSafeLoader.construct_scalar)
    for file in Path(CRDS).glob(f"{folder}/*.yaml"):
        for item in yaml.load_all(file.read_text(encoding="utf-8"), yaml.CSafeLoader):
            if item and item.get("kind") == "CustomResourceDefinition":
                spec = item["spec"]
                found |= {
                    (spec["names"]["kind"], f"{spec['group']}/{v['name']}") for v in spec["versions"] if v["served"]
                }
    return frozenset(found)


@pytest.mark.slow
@pytest.mark.skipif(not CRDS, reason="needs MLWRIGHT_CRDS, a folder of CustomResourceDefinitions")
@pytest.mark.parametrize("system", sorted(FOLDERS))
def test_the_newest_release_serves_what_we_write(system: str) -> None:
    newest = running(**{system: KNOWN[system].newest})
    kinds = {kind for row in SERVED if row.system == system for kind in row.kinds}
    assert kinds
    for kind in sorted(kinds):
        assert (kind, newest.api(kind)) in served(FOLDERS[system])


def platform(lines: str) -> list[tuple[str, str, int]]:
    head = "apiVersion: mlwright.dev/v1\nkind: Platform\norchestrator: argo\n"
    profile, bag = read_platform(Memory({"prod.yaml": head + lines}), "", "prod.yaml", PATH)
    assert profile is not None
    found = bag.ordered()
    assert all(item.span is not None and item.span.file == "prod.yaml" for item in found)
    return [(item.code, item.severity, item.span.line) for item in found if item.span is not None]


def test_an_older_release_than_the_oldest_is_an_error_at_its_line() -> None:
    for system, known in KNOWN.items():
        if known.oldest and "." not in system and system != "kubernetes":
            assert platform(f"kubernetes: '1.36'\n{system}: '0.1'\n") == [("PLAT003", "error", 5)], system
            assert platform(f"kubernetes: '1.36'\n{system}: v{known.oldest}.0\n") == []
    assert platform("kubernetes: '1.28'\n") == [("PLAT003", "error", 4)]
    assert platform("kubernetes: '1.36'\nkubeflow:\n  trainer: '1.9'\n") == [("PLAT003", "error", 6)]


def test_a_newer_release_than_the_newest_is_a_note_and_of_another_major_version_a_warning() -> None:
    assert platform("kubernetes: '1.36.7'\nargo_workflows: '4.1.9'\n") == []
    assert platform("kubernetes: '1.40'\n") == [("PLAT004", "note", 4)]
    assert platform("kubernetes: '1.36'\nargo_workflows: '5.0'\n") == [("PLAT004", "warning", 5)]
