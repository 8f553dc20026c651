"""What Kubeflow Pipelines hands to a program and shows of it: exact values in, files out, nothing tried twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from executorinput import ExecutorInput, made_anew
from values import StepError

from mlwright.emit import json as texts
from mlwright.testing.programs import NAUGHTY

Json = dict[str, Any]
SHOW = {"argv": [["echo"], [{"ref": "params.x"}]]}
AGAIN = {"MLWRIGHT_NODE": "run-x.root.train(1).executor"}


def given(outputs: Json | None = None, **values: Any) -> str:
    """An executor input, as the engine's launcher writes it."""
    names = {key.replace("mlwright_", "mlwright-"): value for key, value in values.items()}
    return json.dumps({"inputs": {"parameterValues": names}, "outputs": outputs or {}})


@pytest.fixture
def start(pipeline: Any) -> Any:
    """Start a program on an inline document, as the compiled pipeline does."""

    def starts(document: Json, executor_input: str, *verb: str, program: str = "step.py", **env: str) -> Any:
        words = [*verb, texts.inert(document), "--executor-input", executor_input]
        return pipeline.program(program, *words, **env)

    return starts


def declared(**kinds: str) -> Json:
    return {"params": {name: {"type": kind} for name, kind in kinds.items()}}


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("int", 10.0, "10"),
        ("int", 10, "10"),
        ("int", -(2.0**53), "-9007199254740992"),
        ("float", 1e-05, "1e-05"),
        ("float", 3, "3.0"),
        ("float", 0.1, "0.1"),
        ("bool", True, "true"),
        ("bool", False, "false"),
        ("string", "10", "10"),
        ("json", '[1.0,{"a":[]}]', '[1.0,{"a":[]}]'),
        ("int", "9007199254740993", "9007199254740993"),
        ("int", 1.5, "1.5"),
        *(("string", text, text) for text in NAUGHTY),
    ],
)
def test_a_value_arrives_as_its_declared_type_has_it(kind: str, value: Any, text: str) -> None:
    found = ExecutorInput(given(x=value)).variables(declared(x=kind))
    assert found == {"MLWRIGHT_PARAM_X": text}


def test_what_is_not_given_is_left_to_the_document() -> None:
    assert ExecutorInput(given(x=None)).variables(declared(x="int")) == {}
    assert ExecutorInput("{}").variables({}) == {}


def test_the_parameters_of_an_operator_are_those_of_the_step_inside() -> None:
    for inside in ({"document": declared(x="float")}, {"trial": declared(x="float")}):
        assert ExecutorInput(given(x=1)).variables(inside) == {"MLWRIGHT_PARAM_X": "1.0"}


@pytest.mark.parametrize(("state", "word"), [("SUCCEEDED", "Succeeded"), ("FAILED", "Failed"), ("CANCELLED", "Error")])
def test_the_engine_says_which_run_and_item_it_is_and_how_the_rest_ended(state: str, word: str) -> None:
    told = given(mlwright_run="r1", mlwright_item="2", mlwright_status={"state": state}, mlwright_event='{"a":1}')
    found = ExecutorInput(told).variables({})
    assert found == {
        "MLWRIGHT_RUN": "r1",
        "MLWRIGHT_ITEM": "2",
        "MLWRIGHT_STATUS": word,
        "MLWRIGHT_EVENT": '{"a":1}',
    }


@pytest.mark.parametrize("text", ["", "{{$}}", "[]", "7", '{"inputs": [1]}', '{"inputs": {"parameterValues": 7}}'])
def test_what_is_no_executor_input_is_refused(text: str) -> None:
    with pytest.raises(StepError, match="--executor-input must be Kubeflow's executor input"):
        ExecutorInput(text)


def test_a_whole_number_that_a_double_cannot_hold_is_refused() -> None:
    with pytest.raises(StepError, match=r"params\.x: Kubeflow Pipelines changes whole numbers above 2\^53"):
        ExecutorInput(given(x=2.0**60)).variables(declared(x="int"))


@pytest.mark.parametrize(
    ("node", "anew"),
    [
        ("", False),
        ("run-x.root.train(0).executor", False),
        ("run-x.root.loop.iterations(3:3).one", False),
        ("run-x.root.loop.iterations(3:3).one(2)", True),
        ("run-x.root.train(10)", True),
    ],
)
def test_a_pod_knows_whether_it_is_the_first(node: str, anew: bool) -> None:
    assert made_anew({"MLWRIGHT_NODE": node}) is anew


def test_a_step_runs_from_an_inline_document(pipeline: Any, start: Any) -> None:
    document = pipeline.document("show", command=SHOW, **declared(x="string"))
    ended = start(document, given(mlwright_run=pipeline.run, x="a $(HOME) {{$}} 'q\" \\ \n"))
    assert ended.out.decode() == "a $(HOME) {{$}} 'q\" \\ \n\n", ended.err
    assert pipeline.only(step="steps.show")["status"] == "FINISHED"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["{", "--executor-input", "{}"], "cannot read the step document given as an argument"),
        (["{}", "--executor-input", "{}"], "the argument is not a step document of version 1"),
        (["{}", "--executor", "{}"], "usage:"),
        (["{}", "--executor-input"], "usage:"),
    ],
)
def test_wrong_words_are_told_in_one_line(pipeline: Any, words: list[str], said: str) -> None:
    ended = pipeline.program("step.py", *words)
    assert (ended.code, said in ended.err, "Traceback" in ended.err) == (64, True, False), ended.err


