"""Whole pipelines, from what the target writes: in Argo's order, by the shipped programs, on a real tracking server."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.runtime.conftest import Pipeline
from tests.unit.targets.argo.engine import Engine
from tests.unit.targets.argo.sample import emitted, on_argo

from mlwright import ir
from mlwright.testing.programs import container, origin, project, task, tracking

GPU = ir.Resources(gpu=ir.Gpu(count=1))


def script(name: str, text: str, *needs: str, **changes: Any) -> ir.Task:
    """A step that is a shell script, and needs these."""
    made = task(f"steps.{name}", container=container(argv=(), script=text))
    return replace(made, needs=tuple(ir.Need(node=f"steps.{need}") for need in needs), **changes)


class Run:
    """A workflow that has ended, and what the tracking server has of it."""

    def __init__(self, engine: Engine, seen: Pipeline, phase: str) -> None:
        self.engine, self.seen, self.phase = engine, seen, phase

    def state(self, step: str) -> list[str]:
        """Status of a step's runs, `skipped` for those."""
        found = self.seen.runs(run=self.engine.uid, step=step)
        return [run["tags"].get("mlwright.status") or run["status"] for run in found]

    @property
    def root(self) -> str:
        """The root run's status."""
        return str(self.seen.only(run=self.engine.uid, kind="root")["status"])


@pytest.fixture
def run(mlflow_server: str, tmp_path: Path) -> Any:
    """Runs a program of nodes to its end."""

    def start(*nodes: ir.Node, lost: str = "", given: dict[str, str] | None = None, **changes: Any) -> Run:
        experiment = "argo-" + uuid.uuid4().hex
        made = on_argo(project(*nodes, tracking=tracking(experiment=experiment), **changes))
        engine = Engine(
            objects=emitted(made),
            template="churn-main",
            server=mlflow_server,
            folder=tmp_path,
            given=given or {},
            lost=frozenset({lost} - {""}),
        )
        phase = engine.run()
        return Run(engine, Pipeline(address=mlflow_server, folder=tmp_path, experiment=experiment), phase)

    return start


def test_a_pipeline_runs_to_its_end_and_files_values_and_items_arrive(run: Any) -> None:
    words = 'echo "[\\"a\\", \\"b\\", \\"$MLWRIGHT_PARAM_WORD\\"]"'
    made = script(
        "made",
        f'printf rows > "$MLWRIGHT_OUTPUT_T"; {words} > "$MLWRIGHT_OUTPUT_L"',
        outputs=(ir.Output(name="t", type="dataset"), ir.Output(name="l", type="json")),
        params=("word",),
    )
    each = script(
        "each",
        'printf "$MLWRIGHT_EACH_K" > "$MLWRIGHT_OUTPUT_O"',
        "made",
        for_each=ir.ForEach(keys=(("k", ir.Ref("steps.made.outputs.l")),), max_parallel=2),
        inputs=("steps.made.outputs.l",),
        outputs=(ir.Output(name="o", type="file"),),
    )
    last = script(
        "last",
        'test "$(cat "$MLWRIGHT_INPUT_MADE_T")" = rows; cat "$MLWRIGHT_INPUT_EACH_O"/* > "$MLWRIGHT_OUTPUT_ALL"',
        *("made", "each"),
        inputs=("steps.made.outputs.t", "steps.each.outputs.o"),
        outputs=(ir.Output(name="all", type="string"),),
    )
    word = ir.Param(name="word", type="string", default="c", origin=origin("params", "word"))
    store = ir.Storage(name="artifacts", type="s3", uri="s3://acme", origin=origin("storage", "artifacts"))
    done = run(made, each, last, params=(word,), artifacts=store, given={"word": "$(id) d"})
    assert (done.phase, done.root) == ("Succeeded", "FINISHED")
    assert done.state("steps.each") == ["FINISHED"] * 3
    output = done.seen.only(run=done.engine.uid, step="steps.last")["tags"]["mlwright.output.all"]
    assert "$(id) dab" in output and done.engine.pods.count("each-items") == 1


