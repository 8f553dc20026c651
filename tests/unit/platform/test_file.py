"""Platform files: what ops write down, and what is wrong with one."""

from __future__ import annotations

import pytest

from mlwright.platform import BUILTIN
from mlwright.platform.file import read_platform
from mlwright.source.files import Memory
from mlwright.spec.scalars.quantity import Memory as Bytes

PATH = ("environments", "prod", "platform")
HEAD = "apiVersion: mlwright.dev/v1\nkind: Platform\norchestrator: argo\nkubernetes: '1.36'\n"


def test_a_platform_file_names_systems_with_their_versions() -> None:
    text = HEAD + "argo_workflows: v4.1.2\nkubeflow: {katib: '0.19'}\nplacements: {spot: {topology: rack}}\n"
    profile, bag = read_platform(Memory({"p/platforms/prod.yaml": text}), "p", "platforms/prod.yaml", PATH)
    assert profile is not None and not bag.failed
    assert (profile.name, profile.orchestrator) == ("prod", "argo")
    assert profile.systems == {"kubernetes": "1.36", "argo_workflows": "4.1.2", "kubeflow.katib": "0.19"}
    assert profile.names("placements") == {"spot"}
    assert profile.names("identities") == frozenset()


def test_settings_are_what_ops_wrote() -> None:
    text = HEAD + "images: {tools: 'registry.example.com/tools:1'}\ngpus: {a100: {memory: 80Gi}}\n"
    profile, _ = read_platform(Memory({"prod.yaml": text}), "", "prod.yaml", PATH)
    assert profile is not None
    assert profile.file.images is not None and profile.file.images.tools is not None
    assert profile.file.images.tools.text == "registry.example.com/tools:1"
    assert profile.gpu("a100").memory == Bytes.parse("80Gi")
    assert profile.gpu("h100").resource == "nvidia.com/gpu"


def test_the_tracking_servers_version_has_a_default() -> None:
    profile, _ = read_platform(Memory({"prod.yaml": HEAD}), "", "prod.yaml", PATH)
    assert profile is not None
    assert profile.mlflow == BUILTIN["compose"].mlflow


@pytest.mark.parametrize("name", sorted(BUILTIN))
def test_built_in_platforms_need_no_file(name: str) -> None:
    profile, bag = read_platform(Memory({}), "", name, PATH)
    assert profile is BUILTIN[name] and len(bag) == 0


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("kubernets: '1.36'\n", "SPEC001", 5),
        ("argo_cd: latest\n", "SPEC020", 5),
        ("argo_cd: 3.5\n", "SPEC006", 5),
        ("argo_cd: {version: 3.5}\n", "SPEC006", 5),
        ("keda: 2.20\n", "SPEC006", 5),
        ("kubeflow: {katibb: '0.19'}\n", "SPEC001", 5),
        ("placements: {Spot: {queue: gpu}}\n", "NAME001", 5),
        ("placements: {spot: {gang: volcanoes}}\n", "SPEC004", 5),
        ("identities: {reader: {}}\n", "SPEC002", 5),
    ],
)
def test_mistakes_are_found_in_the_platform_file_itself(text: str, code: str, line: int) -> None:
    profile, bag = read_platform(Memory({"prod.yaml": HEAD + text}), "", "prod.yaml", PATH)
    assert profile is None
    found = bag.ordered()[0]
    assert found.code == code
    assert found.span is not None and (found.span.file, found.span.line) == ("prod.yaml", line)


def test_a_missing_platform_file_is_found_at_the_environment() -> None:
    profile, bag = read_platform(Memory({}), "", "platforms/prod.yaml", PATH)
    assert profile is None and bag.failed


def test_a_misspelt_built_in_platform_gets_a_guess() -> None:
    profile, bag = read_platform(Memory({}), "", "kubeflw", PATH)
    assert profile is None
    assert [(item.code, item.help) for item in bag] == [("PLAT001", "did you mean `kubeflow`?")]
