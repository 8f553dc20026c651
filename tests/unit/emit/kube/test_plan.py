"""The plan of a pipeline without an engine: what is in it, and where a run puts its own names."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mlwright import ir
from mlwright.emit.kube import plan as plans
from mlwright.runner.places import NoPlaces
from mlwright.testing import programs

SCHEMA = Path(__file__).parents[4] / "schemas" / "step.v1.schema.json"


def job(name: str, *, indexed: bool = False, **env: str) -> dict[str, Any]:
    own = plans.name(f"churn-{name}", name)
    variables = [{"name": "MLWRIGHT_RUN", "value": ""}, *({"name": k, "value": v} for k, v in env.items())]
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "x", "env": variables}]}
    spec = {"template": {"spec": pod}, **({"completionMode": "Indexed"} if indexed else {})}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": own}, "spec": spec}


def service(name: str) -> dict[str, Any]:
    own = plans.name(f"churn-{name}", name)
    selector = {"batch.kubernetes.io/job-name": own}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": own}, "spec": {"selector": selector}}


def made(project: ir.Project, **manifests: list[dict[str, Any]]) -> dict[str, Any]:
    by_id = {node.id: manifests.get(node.name, [job(node.name)]) for node in project.nodes}
    document: dict[str, Any] = plans.plan(project, project.pipelines[0], by_id, NoPlaces(), lease="churn-main")
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert [error.message for error in Draft202012Validator(schema).iter_errors(document)] == []
    return document


def node(document: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [item for item in document["nodes"] if item["name"] == name]
    return dict(found)


def test_every_kind_of_node_is_in_the_plan_in_the_pipelines_order() -> None:
    project = programs.churn()
    document = made(project)
    assert [item["id"] for item in document["nodes"]] == list(project.pipelines[0].nodes)
    assert all(item["objects"][0]["main"] for item in document["nodes"])


def test_texts_of_a_run_are_told_by_where_they_stand() -> None:
    search = plans.name("churn-tuning", "tuning")
    workers = job("tuning-trials", MLWRIGHT_SEARCH_URL=plans.text("http://", search, ":8090"))
    project = programs.project(programs.task("steps.tuning"))
    objects = node(made(project, tuning=[job("tuning"), workers, service("tuning")]), "tuning")["objects"]
    assert [(item["manifest"]["kind"], item["main"]) for item in objects] == [
        ("Service", False),
        ("Job", True),
        ("Job", False),
    ]
    assert objects[0]["names"] == [
        {"at": "/metadata/name", "parts": [{"name": "tuning"}]},
        {"at": "/spec/selector/batch.kubernetes.io~1job-name", "parts": [{"name": "tuning"}]},
    ]
    assert objects[2]["names"][1] == {
        "at": "/spec/template/spec/containers/name=main/env/name=MLWRIGHT_SEARCH_URL/value",
        "parts": ["http://", {"name": "tuning"}, ":8090"],
    }
    written = objects[2]["manifest"]["spec"]["template"]["spec"]["containers"][0]["env"][1]["value"]
    assert written == "http://churn-tuning:8090"


def test_an_object_without_a_name_of_the_run_is_a_mistake_of_the_target() -> None:
    manifest = {**job("a"), "metadata": {"name": "churn-a"}}
    with pytest.raises(AssertionError, match="Job churn-a has no name of the run"):
        made(programs.project(programs.task("steps.a")), a=[manifest])


def test_the_conductor_gets_the_document_of_a_step_that_it_has_to_decide_on() -> None:
    when = ir.Op(">=", (ir.Ref("params.size"), ir.Lit(3)))
    size = ir.Param(name="size", type="int", default=1, origin=programs.origin("params", "size"))
    plain, guarded = programs.task("steps.plain"), programs.task("steps.guarded", when=when, params=("size",))
    project = programs.project(plain, guarded, params=(size,))
    pipeline = replace(project.pipelines[0], params=(("size", 5), ("other", 1)))
    document = made(replace(project, pipelines=(pipeline,)))
    assert node(document, "plain")["step"] is None
    decided = node(document, "guarded")["step"]
    assert (decided["when"], decided["params"]["size"]["default"]) == ([">=", {"ref": "params.size"}, {"lit": 3}], 5)


@pytest.mark.parametrize(
    ("indexed", "nodes", "spread"), [(True, 1, True), (False, 1, False), (True, 2, False), (False, 2, False)]
)
def test_items_are_indices_of_one_job_unless_each_item_needs_several_pods(
    indexed: bool, nodes: int, spread: bool
) -> None:
    loop = ir.ForEach(keys=(("store", ("oslo", "bergen")),), max_parallel=1)
    many = ir.Distributed(nodes_min=nodes, nodes_max=nodes)
    project = programs.project(programs.task("steps.each", for_each=loop, distributed=many))
    found = node(made(project, each=[job("each", indexed=indexed)]), "each")
    assert found["items"] == {"max_parallel": 1, "indexed": spread}
    assert found["step"]["for_each"]["keys"] == {"store": ["oslo", "bergen"]}


@pytest.mark.parametrize(("contract", "seconds"), [("bare", 30.0), ("launcher", 0)])
def test_only_a_step_without_the_launcher_is_ended_from_outside(contract: Any, seconds: float) -> None:
    step = programs.task("steps.a", timeout=10.0, retries=ir.Retries(limit=2), contract=contract)
    assert node(made(programs.project(step)), "a")["timeout"] == seconds


def test_a_role_allows_what_the_manifests_need_and_no_more() -> None:
    train = {"apiVersion": "trainer.kubeflow.org/v1alpha1", "kind": "TrainJob", "metadata": {}}
    everything = plans.rules([job("a"), service("a"), train])
    rights = {(rule["apiGroups"][0], kind): rule["verbs"] for rule in everything for kind in rule["resources"]}
    assert set(rights) == {
        ("", "services"),
        ("", "pods"),
        ("batch", "jobs"),
        ("trainer.kubeflow.org", "trainjobs"),
        ("coordination.k8s.io", "leases"),
    }
    assert rights["", "pods"] == ["get", "list"]
    operate = plans.rules([train], "operate")
    assert [rule["resources"] for rule in operate] == [["trainjobs"], ["pods"]]
