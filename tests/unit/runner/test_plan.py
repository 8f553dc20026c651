"""Which pipeline runs, and what is refused before anything starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from mlwright import ir
from mlwright.runner import plan
from mlwright.runner.plan import RefusedError

ORIGIN = ir.Origin(path=("here",))
Make = Callable[..., ir.Project]


def named(*names: str) -> tuple[ir.Pipeline, ...]:
    return tuple(ir.Pipeline(name=name, nodes=(), origin=ORIGIN) for name in names)


@pytest.mark.parametrize(
    ("names", "wanted", "chosen"),
    [(("main", "b"), "", "main"), (("b",), "", "b"), (("main", "b"), "b", "b")],
)
def test_the_pipeline_is_the_named_one_else_main_else_the_only_one(
    project: Make, names: tuple[str, ...], wanted: str, chosen: str
) -> None:
    assert plan.choose(project(pipelines=named(*names)), wanted).name == chosen


@pytest.mark.parametrize(("names", "wanted"), [(("a", "b"), ""), (("main",), "b"), ((), "")])
def test_a_pipeline_that_is_not_there_is_refused_with_those_that_are(
    project: Make, names: tuple[str, ...], wanted: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        plan.choose(project(pipelines=named(*names)), wanted)
    assert refused.value.findings[0].code == "RUN001"
    assert all(name in f"{refused.value.findings[0].message} {refused.value.findings[0].help}" for name in names)


def test_only_the_pipelines_nodes_run(project: Make, task: Callable[..., ir.Task]) -> None:
    made = project(task("a"), task("b"))
    one = ir.Pipeline(name="one", nodes=("b",), origin=ORIGIN)
    assert [node.id for node in plan.make(made, one).nodes] == ["b"]


def test_where_trials_stand_in_for_training_consumers_wait_for_the_search(
    project: Make, task: Callable[..., ir.Task], search: Callable[..., ir.Search]
) -> None:
    made = project(search(task(), retrain=False), task("use", needs=(ir.Need(node="train"),)))
    jobs = plan.make(made, made.pipelines[0]).jobs
    assert [edge.job for edge in jobs[1].needs] == ["tuning"]


def test_max_trials_lowers_and_never_raises(
    project: Make, task: Callable[..., ir.Task], search: Callable[..., ir.Search]
) -> None:
    made = project(search(task(), max_trials=8, parallel=4))
    for asked, trials, parallel in ((2, 2, 2), (20, 8, 4), (0, 8, 4)):
        node = plan.make(made, made.pipelines[0], asked).nodes[0]
        assert isinstance(node, ir.Search)
        assert (node.max_trials, node.parallel) == (trials, parallel)


@pytest.mark.parametrize(("algorithm", "found"), [("hyperband", []), ("pbt", ["RUN005"])])
def test_an_algorithm_of_katib_alone_is_refused(
    project: Make, task: Callable[..., ir.Task], search: Callable[..., ir.Search], algorithm: str, found: list[str]
) -> None:
    made = project(search(task(), algorithm=algorithm))
    assert [item.code for item in plan.findings(plan.make(made, made.pipelines[0]), {})] == found


def test_a_required_parameter_without_a_value_is_refused_once(project: Make, task: Callable[..., ir.Task]) -> None:
    param = ir.Param(name="n", type="int", required=True, origin=ORIGIN)
    made = project(task("a", params=("n",)), task("b"), params=(param,))
    assert [item.code for item in plan.findings(plan.make(made, made.pipelines[0]), {})] == ["RUN003"]


def test_a_searched_parameter_needs_no_value(
    project: Make, task: Callable[..., ir.Task], search: Callable[..., ir.Search]
) -> None:
    param = ir.Param(name="n", type="int", required=True, origin=ORIGIN)
    trial = task("trial", params=("n",), metrics=(ir.Metric(name="auc"),))
    node = search(trial, space=(ir.Dimension(param="n", type="int", values=(1, 2)),))
    tuned = task("train", params=("n",), tuned=("n",), tuning="tuning")
    made = project(node, tuned, params=(param,))
    assert plan.findings(plan.make(made, made.pipelines[0]), {}) == ()


def test_a_missing_secret_is_refused_for_a_step_that_will_run(project: Make, task: Callable[..., ir.Task]) -> None:
    container = ir.Container(argv=(("x",),), env=(("T", (ir.Ref("secrets.lake.TOKEN"),)),))
    secrets = (ir.Secret(name="lake", keys=("TOKEN", "OTHER")),)
    made = project(task("a", container=container), secrets=secrets)
    ready = plan.make(made, made.pipelines[0])
    (finding,) = plan.findings(ready, {})
    assert (finding.code, "LAKE__TOKEN" in finding.message) == ("RUN004", True)
    assert "OTHER" not in finding.message
    assert plan.findings(ready, {("lake", "TOKEN"): ""}) == ()


def test_a_missing_secret_of_an_endpoint_is_refused_before_hours_of_training(project: Make) -> None:
    container = ir.Container(argv=(("serve",),), env=(("T", (ir.Ref("secrets.lake.TOKEN"),)),))
    service = ir.Service(id="serving.s", name="s", container=container, origin=ORIGIN)
    made = project(services=(service,), secrets=(ir.Secret(name="lake", keys=("TOKEN",)),))
    ready = plan.make(made, made.pipelines[0])
    assert [item.code for item in plan.findings(ready, {}, ready.services)] == ["RUN004"]


def test_an_external_servers_credentials_are_needed_before_anything_starts(project: Make) -> None:
    there = ir.Tracking(server="external", url="https://x", auth=ir.Auth(type="basic", secret="user"), origin=ORIGIN)
    made = project(tracking=there)
    found = plan.findings(plan.make(made, made.pipelines[0]), {("user", "username"): "u"})
    assert ["USER__PASSWORD" in item.message for item in found] == [True]


@pytest.mark.parametrize("fields", [{"run_if": "failed"}, {"when": ir.Lit(True)}])
def test_a_step_that_may_be_skipped_may_lack_its_secret(
    project: Make, task: Callable[..., ir.Task], fields: dict[str, object]
) -> None:
    container = ir.Container(argv=(("x",),), secrets=("lake",))
    made = project(task("a", container=container, **fields), secrets=(ir.Secret(name="lake", keys=("TOKEN",)),))
    assert plan.findings(plan.make(made, made.pipelines[0]), {}) == ()


@pytest.mark.parametrize("platform", ["local", "compose"])
def test_a_laptop_platform_runs(project: Make, platform: str) -> None:
    environment = ir.Environment(name="e", platform=platform, origin=ORIGIN)
    plan.check_platform(project(environment=environment))


def test_a_clusters_environment_is_refused(project: Make) -> None:
    made = project(environment=ir.Environment(name="prod", platform="platforms/prod.yaml", origin=ORIGIN))
    with pytest.raises(RefusedError, match=r"`prod` is for platforms/prod\.yaml"):
        plan.check_platform(made)


def test_databricks_is_refused(project: Make) -> None:
    made = project()
    with pytest.raises(RefusedError, match="Databricks"):
        plan.check_platform(replace(made, tracking=replace(made.tracking, server="databricks")))


def test_a_missing_extra_is_refused_with_the_command_that_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan.importlib.util, "find_spec", lambda name: None)  # type: ignore[attr-defined]
    with pytest.raises(RefusedError, match="mlflow and optuna are not installed") as refused:
        plan.check_installed()
    assert refused.value.findings[0].help == "pip install 'mlwright[local]'"


def test_an_endpoint_of_this_runs_model_is_part_of_the_plan_and_others_are_not(
    project: Make, task: Callable[..., ir.Task]
) -> None:
    def service(name: str, model: str, **fields: object) -> ir.Service:
        source = ir.ModelSource(kind="registry", model=model, alias="champion")
        made = ir.Service(id=f"serving.{name}", name=name, container=ir.Container(), source=source, origin=ORIGIN)
        return replace(made, **fields)  # type: ignore[arg-type]

    registration = ir.Registration(
        id="registry", name="registry", model="churn", step="train", output="model", origin=ORIGIN
    )
    services = (service("a", "churn", binding="run"), service("b", "other", binding="run"), service("c", "other"))
    made = project(task("train"), registration, services=services)
    assert [item.name for item in plan.make(made, made.pipelines[0]).services] == ["a", "c"]


def test_each_variant_is_an_endpoint_with_the_fields_of_its_service_and_its_own_model(project: Make) -> None:
    champion, challenger = (ir.ModelSource(kind="registry", model="m", alias=alias) for alias in ("a", "b"))
    origin = ir.Origin(path=("serving", "s"))
    variant = ir.Variant(name="next_one", source=challenger, traffic=10)
    service = ir.Service(
        id="serving.s", name="s", container=ir.Container(), source=champion, variants=(variant,), port=9, origin=origin
    )
    made = project(services=(service,))
    main, other = plan.make(made, made.pipelines[0]).services
    assert (main.id, main.source, main.variants) == ("serving.s", champion, ())
    assert (other.id, other.name, other.source) == ("serving.s.variants.next_one", "s-next-one", challenger)
    assert (other.port, other.origin.path) == (9, ("serving", "s", "variants", "next_one"))


def test_a_pipeline_may_be_named_by_its_key(project: Make) -> None:
    assert plan.choose(project(pipelines=named("main", "retrain-all")), "retrain_all").name == "retrain-all"