def test_no_pod_takes_a_gpu_for_a_step_that_is_skipped(run: Any) -> None:
    dear = script("dear", "exit 1", "first", when=ir.Lit(value=False))
    dear = replace(dear, container=replace(dear.container, resources=GPU))
    maybe = replace(script("maybe", "true"), needs=(ir.Need(node="steps.dear", optional=True),))
    done = run(script("first", "true"), dear, script("after", "exit 1", "dear"), maybe)
    assert (done.phase, done.root) == ("Succeeded", "FINISHED")
    assert "dear" not in done.engine.pods and "dear-items" in done.engine.pods
    assert (done.state("steps.dear"), done.state("steps.after")) == (["skipped"], ["skipped"])
    assert done.state("steps.maybe") == ["FINISHED"]


def test_a_failure_stops_what_comes_after_it_alone_and_is_told_at_the_end(run: Any) -> None:
    steps = [
        script("bad", "exit 3"),
        script("after", "true", "bad"),
        script("beside", "true"),
        script("tidy", "true", "bad", run_if="always"),
        script("tell", "true", run_if="failed"),
    ]
    done = run(*steps)
    assert done.phase == "Failed" and done.root == "FAILED"
    assert (done.state("steps.bad"), done.state("steps.after")) == (["FAILED"], [])
    for step in ("beside", "tidy", "tell"):
        assert done.state(f"steps.{step}") == ["FINISHED"], step


def test_a_failure_that_a_later_step_took_care_of_still_fails_the_run(run: Any) -> None:
    done = run(script("bad", "exit 3"), script("tidy", "true", "bad", run_if="failed"))
    assert done.engine.variables["workflow.status"] == "Succeeded"
    assert (done.phase, done.root) == ("Failed", "FAILED")


def test_a_run_whose_step_never_came_to_life_has_failed_and_nothing_waits(run: Any) -> None:
    done = run(
        script("gone", "true"), script("after", "true", "gone"), script("tell", "true", run_if="failed"), lost="gone"
    )
    assert (done.phase, done.root) == ("Failed", "FAILED")
    assert done.state("steps.tell") == ["FINISHED"] and done.state("steps.after") == []


def test_nothing_failed_so_nobody_is_told(run: Any) -> None:
    done = run(script("good", "true"), script("tell", "exit 1", run_if="failed"))
    assert (done.phase, done.root, done.state("steps.tell")) == ("Succeeded", "FINISHED", ["skipped"])


def tuned(script: str) -> tuple[ir.Task, ir.Search, ir.Param]:
    """A training that is a shell script, its search, and the parameter that is searched."""
    training = replace(
        task("training", container=container(argv=(), script=script)),
        metrics=(ir.Metric(name="m", goal="maximize", pattern=r"m=(\S+)", reduce="best"),),
        params=("lr",),
        needs=(ir.Need(node="tuning"),),
        tuning="tuning",
        tuned=("lr",),
    )
    search = ir.Search(
        id="tuning",
        name="tuning",
        trial=replace(training, id="tuning.trial", name="trial", needs=(), tuning="", tuned=()),
        training="training",
        objective="m",
        goal="maximize",
        space=(ir.Dimension(param="lr", type="float", values=(0.1, 0.5)),),
        algorithm="grid",
        max_trials=2,
        origin=origin("tuning"),
    )
    return training, search, ir.Param(name="lr", type="float", default=0.9, origin=origin("params", "lr"))


def test_tuning_hands_its_best_parameters_to_training(run: Any) -> None:
    training, search, lr = tuned('echo "m=${MLWRIGHT_PARAM_LR}"')
    done = run(search, training, params=(lr,))
    assert (done.phase, done.root) == ("Succeeded", "FINISHED")
    assert done.seen.only(run=done.engine.uid, step="training")["params"]["lr"] == "0.5"
    assert done.seen.only(run=done.engine.uid, step="tuning")["status"] == "FINISHED"


def test_training_is_not_tried_where_tuning_found_nothing(run: Any) -> None:
    training, search, lr = tuned("exit 1")
    done = run(search, training, params=(lr,))
    assert (done.phase, done.root, done.state("training")) == ("Failed", "FAILED", ["skipped"])
