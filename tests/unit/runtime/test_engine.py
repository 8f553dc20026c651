"""What engines do differently: parameters in files, a last program that waits for nothing, an outcome of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlwright.testing.programs import NAUGHTY

ECHO = {"argv": [["echo"], [{"ref": "params.x"}]]}


def head(pipeline: Any, kind: str, *nodes: str) -> dict[str, Any]:
    fields = pipeline.document()
    document = {key: fields[key] for key in ("version", "experiment", "project")} | {"kind": kind, "step": "run"}
    return document | ({"nodes": list(nodes), "ended": True} if kind == "finish" else {})


def test_an_engine_that_ends_a_run_is_not_waited_for(pipeline: Any) -> None:
    pipeline.launch(head(pipeline, "start"), "root.py")
    pipeline.launch(pipeline.document("made", command={"argv": [["true"]]}))
    finish = head(pipeline, "finish", "steps.made", "steps.never")
    assert pipeline.launch(finish, "root.py", MLWRIGHT_STATUS="Succeeded").code == 0
    assert pipeline.only(kind="root")["status"] == "FINISHED"


def test_a_step_that_still_runs_at_the_end_has_lost_its_launcher(pipeline: Any) -> None:
    pipeline.launch(head(pipeline, "start"), "root.py")
    pipeline.make_run({"mlwright.kind": "step", "mlwright.step": "steps.lost"}, status="RUNNING")
    ended = pipeline.launch(head(pipeline, "finish", "steps.lost"), "root.py", MLWRIGHT_STATUS="Failed")
    assert (ended.code, "failed: steps.lost" in ended.err) == (1, True)
    assert pipeline.only(step="steps.lost")["status"] == pipeline.only(kind="root")["status"] == "FAILED"


@pytest.mark.parametrize("word", ["Failed", "Error"])
def test_what_only_the_engine_saw_fails_the_run_and_is_told_to_late_steps(pipeline: Any, word: str) -> None:
    pipeline.launch(head(pipeline, "start"), "root.py")
    late = pipeline.document("late", command={"argv": [["true"]]}, run_if="failed")
    assert pipeline.launch(late, MLWRIGHT_STATUS=word).status["status"] == "finished"
    assert pipeline.launch(head(pipeline, "finish", "steps.late"), "root.py", MLWRIGHT_STATUS=word).code == 1
    assert "before a step could say so" in pipeline.only(kind="root")["tags"]["mlwright.reason"]


def test_a_failure_that_a_later_step_handled_is_one_though_the_engine_is_content(pipeline: Any) -> None:
    pipeline.launch(head(pipeline, "start"), "root.py")
    pipeline.launch(pipeline.document("bad", command={"argv": [["false"]]}))
    finish = head(pipeline, "finish", "steps.bad")
    assert pipeline.launch(finish, "root.py", MLWRIGHT_STATUS="Succeeded").code == 1


def given(folder: Path, **texts: str) -> str:
    folder.mkdir()
    for name, text in texts.items():
        (folder / name.replace("__", "-")).write_bytes(text.encode())
    return str(folder)


def test_parameters_arrive_from_their_files_as_they_are(pipeline: Any, tmp_path: Path) -> None:
    texts = dict(enumerate([*NAUGHTY, "$(HOME) ends with a newline\n"]))
    document = pipeline.document(
        "show",
        program="import os, sys\nprint([os.fsencode(word) for word in sys.argv[1:]])",
        args=[[{"ref": f"params.p{number}"}] for number in texts],
        params={f"p{number}": {"type": "string", "default": "d"} for number in texts},
    )
    folder = given(tmp_path / "given", **{f"p{number}": text for number, text in texts.items()})
    ended = pipeline.launch(document, MLWRIGHT_PARAMETERS=folder)
    assert ended.out.decode() == f"{[text.encode() for text in texts.values()]}\n", ended.err


def test_a_variable_wins_over_a_file_and_a_file_over_the_default(pipeline: Any, tmp_path: Path) -> None:
    document = pipeline.document("echo", command=ECHO, params={"x": {"type": "int", "default": 1}})
    folder = given(tmp_path / "given", x="2", other="unused")
    assert pipeline.launch(document, MLWRIGHT_PARAMETERS=folder).out == b"2\n"
    assert pipeline.launch(document, MLWRIGHT_PARAMETERS=folder, MLWRIGHT_PARAM_X="3").out == b"3\n"


def test_the_event_that_started_a_run_arrives_in_a_file_too(pipeline: Any, tmp_path: Path) -> None:
    document = pipeline.document("echo", command={"argv": [["echo"], [{"ref": "event.body.rows"}]]})
    folder = given(tmp_path / "given", mlwright__event='{"rows": 7}')
    assert pipeline.launch(document, MLWRIGHT_PARAMETERS=folder).out == b"7\n"


@pytest.mark.parametrize(("text", "says"), [("two", "x must be a whole number"), (None, "cannot read the parameters")])
def test_a_parameter_that_cannot_be_read_is_refused(pipeline: Any, tmp_path: Path, text: str, says: str) -> None:
    document = pipeline.document("echo", command=ECHO, params={"x": {"type": "int", "default": 1}})
    folder = str(tmp_path / "nowhere") if text is None else given(tmp_path / "given", x=text)
    ended = pipeline.launch(document, MLWRIGHT_PARAMETERS=folder)
    assert (ended.code, says in ended.err) == (64, True), ended.err


def test_outputs_that_the_engine_carries_are_read_from_the_folder_of_their_step(pipeline: Any, tmp_path: Path) -> None:
    """Each pod has a folder of its own; what it leaves there the engine puts before whoever reads it."""
    own, other = tmp_path / "outputs", tmp_path / "of-make"
    script = (
        'printf rows > "$MLWRIGHT_OUTPUT_TABLE"; mkdir "$MLWRIGHT_OUTPUT_TREE"; printf leaf > "$MLWRIGHT_OUTPUT_TREE/a"'
    )
    outputs = {"table": {"type": "dataset"}, "tree": {"type": "directory"}}
    store = {"type": "directory", "path": str(own), "inputs": {}}
    made = pipeline.document("make", command={"script": script}, outputs=outputs, artifacts=store)
    assert pipeline.launch(made).code == 0
    own.rename(other)
    inputs = {
        f"steps.make.outputs.{n}": {"step": "steps.make", "output": n, "type": o["type"]} for n, o in outputs.items()
    }
    words = [[{"ref": "steps.make.outputs.table"}], [{"ref": "steps.make.outputs.tree"}]]
    store = {"type": "mlflow", "inputs": {"steps.make": str(other)}}
    script = (
        "import pathlib, sys\nprint(open(sys.argv[1]).read(), *(p.name for p in pathlib.Path(sys.argv[2]).iterdir()))"
    )
    use = pipeline.document("use", program=script, args=words, inputs=inputs, artifacts=store)
    assert pipeline.launch(use).out == b"rows a\n"
    gone = pipeline.launch(
        pipeline.document("gone", command=use["command"], inputs=inputs, artifacts=store | {"inputs": {}})
    )
    assert (gone.code, "cannot be fetched" in gone.err) == (66, True)


def test_what_the_engine_does_not_carry_is_behind_the_tracking_server(pipeline: Any, tmp_path: Path) -> None:
    made = pipeline.document(
        "make", command={"script": 'printf x > "$MLWRIGHT_OUTPUT_T"'}, outputs={"t": {"type": "file"}}
    )
    assert pipeline.launch(made).code == 0
    inputs = {"steps.make.outputs.t": {"step": "steps.make", "output": "t", "type": "file"}}
    store = {"type": "directory", "path": str(tmp_path / "own"), "inputs": {}}
    use = pipeline.document("use", command={"script": 'cat "$MLWRIGHT_INPUT_MAKE_T"'}, inputs=inputs, artifacts=store)
    assert pipeline.launch(use).out == b"x"
