"""Conditions, skipping, failure edges, waiting by tags, items."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

RUNTIME = Path(__file__).parents[3] / "compiler" / "mlwright" / "runtime"

TRUE = {"argv": [["true"]]}


def values(pipeline: Any) -> dict[str, Any]:
    """Runs a step with value outputs and a metric; the inputs of a document that refers to them."""
    script = 'echo 5 > "$MLWRIGHT_OUTPUT_ROWS"; printf a > "$MLWRIGHT_OUTPUT_NAME"; echo auc=0.9; echo auc=0.7'
    outputs = {"rows": {"type": "int"}, "name": {"type": "string"}}
    metrics = {"auc": {"goal": "maximize"}}
    made = pipeline.document("make", command={"script": script}, outputs=outputs, metrics=metrics)
    assert pipeline.launch(made).code == 0
    inputs = {
        f"steps.make.outputs.{n}": {"step": "steps.make", "output": n, "type": o["type"]} for n, o in outputs.items()
    }
    for how in ("last", "best"):
        inputs[f"steps.make.metrics.{how}"] = {"step": "steps.make", "metric": "auc", "reduce": how, "goal": "maximize"}
    return inputs


def ref(path: str) -> dict[str, str]:
    return {"ref": path}


def lit(value: Any) -> dict[str, Any]:
    return {"lit": value}


ROWS, NAME = ref("steps.make.outputs.rows"), ref("steps.make.outputs.name")


def test_conditions_are_typed_on_both_sides(pipeline: Any) -> None:
    inputs = values(pipeline)
    holds = [
        [">=", ROWS, lit(5)],
        ["==", NAME, lit("a")],
        ["!=", ROWS, lit("5")],
        ["in", NAME, lit(["a", "b"])],
        ["not", ["<", ROWS, lit(5)]],
        ["or", ["==", ROWS, lit(5)], ["==", ref("nothing.at.all"), lit(1)]],
        ["==", ref("steps.make.metrics.last"), lit(0.7)],
        ["==", ref("steps.make.metrics.best"), lit(0.9)],
        ["and", ref("params.on"), ["<=", lit(0.5), ref("params.lr")]],
    ]
    params = {"on": {"type": "bool", "default": True}, "lr": {"type": "float", "default": 0.5}}
    everything = pipeline.document("use", command=TRUE, inputs=inputs, params=params, when=["and", *holds])
    assert pipeline.launch(everything).status["status"] == "finished"


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (["<", lit("a"), lit(1)], 'when: cannot compare "a" < 1'),
        (["<", lit(True), lit(False)], "when: cannot compare true < false"),
        (lit(1), "when: 1 is neither true nor false"),
        (["in", lit("a"), lit(3)], "needs a list or a string"),
        (["~", lit(1), lit(1)], "unknown operator"),
    ],
)
def test_a_condition_without_a_meaning_is_refused(pipeline: Any, when: Any, said: str) -> None:
    ended = pipeline.launch(pipeline.document("use", command=TRUE, when=when))
    assert ended.code == 64
    assert said in ended.err


def test_a_skipped_step_exits_0_and_its_consumers_skip_unless_it_is_optional(pipeline: Any) -> None:
    first = pipeline.launch(pipeline.document("a", command={"argv": [["false"]]}, when=lit(False)))
    assert (first.code, first.status["status"]) == (0, "skipped")
    needs = [{"step": "steps.a", "optional": False}]
    second = pipeline.launch(pipeline.document("b", command={"argv": [["false"]]}, needs=needs))
    assert (second.code, second.status["reason"]) == (0, "steps.a was skipped")
    third = pipeline.launch(pipeline.document("c", command={"argv": [["false"]]}, needs=[{"step": "steps.b"}]))
    assert third.status["status"] == "skipped"
    optional = pipeline.document(
        "d",
        command={"script": 'printf "[%s]" "$MLWRIGHT_INPUT_A_X"'},
        needs=[{"step": "steps.a", "optional": True}],
        inputs={"steps.a.outputs.x": {"step": "steps.a", "output": "x", "type": "int"}},
    )
    fourth = pipeline.launch(optional)
    assert (fourth.status["status"], fourth.out) == ("finished", b"[]")
    for name in "abc":
        run = pipeline.only(step=f"steps.{name}")
        assert (run["status"], run["tags"]["mlwright.status"]) == ("FINISHED", "skipped")


@pytest.mark.parametrize(
    ("run_if", "upstream", "status"),
    [
        ("succeeded", 1, "skipped"),
        ("failed", 1, "finished"),
        ("failed", 0, "skipped"),
        ("always", 1, "finished"),
        ("always", 0, "finished"),
    ],
)
def test_run_if_looks_at_how_the_needed_steps_ended(pipeline: Any, run_if: str, upstream: int, status: str) -> None:
    pipeline.launch(pipeline.document("up", command={"script": f"exit {upstream}"}))
    document = pipeline.document(
        "notify", command={"argv": [["echo"], [ref("run.status")]]}, run_if=run_if, needs=[{"step": "steps.up"}]
    )
    ended = pipeline.launch(document)
    assert (ended.code, ended.status["status"]) == (0, status)
    if status == "finished":
        assert ended.out.decode().strip() == ("failed" if upstream else "succeeded")


def test_start_finish_and_waiting_steps_make_one_ended_run(pipeline: Any) -> None:
    head = {k: v for k, v in pipeline.document().items() if k not in ("step", "name")}
    start = head | {"kind": "start", "step": "run"}
    assert pipeline.launch(start, "root.py").code == 0
    finish = pipeline.start(head | {"kind": "finish", "step": "run", "nodes": ["steps.a", "steps.n"]}, "root.py")
    notify = pipeline.document(
        "n", command={"argv": [["echo"], [ref("run.status")]]}, run_if="failed", needs=[], wait=True
    )
    waiting = pipeline.start(notify)
    assert pipeline.launch(pipeline.document("a", command={"script": "exit 3"})).code == 3
    out, err = waiting.communicate(timeout=60)
    assert (waiting.returncode, out) == (0, b"failed\n"), err
    finish.communicate(timeout=60)
    assert finish.returncode == 1
    root = pipeline.only(kind="root")
    assert (root["status"], root["tags"]["mlwright.reason"]) == ("FAILED", "failed: steps.a")
    assert pipeline.launch(start, "root.py").code == 0
    assert pipeline.only(kind="root")["status"] == "RUNNING"


def test_a_wait_without_end_is_given_up(pipeline: Any) -> None:
    document = pipeline.document("w", command=TRUE, needs=[{"step": "steps.never"}], wait=True)
    ended = pipeline.launch(document, MLWRIGHT_WAIT="0.2")
    assert (ended.code, "waited 0.2 s for steps.never" in ended.err) == (124, True)


def test_items_are_runs_and_consumers_get_a_folder_of_them(pipeline: Any) -> None:
    script = 'printf "$MLWRIGHT_EACH_STORE" > "$MLWRIGHT_OUTPUT_T"; test "$MLWRIGHT_EACH_STORE" != bad'
    loop = pipeline.document(
        "each",
        command={"script": script},
        params={"stores": {"type": "json", "default": ["berlin", "são paulo"]}},
        outputs={"t": {"type": "dataset"}},
        for_each={"keys": {"store": ref("params.stores")}, "max_parallel": 2},
    )
    assert pipeline.launch(loop).code == 0
    assert len(pipeline.runs(step="steps.each")) == 2
    inputs = {"steps.each.outputs.t": {"step": "steps.each", "output": "t", "type": "dataset"}}
    use = pipeline.document("use", command={"script": 'cd "$MLWRIGHT_INPUT_EACH_T"; cat *; ls | wc -l'}, inputs=inputs)
    assert pipeline.launch(use).out.decode() == "berlinsão paulo2\n"
    failed = pipeline.launch(loop, MLWRIGHT_PARAM_STORES='["berlin", "bad"]')
    assert failed.code == 1
    assert failed.status["reason"] == '1 of 2 items failed, first {"store":"bad"}'


def test_one_item_of_a_compile_time_list_is_one_launch(pipeline: Any) -> None:
    document = pipeline.document("one", command={"argv": [["echo"], [ref("each.store")]]}, each={"store": "oslo"})
    assert pipeline.launch(document).out == b"oslo\n"
    assert json.loads(pipeline.only(step="steps.one")["tags"]["mlwright.item"]) == {"store": "oslo"}


@pytest.mark.parametrize(("stores", "code", "status"), [("[]", 0, "skipped"), ('"x"', 64, "failed")])
def test_a_loop_needs_a_list_with_items(pipeline: Any, stores: str, code: int, status: str) -> None:
    params = {"stores": {"type": "json"}}
    loop = {"keys": {"store": ref("params.stores")}, "max_parallel": 1}
    ended = pipeline.launch(
        pipeline.document("each", command=TRUE, params=params, for_each=loop), MLWRIGHT_PARAM_STORES=stores
    )
    assert (ended.code, ended.status["status"]) == (code, status)


def count(pipeline: Any, document: dict[str, Any], **env: str) -> subprocess.CompletedProcess[str]:
    """What `step.py items` says of a document."""
    words = [sys.executable, "-S", str(RUNTIME / "step.py"), "items", str(pipeline.write(document))]
    return subprocess.run(words, env=pipeline.env(**env), capture_output=True, text=True, timeout=100)


def test_an_engine_starts_a_container_for_each_item_and_finds_them_in_one_order(pipeline: Any) -> None:
    script = 'echo "[\\"berlin\\", \\"oslo\\"]" > "$MLWRIGHT_OUTPUT_STORES"'
    made = pipeline.document("make", command={"script": script}, outputs={"stores": {"type": "json"}})
    assert pipeline.launch(made).code == 0
    stores = "steps.make.outputs.stores"
    loop = pipeline.document(
        "each",
        command={"script": 'printf "$MLWRIGHT_EACH_STORE $MLWRIGHT_EACH_DAY" > "$MLWRIGHT_OUTPUT_T"'},
        inputs={stores: {"step": "steps.make", "output": "stores", "type": "json"}},
        outputs={"t": {"type": "dataset"}},
        for_each={"keys": {"store": ref(stores), "day": [1, 2]}, "max_parallel": 2},
    )
    assert (count(pipeline, loop).stdout, pipeline.runs(step="steps.each")) == ("4\n", [])
    for index in "2130":
        assert pipeline.launch(loop, MLWRIGHT_ITEM=index, JOB_COMPLETION_INDEX=index).code == 0
    said = [run["tags"]["mlwright.item"] for run in pipeline.runs(step="steps.each")]
    days_first = [(2, "berlin"), (1, "oslo"), (2, "oslo"), (1, "berlin")]
    assert said == [f'{{"day":{day},"store":"{store}"}}' for day, store in days_first]
    inputs = {"steps.each.outputs.t": {"step": "steps.each", "output": "t", "type": "dataset"}}
    use = pipeline.document("use", command={"script": 'cd "$MLWRIGHT_INPUT_EACH_T"; cat *; ls | wc -l'}, inputs=inputs)
    assert pipeline.launch(use).out.decode() == "berlin 1oslo 1berlin 2oslo 24\n"
    assert pipeline.launch(loop, MLWRIGHT_ITEM="0").status["status"] == "cached"


def test_a_loop_that_is_skipped_has_no_items_to_start_and_says_so_to_its_consumers(pipeline: Any) -> None:
    pipeline.launch(pipeline.document("up", command=TRUE, when=lit(False)))
    loop = {"keys": {"store": ["oslo"]}, "max_parallel": 1}
    skipped = pipeline.document("each", command=TRUE, for_each=loop, needs=[{"step": "steps.up"}])
    assert count(pipeline, skipped).stdout == "0\n"
    assert pipeline.only(step="steps.each")["tags"]["mlwright.status"] == "skipped"
    after = pipeline.document("after", command=TRUE, needs=[{"step": "steps.each"}])
    assert pipeline.launch(after).status["status"] == "skipped"


def test_items_that_cannot_be_counted_fail_the_step(pipeline: Any) -> None:
    loop = {"keys": {"store": ref("params.stores")}, "max_parallel": 1}
    document = pipeline.document("each", command=TRUE, params={"stores": {"type": "json"}}, for_each=loop)
    wrong = count(pipeline, document, MLWRIGHT_PARAM_STORES='"x"')
    assert (wrong.returncode, wrong.stdout) == (64, "")
    assert "for_each.store must be a list" in wrong.stderr
    assert pipeline.only(step="steps.each")["status"] == "FAILED"


def test_an_engine_asks_whether_a_step_without_items_starts_at_all(pipeline: Any) -> None:
    assert count(pipeline, pipeline.document("goes", command=TRUE, when=lit(True))).stdout == "1\n"
    assert count(pipeline, pipeline.document("stays", command=TRUE, when=lit(False))).stdout == "0\n"
    assert pipeline.only(step="steps.stays")["tags"]["mlwright.status"] == "skipped"
    assert pipeline.runs(step="steps.goes") == []
    wrong = count(pipeline, pipeline.document("unclear", command=TRUE, when=lit("perhaps")))
    assert (wrong.returncode, "neither true nor false" in wrong.stderr) == (64, True)
    assert pipeline.only(step="steps.unclear")["status"] == "FAILED"


@pytest.mark.parametrize("index", ["2", "-1", "", "x", "²"])
def test_an_item_that_is_not_there_is_refused(pipeline: Any, index: str) -> None:
    loop = {"keys": {"store": ["oslo", "bergen"]}, "max_parallel": 1}
    ended = pipeline.launch(pipeline.document("each", command=TRUE, for_each=loop), MLWRIGHT_ITEM=index)
    assert (ended.code, "MLWRIGHT_ITEM must be a whole number below 2" in ended.err) == (64, True)
    assert pipeline.only(step="steps.each")["status"] == "FAILED"


def test_an_item_of_a_step_without_items_is_refused(pipeline: Any) -> None:
    ended = pipeline.launch(pipeline.document("single", command=TRUE), MLWRIGHT_ITEM="0")
    assert (ended.code, "the step has no for_each" in ended.err) == (64, True)


def head(pipeline: Any, kind: str) -> dict[str, Any]:
    """The document of a program that opens or closes the run."""
    fields = pipeline.document()
    return {key: fields[key] for key in ("version", "experiment", "project")} | {"kind": kind, "step": "run"}


def test_who_needs_a_step_that_never_starts_is_told_and_the_run_ends(pipeline: Any) -> None:
    """`b` comes after `a`, which fails: Compose never starts it, so no run of it ever appears."""
    nodes = [
        {"step": "steps.a", "needs": []},
        {"step": "steps.b", "needs": ["steps.a"]},
        {"step": "steps.n", "needs": []},
    ]
    assert pipeline.launch(head(pipeline, "start"), "root.py").code == 0
    finish = pipeline.start(head(pipeline, "finish") | {"nodes": nodes}, "root.py")
    notify = pipeline.start(
        pipeline.document(
            "n",
            command={"argv": [["echo"], [ref("run.status")]]},
            run_if="failed",
            needs=[{"step": "steps.b"}],
            wait=True,
        )
    )
    assert pipeline.launch(pipeline.document("a", command={"script": "exit 3"})).code == 3
    out, err = notify.communicate(timeout=60)
    assert (notify.returncode, out) == (0, b"failed\n"), err
    finish.communicate(timeout=60)
    assert finish.returncode == 1
    assert pipeline.only(kind="root")["tags"]["mlwright.reason"] == "failed: steps.a"
    assert pipeline.runs(step="steps.b") == []


def test_a_resumed_run_forgets_which_steps_never_started(pipeline: Any) -> None:
    start = head(pipeline, "start")
    finish = head(pipeline, "finish") | {"nodes": [{"step": "steps.a"}, {"step": "steps.b", "needs": ["steps.a"]}]}
    pipeline.launch(start, "root.py")
    pipeline.launch(pipeline.document("a", command={"script": "exit 3"}))
    assert pipeline.launch(finish, "root.py").code == 1
    pipeline.launch(start, "root.py")
    waiting = pipeline.document("n", command=TRUE, run_if="always", needs=[{"step": "steps.b"}], wait=True)
    assert pipeline.launch(waiting, MLWRIGHT_WAIT="0.2").code == 124


def test_what_comes_after_a_step_that_waits_for_the_run_is_not_waited_for_before(pipeline: Any) -> None:
    nodes = [{"step": "steps.n", "closing": True}, {"step": "steps.report", "needs": ["steps.n"], "closing": True}]
    pipeline.launch(head(pipeline, "start"), "root.py")
    finish = pipeline.start(head(pipeline, "finish") | {"nodes": nodes}, "root.py")
    closing = pipeline.document("n", command=TRUE, run_if="always", needs=[], wait=True)
    assert pipeline.launch(closing, MLWRIGHT_WAIT="30").code == 0
    assert pipeline.launch(pipeline.document("report", command=TRUE, needs=[{"step": "steps.n"}])).code == 0
    finish.communicate(timeout=60)
    assert finish.returncode == 0


def test_a_launcher_that_is_killed_outright_has_failed_and_a_silent_one_has_not(pipeline: Any) -> None:
    """Nobody closes the run of a container that the kernel or Docker killed: it stays RUNNING, but its heart stops."""
    pipeline.environment = {"MLWRIGHT_BEAT": "0.3"}
    pipeline.launch(head(pipeline, "start"), "root.py")
    silent = pipeline.start(pipeline.document("silent", command={"argv": [["sleep"], ["12"]]}))
    killed = pipeline.start(pipeline.document("killed", command={"argv": [["sleep"], ["5"]]}))
    deadline = time.monotonic() + 30
    while not any("mlwright.heartbeat" in run["tags"] for run in pipeline.runs(step="steps.killed")):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    killed.kill()
    killed.communicate(timeout=30)
    finish = head(pipeline, "finish") | {"nodes": ["steps.silent", "steps.killed"]}
    assert pipeline.launch(finish, "root.py").code == 1
    silent.communicate(timeout=60)
    assert silent.returncode == 0
    run = pipeline.only(step="steps.killed")
    assert (run["status"], run["tags"]["mlwright.reason"]) == ("FAILED", "its launcher went away")
    assert pipeline.only(step="steps.silent")["status"] == "FINISHED"
    assert pipeline.only(kind="root")["tags"]["mlwright.reason"] == "failed: steps.killed"


def test_items_that_wait_for_a_failed_one_are_given_up(pipeline: Any) -> None:
    pipeline.environment = {"MLWRIGHT_BEAT": "0.1"}
    pipeline.launch(head(pipeline, "start"), "root.py")
    item = pipeline.document("each", command={"argv": [["false"]]}, each={"store": "oslo"})
    assert pipeline.launch(item).code == 1
    finish = head(pipeline, "finish") | {"nodes": [{"step": "steps.each", "items": 3}]}
    assert pipeline.launch(finish, "root.py").code == 1