def wanted(folder: Path) -> Json:
    def artifact(title: str) -> Json:
        return {"artifacts": [{"name": "n", "uri": "minio://x", "type": {"schemaTitle": title}, "metadata": {}}]}

    return {
        "parameters": {name: {"outputFile": str(folder / name / "data")} for name in ("rows", "note")},
        "artifacts": {"metrics": artifact("system.Metrics"), "table": artifact("system.Dataset")},
        "outputFile": str(folder / "meta" / "output.json"),
    }


PROGRAM = """
import sys
open(sys.argv[1], "w").write("12"), open(sys.argv[2], "w").write("a b"), open(sys.argv[3], "w").write("x")
print("auc=0.5"), print("auc=0.75")
"""


def making(pipeline: Any, **more: Any) -> Json:
    return dict(
        pipeline.document(
            "make",
            program=PROGRAM,
            args=[[{"ref": f"outputs.{name}"}] for name in ("rows", "note", "table")],
            outputs={"rows": {"type": "int"}, "note": {"type": "string"}, "table": {"type": "dataset"}},
            metrics={"auc": {"goal": "maximize", "pattern": "auc=([0-9.]+)", "reduce": "best"}},
            **more,
        )
    )


def shown(folder: Path) -> tuple[str, str, Mapping[str, Any]]:
    answer = json.loads((folder / "meta" / "output.json").read_text())
    found = {name: one["artifacts"][0]["metadata"] for name, one in answer["artifacts"].items()}
    return (folder / "rows" / "data").read_text(), (folder / "note" / "data").read_text(), found


def test_values_metrics_and_addresses_are_shown(pipeline: Any, start: Any, tmp_path: Path) -> None:
    ended = start(making(pipeline), given(wanted(tmp_path), mlwright_run=pipeline.run))
    assert ended.code == 0, ended.err
    rows, note, artifacts = shown(tmp_path)
    run = pipeline.only(step="steps.make")["id"]
    assert (rows, note, artifacts["metrics"]) == ("12", "a b", {"auc": 0.75})
    assert artifacts["table"] == {"mlflow_run": run, "mlflow_artifact": f"runs:/{run}/mlwright/outputs/table"}


def test_a_skipped_step_leaves_empty_values_for_an_engine_that_wants_files(
    pipeline: Any, start: Any, tmp_path: Path
) -> None:
    document = making(pipeline, when={"lit": False})
    ended = start(document, given(wanted(tmp_path), mlwright_run=pipeline.run))
    assert (ended.code, shown(tmp_path)[:2]) == (0, ("", ""))


def test_a_failed_step_shows_nothing(pipeline: Any, start: Any, tmp_path: Path) -> None:
    document = pipeline.document("bad", command={"argv": [["false"]]})
    assert start(document, given(wanted(tmp_path), mlwright_run=pipeline.run)).code == 1
    assert not list(tmp_path.rglob("data"))


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({}, "yes"),
        ({"when": {"lit": False}}, "no"),
        ({"for_each": {"keys": {"a": [1, 2, 3]}, "max_parallel": 0}}, '["0","1","2"]'),
        ({"for_each": {"keys": {"a": []}, "max_parallel": 0}}, "[]"),
    ],
)
def test_what_is_to_start_is_an_output(pipeline: Any, start: Any, tmp_path: Path, fields: Json, answer: str) -> None:
    document = pipeline.document("ask", command={"argv": [["true"]]}, **fields)
    outputs = {"parameters": {"Output": {"outputFile": str(tmp_path / "answer")}}}
    ended = start(document, given(outputs, mlwright_run=pipeline.run), "items")
    assert (ended.code, (tmp_path / "answer").read_text()) == (0, answer), ended.err


def test_what_failed_by_itself_is_not_tried_again_by_the_engine(pipeline: Any, start: Any, tmp_path: Path) -> None:
    document = pipeline.document("bad", program=f"open({str(tmp_path / 'n')!r}, 'a').write('x'); raise SystemExit(3)")
    for env in ({}, AGAIN, AGAIN):
        assert start(document, given(mlwright_run=pipeline.run), **env).code != 0
    assert (tmp_path / "n").read_text() == "x"


def test_a_person_may_try_again_what_failed(pipeline: Any, start: Any, tmp_path: Path) -> None:
    document = pipeline.document("bad", program=f"open({str(tmp_path / 'n')!r}, 'a').write('x'); raise SystemExit(3)")
    for _ in range(2):
        start(document, given(mlwright_run=pipeline.run))
    assert (tmp_path / "n").read_text() == "xx"


def test_a_lost_pod_is_made_anew_and_runs(pipeline: Any, start: Any) -> None:
    pipeline.make_run({"mlwright.kind": "step", "mlwright.step": "steps.lost"}, status="RUNNING")
    document = pipeline.document("lost", command={"argv": [["true"]]})
    assert start(document, given(mlwright_run=pipeline.run), **AGAIN).code == 0


def test_a_killed_pod_is_made_anew_and_runs(pipeline: Any, start: Any) -> None:
    pipeline.make_run({"mlwright.kind": "step", "mlwright.step": "steps.gone"}, status="KILLED")
    document = pipeline.document("gone", command={"argv": [["true"]]})
    assert start(document, given(mlwright_run=pipeline.run), **AGAIN).code == 0
