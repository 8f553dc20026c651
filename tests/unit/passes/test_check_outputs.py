from __future__ import annotations

import pytest

from mlwright import ir
from mlwright.passes.check_outputs import check_outputs
from mlwright.passes.check_reach import check_reach
from tests.unit.passes.factory import (
    codes,
    container,
    gates,
    only,
    origin,
    pipeline,
    place,
    project,
    ref,
    registration,
    search,
    service,
    task,
    training,
)

TABLE = (ir.Output(name="table", type="dataset"),)
MODEL = (ir.Output(name="model", type="mlflow-model"),)


def writer(*argv: str | ir.Template) -> ir.Task:
    return task("steps.a", *argv, outputs=TABLE)


def reader(path: str = "steps.a.outputs.table") -> ir.Task:
    return task("steps.b", "cat", ref(path), inputs=(path,))


def test_an_output_that_is_written_and_read_is_fine() -> None:
    assert codes(check_outputs, project(writer("make", ref("outputs.table")), reader())) == []


@pytest.mark.parametrize(
    "made",
    [
        container("make", ("--out=", ir.Ref("outputs.table"))),
        container("make", args=(ref("outputs.table"),)),
        container("make", env=(("OUT", ref("outputs.table")),)),
        ir.Container(script='make "${MLWRIGHT_OUTPUT_TABLE}"'),
        ir.Container(script="make $MLWRIGHT_OUTPUT_TABLE"),
        ir.Container(),
    ],
    ids=["word", "args", "env", "script", "bare variable", "entry point"],
)
def test_the_path_may_reach_the_program_in_any_text(made: ir.Container) -> None:
    assert codes(check_outputs, project(task(container=made, outputs=TABLE), reader())) == []


@pytest.mark.parametrize(
    "made",
    [
        container("make"),
        container("make", ref("outputs.tables")),
        container("make", "outputs.table"),
        ir.Container(script="make ${MLWRIGHT_OUTPUT_TABLE_2}"),
    ],
    ids=["nothing", "another output", "plain text", "another variable"],
)
def test_an_output_that_no_text_mentions_is_never_written(made: ir.Container) -> None:
    finding = only(check_outputs, project(task(container=made, outputs=TABLE), reader()))
    assert (finding.code, finding.severity) == ("STEP002", "error")
    assert (finding.at.path, finding.at.on) == (("steps", "a", "outputs", "table"), "key")
    assert finding.related[0].path == ("steps", "a", "command")


def test_an_output_that_nobody_reads_is_a_warning() -> None:
    finding = only(check_outputs, project(writer("make", ref("outputs.table"))))
    assert (finding.code, finding.severity) == ("STEP003", "warning")
    assert "${steps.a.outputs.table}" in finding.help


def test_a_condition_reads_an_output() -> None:
    asks = task("steps.b", when=ir.Op("==", (ir.Ref("steps.a.outputs.table"), ir.Lit(1))))
    assert codes(check_outputs, project(writer("make", ref("outputs.table")), asks)) == []


def test_registration_and_serving_read_outputs() -> None:
    trained = training("train", ref("outputs.model"), outputs=MODEL)
    served = service(source=ir.ModelSource(kind="output", step="training", output="model"))
    assert codes(check_outputs, project(trained, registration())) == []
    assert codes(check_outputs, project(trained, services=(served,))) == []
    assert codes(check_outputs, project(trained)) == ["STEP003"]


def test_a_log_that_names_an_output_in_plain_json_reads_it() -> None:
    logs = service(extra=(("adapters", {"a": "${steps.a.outputs.table}"}),))
    assert codes(check_outputs, project(writer("make", ref("outputs.table")), services=(logs,))) == []


def test_without_a_final_training_the_trial_writes_its_outputs() -> None:
    trial = training("train", outputs=MODEL)
    finding = only(check_outputs, project(search(trial=trial, retrain=False), registration()))
    assert (finding.code, finding.at.path) == ("STEP002", ("training", "outputs", "model"))


def test_with_a_final_training_only_that_is_looked_at() -> None:
    trained = training("train", ref("outputs.model"), outputs=MODEL)
    assert codes(check_outputs, project(search(), trained, registration())) == []


def test_a_step_that_no_pipeline_runs_is_an_error() -> None:
    program = project(task("steps.a"), task("steps.b"), pipelines=(pipeline("main", "steps.a"),))
    finding = only(check_reach, program)
    assert (finding.code, finding.severity) == ("STEP001", "error")
    assert finding.at.path == ("steps", "b")
    assert finding.related[0].path == ("pipelines", "main", "run")


def test_two_pipelines_together_reach_every_step() -> None:
    both = (pipeline("one", "steps.a"), pipeline("two", "steps.b"))
    assert codes(check_reach, project(task("steps.a"), task("steps.b"), pipelines=both)) == []


def test_what_follows_from_an_unreached_step_is_not_said_again() -> None:
    judged = task("evaluation", origin=origin("evaluation"))
    program = project(task("steps.a"), judged, gates(), search(), training(), pipelines=(pipeline("main", "steps.a"),))
    assert [finding.at.path for finding in check_reach(program)] == [("evaluation",), ("training",)]


def test_a_registration_outside_every_pipeline_is_found() -> None:
    assert place(check_reach, project(training(), registration(), pipelines=(pipeline("m", "training"),))) == (
        "registry",
    )
