"""What starts a pipeline, how long runs stay, and who their pods are."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.targets.argo.sample import Objects, churn, documents, emitted, on_argo, profile, spec, template

from mlwright import ir
from mlwright.emit.kube import objects as kube
from mlwright.testing import programs
from mlwright.testing.programs import container, origin, project, task
from mlwright_argo.templates import container as container_of

CRON = ir.Schedule(cron="0 3 * * 1", timezone="Europe/Berlin")
WEEK = profile(retention={"runs": "7d"})


def scheduled(schedule: ir.Schedule = CRON, **where: Any) -> ir.Project:
    made = project(task("steps.a"))
    pipelines = (replace(made.pipelines[0], schedule=schedule),)
    return on_argo(replace(made, pipelines=pipelines), **where)


def kinds(found: Objects) -> set[str]:
    return {kind for kind, _ in found}


@pytest.mark.parametrize(
    ("start", "mode", "suspend"),
    [("schedule", "production", False), ("schedule", "development", True), ("manual", "production", True)],
)
def test_a_schedule_is_kept_only_where_the_environment_says_so(start: str, mode: str, suspend: bool) -> None:
    made = emitted(scheduled(start=start, mode=mode))["CronWorkflow", "churn-main"]["spec"]
    assert (made["schedules"], made["timezone"]) == (["0 3 * * 1"], "Europe/Berlin")
    assert made["suspend"] is suspend and made["workflowSpec"] == {"workflowTemplateRef": {"name": "churn-main"}}


@pytest.mark.parametrize(
    ("concurrency", "policy", "alone"),
    [("forbid", "Forbid", True), ("allow", "Allow", False), ("replace", "Replace", False)],
)
def test_a_second_run_waits_unless_the_schedule_lets_it(concurrency: Any, policy: str, alone: bool) -> None:
    found = emitted(scheduled(replace(CRON, concurrency=concurrency)))
    assert found["CronWorkflow", "churn-main"]["spec"]["concurrencyPolicy"] == policy
    lock = found["WorkflowTemplate", "churn-main"]["spec"].get("synchronization")
    assert lock == ({"mutexes": [{"name": "churn-main"}]} if alone else None)


def test_without_a_schedule_people_start_it() -> None:
    found = kinds(emitted(churn()))
    assert "WorkflowTemplate" in found and not found & {"CronWorkflow", "Workflow"}


def test_finished_runs_go_after_the_platforms_time_but_never_one_that_is_kept_in_git() -> None:
    kept = {"secondsAfterCompletion": 7 * 86400}
    assert spec(scheduled(), WEEK)["ttlStrategy"] == kept
    assert "ttlStrategy" not in spec(scheduled())
    found = emitted(scheduled(start="on_change"), WEEK)
    assert found["CronWorkflow", "churn-main"]["spec"]["workflowSpec"]["ttlStrategy"] == kept
    assert "ttlStrategy" not in str(found["WorkflowTemplate", "churn-main"])
    assert "ttlStrategy" not in str([item for (kind, _), item in found.items() if kind == "Workflow"])


def run_once(made: ir.Project, platform: Any = None) -> Any:
    ((found,)) = [item for (kind, _), item in emitted(made, platform).items() if kind == "Workflow"]
    return found


def test_a_change_of_the_graph_is_another_run_and_any_other_is_the_same() -> None:
    made = churn(start="on_change")
    before = run_once(made)["metadata"]["name"]
    assert before.startswith("churn-main-") and len(before) == len("churn-main-") + 10
    assert run_once(replace(made, services=(), notebooks=(), monitoring=(("a", 1),)))["metadata"]["name"] == before
    nodes = [replace(node, timeout=7.0) if node.id == "evaluation" else node for node in made.nodes]
    assert run_once(replace(made, nodes=tuple(nodes)))["metadata"]["name"] != before
    words = [replace(n, container=container("other")) if n.id == "evaluation" else n for n in made.nodes]
    assert run_once(replace(made, nodes=tuple(words)))["metadata"]["name"] != before


def test_argo_cd_applies_it_last_and_does_not_prune_it() -> None:
    notes = run_once(churn(start="on_change"), profile({"argo_cd": "3.5"}))["metadata"]["annotations"]
    assert notes["argocd.argoproj.io/sync-wave"] == "20"
    assert notes["argocd.argoproj.io/sync-options"] == "Prune=false"
    assert "argocd.argoproj.io/sync-wave" not in run_once(churn(start="on_change"))["metadata"]["annotations"]


def test_pods_may_report_results_and_nothing_else() -> None:
    found = emitted(on_argo(project(task("steps.a"))))
    assert found["Role", "churn-workflow"]["rules"] == [
        {"apiGroups": ["argoproj.io"], "resources": ["workflowtaskresults"], "verbs": ["create", "patch"]}
    ]
    assert ("Role", "churn-operator") not in found
    assert {name for kind, name in found if kind == "ServiceAccount"} == {"churn-workflow"}


def test_identities_and_the_operator_report_results_too() -> None:
    reader = replace(task("steps.a"), container=container(identity="reader"))
    several = replace(task("steps.b"), distributed=ir.Distributed(nodes_min=2, nodes_max=2, launcher="torchrun"))
    platform = profile(identities={"reader": {"service_account": "lake-reader"}})
    found = emitted(on_argo(project(reader, several)), platform)
    names = [subject["name"] for subject in found["RoleBinding", "churn-workflow"]["subjects"]]
    assert names == ["churn-workflow", "lake-reader", "churn-operator"]
    rules = found["Role", "churn-operator"]["rules"]
    assert {kind for rule in rules for kind in rule["resources"]} == {"jobs", "services", "pods"}
    templates = found["WorkflowTemplate", "churn-main"]["spec"]
    assert template(templates, "a")["serviceAccountName"] == "lake-reader"


def test_argos_own_containers_are_restricted_and_alone_have_a_token() -> None:
    found = spec(churn())
    patch = json.loads(found["podSpecPatch"])
    assert found["automountServiceAccountToken"] is False
    for container_ in (*patch["initContainers"], *patch["containers"]):
        assert container_["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        assert [mount["name"] for mount in container_["volumeMounts"]] == ["executor-token"]
    for made in found["templates"]:
        if "container" in made:
            assert "executor-token" not in str(made), made["name"]


def test_patches_reach_each_template_by_its_node() -> None:
    (made,) = [item for item in documents(churn()) if item.path.startswith("workflowtemplate")]
    for part in made.parts:
        value: Any = made.data
        for key in part.at:
            value = value[key]
        if part.kind == "Template" and part.node == "steps.features":
            assert value["name"] == "features"
    assert {
        ("steps.features", "Template"),
        ("tuning", "Template"),
        ("tuning", "TrialTemplate"),
        ("registry", "Template"),
        ("pipelines.main", "StartTemplate"),
    } <= {(part.node, part.kind) for part in made.parts}
    assert made.origins["spec", "templates", 0] == origin("steps", "features")


def test_what_starts_says_which_of_several_controllers_takes_it() -> None:
    label = "workflows.argoproj.io/controller-instanceid"
    several = profile(argo_workflows={"version": "4.1", "instance_id": "ml"})
    found = emitted(scheduled(start="on_change"), several)
    starts = [item for (kind, _), item in found.items() if kind in ("CronWorkflow", "Workflow")]
    assert [item["metadata"]["labels"][label] for item in starts] == ["ml", "ml"]
    assert label not in str(emitted(scheduled(start="on_change")))


def test_what_ops_say_of_all_pods_holds_for_argos_too() -> None:
    site = {"labels": {"site": "lab"}, "annotations": {"a/b": "c"}, "runtime_class": "gvisor"}
    found = spec(churn(), profile(image_pull_secrets=["mirror"], pods=site))
    assert found["imagePullSecrets"] == [{"name": "mirror"}]
    assert json.loads(found["podSpecPatch"])["runtimeClassName"] == "gvisor"
    made = template(found, "features")["metadata"]
    assert (made["labels"]["site"], made["annotations"]["a/b"]) == ("lab", "c")


def test_nothing_of_a_pod_is_left_out_of_its_template() -> None:
    found = spec(churn())
    for made in found["templates"]:
        assert "podSpecPatch" not in made, "a pod has a field that templates do not have yet"
    pod = {
        "metadata": {},
        "spec": {
            "serviceAccountName": "churn",
            "automountServiceAccountToken": False,
            "hostAliases": [{"ip": "10.0.0.1"}],
            "containers": [{"name": "main"}],
            "volumes": [],
        },
    }
    objects = kube.Objects(churn(), programs.context(platform=profile()), "argo")
    assert json.loads(container_of(objects, "x", pod)["podSpecPatch"]) == {"hostAliases": [{"ip": "10.0.0.1"}]}
