"""Which projects a change can affect: too many where the text is no path, never too few."""

from __future__ import annotations

import pytest

from mlwright.gitops.affected import affected
from mlwright.source.files import Memory

FILES = {
    "plain/mlproject.yaml": "metadata: {name: plain}\n",
    "extending/mlproject.yaml": "extends: [base.yaml]\n",
    "extending/base.yaml": "extends: ['../shared/base.yaml']\n",
    "shared/base.yaml": "environments: {prod: {platform: ../platforms/prod.yaml}}\n",
    "shared/other.yaml": "x: ${params.y}\n",
    "platforms/prod.yaml": "kind: Platform\n",
    "direct/mlproject.yaml": 'environments:\n  prod:\n    platform: "../platforms/prod.yaml"\n',
    "objects/mlproject.yaml": "objects: {dashboards: [../k8s/dashboards]}\n",
    "k8s/dashboards/one.yaml": "kind: ConfigMap\n",
    "by-name/mlproject.yaml": "environments: {prod: {platform: '../platforms/${environment.name}.yaml'}}\n",
    "spaces/mlproject.yaml": "extends:\n  - ../my shared/base.yaml\n",
    "my shared/base.yaml": "x: 1\n",
    "round/mlproject.yaml": "extends: [../round/mlproject.yaml, other.yaml]\n",
    "round/other.yaml": "extends: [mlproject.yaml]\n",
}
SPECS = sorted(path for path in FILES if path.endswith("mlproject.yaml"))


def found(*changed: str) -> list[str]:
    return [path.partition("/")[0] for path in affected(SPECS, changed, [Memory(FILES)])]


@pytest.mark.parametrize(
    ("changed", "projects"),
    [
        ("plain/mlproject.yaml", ["plain"]),
        ("plain/src/train.py", ["plain"]),
        ("plain/manifests/prod/index.json", ["plain"]),
        ("shared/base.yaml", ["extending"]),
        ("platforms/prod.yaml", ["by-name", "direct", "extending"]),
        ("platforms/other.yaml", ["by-name"]),
        ("k8s/dashboards/one.yaml", ["objects"]),
        ("k8s/dashboards/deep/two.yaml", ["objects"]),
        ("my shared/base.yaml", ["spaces"]),
        ("shared/other.yaml", []),
        ("README.md", []),
        ("k8s/other.yaml", []),
    ],
)
def test_a_change_affects_those_whose_folder_or_file_leads_to_it(changed: str, projects: list[str]) -> None:
    assert found(changed) == projects


def test_without_a_change_nothing_is_affected() -> None:
    assert found() == []


def test_several_changes_affect_all_that_each_of_them_does() -> None:
    assert found("plain/x", "k8s/dashboards/one.yaml") == ["objects", "plain"]


def test_what_only_the_other_revision_leads_to_counts() -> None:
    after = {**FILES, "direct/mlproject.yaml": "metadata: {name: direct}\n"}
    specs = ["direct/mlproject.yaml"]
    assert list(affected(specs, ["platforms/prod.yaml"], [Memory(after)])) == []
    assert list(affected(specs, ["platforms/prod.yaml"], [Memory(FILES), Memory(after)])) == specs
