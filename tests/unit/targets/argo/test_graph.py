"""The graph of a workflow: what comes after what, what is decided first, loops, tuning, the end of a run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.targets.argo.sample import churn, environment, on_argo, spec, tasks, template

from mlwright import ir
from mlwright.testing.programs import container, project, task

ENDED = "({0}.Succeeded || {0}.Failed || {0}.Errored || {0}.Skipped || {0}.Omitted || {0}.Daemoned)"
GPU = ir.Resources(gpu=ir.Gpu(count=1))


def needs(*nodes: str, optional: bool = False) -> tuple[ir.Need, ...]:
    return tuple(ir.Need(node=node, optional=optional) for node in nodes)


def graph(*nodes: ir.Node, name: str = "pipeline") -> Any:
    return tasks(spec(on_argo(project(*nodes))), name)


def depends(*nodes: ir.Node, name: str = "pipeline") -> dict[str, str]:
    return {key: found.get("depends", "") for key, found in graph(*nodes, name=name).items()}


def test_a_pipeline_runs_its_nodes_in_order_and_a_failure_stops_only_what_comes_after_it() -> None:
    found = spec(churn())
    assert template(found, found["entrypoint"])["dag"]["failFast"] is False
    assert {name: one.get("depends", "") for name, one in tasks(found).items()} == {
        "start": "",
        "features": "start.Succeeded",
        "stores": "features.Succeeded",
        "later-items": "start.Succeeded",
        "later": "later-items.Succeeded",
        "tuning": "features.Succeeded",
        "training": "features.Succeeded && tuning.Succeeded",
        "evaluation": "training.Succeeded",
        "evaluation-gates": "evaluation.Succeeded",
        "registry": "training.Succeeded && evaluation-gates.Succeeded",
    }


def test_a_small_pod_decides_before_a_gpu_is_taken_and_nobody_decides_for_a_cheap_step() -> None:
    when = ir.Lit(value=False)
    dear = replace(task("steps.dear"), when=when, container=container(resources=GPU))
    made = graph(dear, replace(task("steps.cheap"), when=when), replace(task("steps.after"), needs=needs("steps.dear")))
    assert made["dear-items"]["depends"] == "start.Succeeded"
    assert (made["dear"]["depends"], made["dear"]["when"]) == (
        "dear-items.Succeeded",
        "{{tasks.dear-items.outputs.result}} == 1",
    )
    assert "when" not in made["cheap"] and "cheap-items" not in made
    assert made["after"]["depends"] == "(dear.Succeeded || dear.Skipped)"


def test_the_decision_is_made_on_the_steps_own_document() -> None:
    found = spec(
        on_argo(project(replace(task("steps.x"), when=ir.Lit(value=True), container=container(resources=GPU))))
    )
    step, ask = template(found, "x"), template(found, "x-items")
    assert ask["container"]["args"] == ["/mlwright/runtime/step.py", "items", "/mlwright/step.json"]
    assert "limits" in step["container"]["resources"] and "nvidia.com/gpu" not in str(ask)
    documents = [
        volume["configMap"]["name"] for one in (step, ask) for volume in one["volumes"] if volume["name"] == "document"
    ]
    assert documents[0] == documents[1]


@pytest.mark.parametrize("optional", [False, True])
def test_what_follows_a_step_that_may_be_skipped_is_decided_on_too_unless_it_does_not_mind(optional: bool) -> None:
    first = replace(task("steps.first"), when=ir.Lit(value=False))
    second = replace(task("steps.second"), needs=needs("steps.first", optional=optional))
    third = replace(task("steps.third"), needs=needs("steps.second"), container=container(resources=GPU))
    assert ("third-items" in graph(first, second, third)) is not optional


def test_a_gate_that_stops_without_failing_makes_what_follows_skippable() -> None:
    gate = ir.Gate(name="g", metric="m", min=1.0, on_fail="stop")
    gates = ir.Gates(
        id="a.gates",
        name="a-gates",
        step="steps.a",
        model="",
        gates=(gate,),
        metrics=(),
        needs=needs("steps.a"),
        origin=task("steps.a").origin,
    )
    after = replace(task("steps.b"), needs=needs("a.gates"), container=container(resources=GPU))
    assert "b-items" in graph(task("steps.a"), gates, after)
    failing = replace(gates, gates=(replace(gate, on_fail="fail"),))
    assert "b-items" not in graph(task("steps.a"), failing, after)


def test_a_step_for_failures_waits_for_any_end_and_the_run_must_have_begun() -> None:
    late = replace(task("steps.late"), run_if="failed", needs=needs("steps.a"))
    made = depends(task("steps.a"), late)
    assert made["late"] == f"start.Succeeded && {ENDED.format('a')}"


def test_steps_that_wait_for_the_whole_run_are_at_its_end_and_finish_comes_last() -> None:
    found = spec(churn())
    leaving = tasks(found, found["onExit"])
    assert "notify" not in tasks(found) and leaving["notify"].get("depends") is None
    assert leaving["finish"]["depends"] == ENDED.format("notify")
    for name in ("notify", "finish"):
        assert environment(template(found, name))["MLWRIGHT_STATUS"] == "{{workflow.status}}"
    assert "MLWRIGHT_STATUS" not in environment(template(found, "features"))


def test_what_follows_such_a_step_waits_for_it_alone() -> None:
    late = replace(task("steps.late"), run_if="always")
    after = replace(task("steps.after"), needs=needs("steps.late", "steps.a"))
    assert depends(task("steps.a"), late, after, name="exit") == {
        "late": "",
        "after": "late.Succeeded",
        "finish": f"{ENDED.format('late')} && {ENDED.format('after')}",
    }


def test_without_such_steps_the_workflow_ends_with_finish() -> None:
    found = spec(on_argo(project(task("steps.a"))))
    assert found["onExit"] == "finish" and template(found, "finish")["container"]["args"][0].endswith("root.py")


def test_a_list_that_is_known_is_counted_here_and_its_items_run_a_few_at_a_time() -> None:
    found = spec(churn())
    outer, inner = tasks(found)["stores"], tasks(found, "stores-all")["item"]
    assert outer["arguments"]["parameters"] == [{"name": "count", "value": "3"}]
    assert template(found, "stores-all")["parallelism"] == 2
    assert inner["withSequence"] == {"count": "{{inputs.parameters.count}}"}
    assert inner["arguments"]["parameters"] == [{"name": "item", "value": "{{item}}"}]
    assert environment(template(found, "stores"))["MLWRIGHT_ITEM"] == "{{inputs.parameters.item}}"


def test_a_list_that_only_the_run_knows_is_counted_by_a_pod() -> None:
    made = tasks(spec(churn()))["later"]
    assert made["withSequence"] == {"count": "{{tasks.later-items.outputs.result}}"}


def test_a_list_without_items_is_for_the_launcher_to_skip() -> None:
    made = graph(replace(task("steps.x"), for_each=ir.ForEach(keys=(("k", ()),))))
    assert made["x"] == {"name": "x", "template": "x", "depends": "start.Succeeded"}


def test_tuning_is_a_graph_of_its_own_that_ends_its_search() -> None:
    found = spec(churn())
    assert set(tasks(found, "tuning")) == {"search", "trial"}
    trial, search = tasks(found, "tuning")["trial"], template(found, "search")
    assert (trial["depends"], trial["withSequence"]) == ("search", {"count": "3"})
    assert trial["arguments"]["parameters"] == [{"name": "search", "value": "{{tasks.search.ip}}"}]
    assert environment(template(found, "trial"))["MLWRIGHT_SEARCH_URL"] == "http://{{inputs.parameters.search}}:8090"
    assert search["daemon"] is True and search["container"]["image"] == "registry.example.com/tools:1"
    assert search["container"]["readinessProbe"]["httpGet"] == {"path": "/healthz", "port": 8090}
    assert "retryStrategy" not in search and "retryStrategy" in template(found, "trial")


def test_names_of_steps_win_over_ours() -> None:
    names = ["start", "finish", "pipeline", "exit", "search"]
    found = spec(on_argo(project(*(task(f"steps.{name}") for name in names))))
    assert found["entrypoint"] == "pipeline-2" and found["onExit"] == "finish-2"
    assert {name: one.get("depends", "") for name, one in tasks(found, "pipeline-2").items()} == {
        "start-2": "",
        **dict.fromkeys(names, "start-2.Succeeded"),
    }


def test_lost_pods_are_replaced_and_attempts_are_the_launchers() -> None:
    step = replace(task("steps.x"), retries=ir.Retries(limit=2, backoff=30.0), timeout=60.0)
    made = template(spec(on_argo(project(step))), "x")
    assert made["retryStrategy"]["retryPolicy"] == "Always"
    assert made["retryStrategy"]["expression"].endswith("in [-1, 69, 137, 143]")
    assert made["activeDeadlineSeconds"] == 3 * 60 + 30 + 60 + 300


def test_a_step_of_several_nodes_is_a_pod_that_operates_its_job() -> None:
    found = spec(churn())
    made = template(found, "training")
    assert made["container"]["args"] == ["/mlwright/runtime/operate.py", "/mlwright/step.json"]
    assert (made["serviceAccountName"], made["automountServiceAccountToken"]) == ("churn-operator", True)


def test_an_operator_decides_for_itself_and_may_wait_in_a_queue() -> None:
    several = ir.Distributed(nodes_min=2, nodes_max=2, launcher="torchrun")
    step = replace(task("steps.x"), distributed=several, timeout=60.0, when=ir.Lit(value=False))
    found = spec(on_argo(project(replace(step, container=container(resources=GPU)))))
    assert set(tasks(found)) == {"start", "x"} and "activeDeadlineSeconds" not in template(found, "x")


def test_a_bare_step_names_the_program_of_its_image_where_the_lock_knows_it() -> None:
    image = ir.Image(ref="legacy:7", digest="sha256:" + "0" * 64, entrypoint=("/export",), cmd=("--all",))
    bare = replace(task("steps.x"), contract="bare", container=ir.Container(image=image))
    made = template(spec(on_argo(project(bare))), "x")["container"]
    assert (made["command"], made["args"]) == (["/export"], ["--all"])
    assert not [name for name in environment({"container": made}) if name.startswith(("MLWRIGHT_", "MLFLOW_"))]
