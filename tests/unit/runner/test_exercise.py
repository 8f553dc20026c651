"""The honest list: what a run on one machine did not prove."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mlwright import ir
from mlwright.runner.exercise import not_exercised
from mlwright.runner.plan import Plan
from mlwright.runtime.order import State

ORIGIN = ir.Origin(path=("here",))
Make = Callable[..., Any]


EIGHT = ir.Resources(gpu=ir.Gpu(count=8))


def gaps(plan: Plan, gpus: int = 0, **states: State) -> tuple[str, ...]:
    known: dict[str, State] = {node.id: "finished" for node in plan.nodes}
    return not_exercised(plan, {**known, **states}, gpus, {})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"distributed": ir.Distributed(nodes_min=4, nodes_max=4)}, "4 nodes ran as 1: a"),
        ({"distributed": ir.Distributed(roles=(("ps", 1),))}, "2 nodes ran as 1: a"),
        (
            {"distributed": ir.Distributed(processes_per_node=8), "container": ir.Container(resources=EIGHT)},
            "8 processes per node ran as 1: a",
        ),
    ],
)
def test_a_step_that_ran_smaller(project: Make, task: Make, plan_of: Make, fields: dict[str, Any], said: str) -> None:
    assert said in gaps(plan_of(project(task("a", **fields))))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"resources": ir.Resources(gpu=ir.Gpu(count=2))}, "GPUs (this machine has none): a, b"),
        ({"resources": ir.Resources(memory=1)}, "resource requests and limits: a, b"),
        ({"mounts": (ir.Mount(target="/data", kind="memory"),)}, "mounts: the paths are those of this machine: a, b"),
        ({"placement": "spot"}, "placements: a, b"),
        ({"identity": "reader"}, "identities: a, b"),
        (
            {"image": ir.Image(ref="python:3.12")},
            "container images: the programs ran in this machine's own environment: a, b",
        ),
    ],
)
def test_what_only_a_container_has_is_one_line_for_all_steps(
    project: Make, task: Make, plan_of: Make, fields: dict[str, Any], said: str
) -> None:
    container = ir.Container(argv=(("x",),), **fields)
    made = plan_of(project(task("a", container=container), task("b", container=container)))
    assert gaps(made) == (said,)


def test_processes_that_ask_for_no_gpus_are_as_many_as_the_step_says(project: Make, task: Make, plan_of: Make) -> None:
    distributed = ir.Distributed(processes_per_node=8)
    assert gaps(plan_of(project(task("a", distributed=distributed)))) == ()


def test_gpus_that_are_here_are_exercised(project: Make, task: Make, plan_of: Make) -> None:
    container = ir.Container(argv=(("x",),), resources=ir.Resources(gpu=ir.Gpu(count=1)))
    distributed = ir.Distributed(processes_per_node=1)
    assert gaps(plan_of(project(task("a", container=container, distributed=distributed))), gpus=1) == ()


def test_a_plain_project_has_no_gaps(project: Make, task: Make, plan_of: Make) -> None:
    assert gaps(plan_of(project(task("a")))) == ()


@pytest.mark.parametrize("state", ["skipped", "blocked"])
def test_what_did_not_run_is_listed(project: Make, task: Make, plan_of: Make, state: State) -> None:
    assert gaps(plan_of(project(task("a"), task("b"))), b=state) == ("did not run: b",)


def test_what_surrounds_the_graph(project: Make, task: Make, plan_of: Make) -> None:
    pipeline = ir.Pipeline(
        name="main",
        nodes=("a",),
        schedule=ir.Schedule(cron="0 3 * * 1"),
        triggers=(ir.Trigger(name="landed", type="webhook"),),
        origin=ORIGIN,
    )
    other = ir.Pipeline(name="other", nodes=("a",), origin=ORIGIN)
    route = ir.Route(id="serving.r", name="r", mode="split", legs=(), origin=ORIGIN)
    notebook = ir.Notebook(id="notebooks.n", name="n", container=ir.Container(), origin=ORIGIN)
    tracking = ir.Tracking(
        backend=ir.Database(type="postgres"),
        artifacts=ir.ArtifactStore(type="s3"),
        auth=ir.Auth(type="basic"),
        experiment="e",
        origin=ORIGIN,
    )
    made = project(
        task("a"),
        pipelines=(pipeline, other),
        routes=(route,),
        notebooks=(notebook,),
        tracking=tracking,
        monitoring=(ir.Alert(name="slow", on="serving.online", metric="latency", origin=ORIGIN),),
    )
    assert set(gaps(plan_of(made))) == {
        "schedules: main",
        "triggers: landed",
        "other pipelines: other",
        "routes: serving.r",
        "notebooks: notebooks.n",
        "the postgres backend store of the tracking server: it ran on sqlite",
        "the s3 artifact store of the tracking server: it used a folder",
        "authentication at the tracking server",
        "monitoring",
    }


def test_an_external_server_is_exercised_as_it_is(project: Make, task: Make, plan_of: Make) -> None:
    there = ir.Tracking(server="external", backend=ir.Database(type="postgres"), experiment="e", origin=ORIGIN)
    assert gaps(plan_of(project(task("a"), tracking=there))) == ()


def service(**fields: Any) -> ir.Service:
    source = ir.ModelSource(kind="registry", model="m", alias="champion", version="3")
    made = ir.Service(id="serving.s", name="s", container=ir.Container(), source=source, origin=ORIGIN)
    return replace(made, smoke_request="r.json", binding="locked", **fields)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"replicas": ir.Replicas(max=5)}, "replicas and autoscaling: serving.s"),
        ({"expose": ir.Expose(scope="host", host="x")}, "expose: host names, TLS and authentication: serving.s"),
        ({"extra": (("batcher", {}), ("health", {}))}, "`batcher`: serving.s"),
        (
            {"variants": (ir.Variant(name="v", source=ir.ModelSource(kind="output", step="a", output="m")),)},
            "how traffic is split: each variant is an endpoint of its own here: serving.s",
        ),
        (
            {"variants": (ir.Variant(name="v", source=ir.ModelSource(kind="uri", uri="hf://x/y")),)},
            "the endpoint (its model is at hf://x/y): serving.s.variants.v",
        ),
        (
            {"source": ir.ModelSource(kind="registry", model="m", alias="champion")},
            "the endpoint (mlproject.lock has no entry for m@champion): serving.s",
        ),
        ({"source": ir.ModelSource(kind="uri", uri="hf://x/y")}, "the endpoint (its model is at hf://x/y): serving.s"),
        ({"source": ir.ModelSource()}, "the endpoint (it is what its image starts): serving.s"),
        ({"format": "triton"}, "the endpoint (a triton server needs its image): serving.s"),
    ],
)
def test_an_endpoint_that_ran_smaller_or_not_at_all(
    project: Make, plan_of: Make, fields: dict[str, Any], said: str
) -> None:
    assert said in gaps(plan_of(project(services=(service(**fields),))))


def test_variants_of_a_run_that_serve_the_same_version(project: Make, task: Make, plan_of: Make) -> None:
    registration = ir.Registration(id="registry", name="r", model="m", step="a", output="model", origin=ORIGIN)
    variants = tuple(
        ir.Variant(name=name, source=ir.ModelSource(kind="registry", model=name, alias="challenger"))
        for name in ("m", "other")
    )
    made = replace(service(variants=variants), binding="run")
    found = gaps(plan_of(project(task("a"), registration, services=(made,))))
    assert "other versions for variants: each served the version that this run registered: serving.s" in found
    assert "endpoints of other pipelines: serving.s.variants.other" in found


def test_a_smoke_test_that_ran_is_not_listed(project: Make, plan_of: Make) -> None:
    made = plan_of(project(services=(service(smoke_path="/x", smoke_status=400),)))
    assert gaps(made) == ("the model of this run: the endpoint served the locked version: serving.s",)


def test_missing_secrets_of_steps_that_could_do_without(project: Make, task: Make, plan_of: Make) -> None:
    secrets = (ir.Secret(name="hook", keys=("URL",)), ir.Secret(name="unused", keys=("X",)))
    notify = task("notify", run_if="failed", container=ir.Container(argv=(("x",),), secrets=("hook",)))
    assert gaps(plan_of(project(notify, secrets=secrets)), notify="skipped") == (
        "did not run: notify",
        "secrets that are not here: HOOK__URL",
    )
