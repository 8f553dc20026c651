"""Patches of a workflow: by node and kind, with what the run contract depends on left alone."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.targets.argo.sample import churn, documents, origin

from mlwright import ir
from mlwright.emit.patch import apply_all
from mlwright_argo import ArgoTarget


def patched(node: str, kind: str, merge: Any) -> tuple[Any, list[str]]:
    """The WorkflowTemplate with one patch, and the codes of what is said to it."""
    patch = ir.Patch(name="p", why="because", node=node, kind=kind, merge=merge, origin=origin("patches", "p"))
    target = ArgoTarget()
    done = apply_all(
        [("argo", documents(churn()))], [patch], lambda name: target, versions={}, is_secret=lambda name, text: False
    )
    ((_, items),) = done.emitted
    (found,) = [item.data for item in items if item.path.startswith("workflowtemplate")]
    return found["spec"], [item.code for item in done.findings]


def template(spec: Any, name: str) -> Any:
    return next(item for item in spec["templates"] if item["name"] == name)


def test_a_patch_reaches_the_template_of_a_node_and_no_other() -> None:
    spec, said = patched("steps.features", "Template", {"container": {"env": [{"name": "A", "value": "b"}]}})
    assert said == []
    for name, there in (("features", True), ("evaluation", False)):
        assert ({"name": "A", "value": "b"} in template(spec, name)["container"]["env"]) is there
    assert len(template(spec, "features")["container"]["env"]) > 5, "entries are merged by name"


@pytest.mark.parametrize(
    ("node", "kind", "merge"),
    [
        ("tuning", "TrialTemplate", {"priorityClassName": "low"}),
        ("tuning", "Template", {"priorityClassName": "low"}),
        ("registry", "Template", {"nodeSelector": {"pool": "small"}}),
        ("pipelines.main", "WorkflowTemplate", {"spec": {"parallelism": 4}}),
        ("pipelines.main", "StartTemplate", {"metadata": {"annotations": {"a": "b"}}}),
    ],
)
def test_every_part_has_an_address(node: str, kind: str, merge: Any) -> None:
    assert patched(node, kind, merge)[1] == []


@pytest.mark.parametrize(
    ("node", "kind", "merge"),
    [
        ("steps.features", "Template", {"container": {"command": ["sh"]}}),
        ("tuning", "TrialTemplate", {"container": {"args": ["x"]}}),
        ("steps.features", "Template", {"name": "other"}),
        ("pipelines.main", "WorkflowTemplate", {"spec": {"entrypoint": "start"}}),
        (
            "pipelines.main",
            "WorkflowTemplate",
            {"spec": {"templates": [{"name": "features", "container": {"args": []}}]}},
        ),
        ("pipelines.main", "WorkflowTemplate", {"metadata": {"name": "other"}}),
    ],
)
def test_what_the_run_depends_on_is_left_alone(node: str, kind: str, merge: Any) -> None:
    assert "PATCH004" in patched(node, kind, merge)[1]


@pytest.mark.parametrize(
    "merge", [{"container": {"image": "other:1"}}, {"container": {"resources": {"limits": {"cpu": "1"}}}}]
)
def test_what_has_a_field_is_better_written_there(merge: Any) -> None:
    assert patched("steps.features", "Template", merge)[1] == ["PATCH008"]
