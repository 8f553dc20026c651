"""The run contract: however the user's program uses MLflow, one run of the right status remains per attempt."""

from __future__ import annotations

import json
import signal
import time
from typing import Any

import pytest

# (program that imports mlflow, exit code, status of the step's run, its metrics)
TABLE = {
    "a with block": ("with mlflow.start_run():\n    mlflow.log_metric('m', 1)", 0, "FINISHED"),
    "two runs in one process": (
        "for name in 'mn':\n    with mlflow.start_run():\n        mlflow.log_metric(name, 1)",
        0,
        "FINISHED",
    ),
    "no with block, exit 3": ("mlflow.start_run()\nmlflow.log_metric('m', 1)\nraise SystemExit(3)", 3, "FAILED"),
    "kill -9": ("mlflow.start_run()\nmlflow.log_metric('m', 1)\nimport os\nos.kill(os.getpid(), 9)", 137, "FAILED"),
    "an own experiment": ("mlflow.set_experiment('other')\nmlflow.start_run()", 1, "FAILED"),
    "parameters that the launcher knows": (
        "with mlflow.start_run():\n  mlflow.log_params({'flag': True, 'names': ['a']})\n  mlflow.log_metric('m', 1)",
        0,
        "FINISHED",
    ),
}


@pytest.mark.parametrize("case", TABLE)
def test_a_program_with_mlflow_leaves_one_run_of_the_right_status(pipeline: Any, case: str) -> None:
    program, code, status = TABLE[case]
    params = {"flag": {"type": "bool", "default": True}, "names": {"type": "json", "default": ["a"]}}
    ended = pipeline.launch(pipeline.document("train", program="import mlflow\n" + program, params=params))
    assert ended.code == code, ended.err
    run = pipeline.only(step="steps.train")
    assert run["status"] == status
    root = pipeline.only(kind="root")
    assert run["tags"]["mlflow.parentRunId"] == root["id"]
    strays = [r for r in pipeline.runs() if r["id"] not in (run["id"], root["id"])]
    assert all(r["tags"]["mlflow.parentRunId"] == run["id"] for r in strays)
    assert all(r["status"] != "RUNNING" for r in strays)
    assert len(strays) == (1 if case == "two runs in one process" else 0)
    if case != "an own experiment":
        assert run["metrics"] == {"m": 1}


def test_a_program_without_mlflow_has_a_finished_run_with_its_metrics_and_parameters(pipeline: Any) -> None:
    metrics = {"auc": {"goal": "maximize", "pattern": r"auc: (\S+)", "reduce": "best"}}
    document = pipeline.document("plain", program="print('auc: 0.7')", metrics=metrics, params={"x": _int(3)})
    ended = pipeline.launch(document, MLWRIGHT_GIT_REVISION="c0ffee")
    assert (ended.code, ended.out) == (0, b"auc: 0.7\nauc=0.7\n")
    run = pipeline.only(step="steps.plain")
    assert (run["status"], run["metrics"], run["params"], run["name"]) == (
        "FINISHED",
        {"auc": 0.7},
        {"x": "3"},
        "plain",
    )
    expected = {"kind": "step", "attempt": "1", "spec_digest": "ab12", "environment": "local", "git_revision": "c0ffee"}
    assert {f"mlwright.{k}": v for k, v in expected.items()}.items() <= run["tags"].items()
    assert ended.status["metrics"] == {"auc": 0.7}
    assert (ended.status["status"], ended.status["run_id"], ended.status["attempts"]) == ("finished", run["id"], 1)


def test_a_run_of_the_platform_is_adopted(pipeline: Any) -> None:
    adopted = pipeline.make_run({"mlwright.run": "", "platform": "kfp"}, status="RUNNING")
    ended = pipeline.launch(pipeline.document("a", command={"script": "exit 4"}), MLFLOW_RUN_ID=adopted)
    assert ended.code == 4
    run = pipeline.only(step="steps.a")
    assert (run["id"], run["status"], run["tags"]["mlwright.run"]) == (adopted, "FAILED", pipeline.run)


def test_only_one_of_experiment_name_and_id_reaches_the_program(pipeline: Any) -> None:
    script = 'env | grep MLFLOW_EXPERIMENT > "$MLWRIGHT_OUTPUT_ENV"'
    document = pipeline.document("e", command={"script": script}, outputs={"env": {"type": "string"}})
    assert pipeline.launch(document, MLFLOW_EXPERIMENT_ID="0").code == 0
    shown = json.loads(pipeline.only(step="steps.e")["tags"]["mlwright.output.env"])["value"]
    assert shown == f"MLFLOW_EXPERIMENT_NAME={pipeline.experiment}"


def test_steps_that_start_together_agree_on_one_root_run(pipeline: Any) -> None:
    names = ["a", "b", "c", "d"]
    started = [pipeline.start(pipeline.document(n, command={"argv": [["true"]]})) for n in names]
    for process in started:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, (out, err)
    root = pipeline.only(kind="root")
    assert {r["tags"]["mlflow.parentRunId"] for r in pipeline.runs(kind="step")} == {root["id"]}


def test_retries_are_new_runs_and_the_last_one_counts(pipeline: Any) -> None:
    mark = pipeline.folder / "again"
    script = f'test -e {mark} || {{ touch {mark}; exit 5; }}; echo hi > "$MLWRIGHT_OUTPUT_O"'
    document = pipeline.document(
        "flaky", command={"script": script}, outputs={"o": {"type": "file"}}, retries=_retries(2)
    )
    ended = pipeline.launch(document)
    assert (ended.code, ended.status["attempts"]) == (0, 2)
    first, second = pipeline.runs(step="steps.flaky")
    assert (first["status"], second["status"]) == ("FAILED", "FINISHED")
    assert (first["tags"]["mlwright.attempt"], second["tags"]["mlwright.attempt"]) == ("1", "2")
    assert first["tags"]["mlwright.reason"] == "the command exited with 5"


def test_retries_end_with_the_programs_own_exit_code(pipeline: Any) -> None:
    ended = pipeline.launch(pipeline.document("bad", command={"script": "exit 9"}, retries=_retries(1)))
    assert ended.code == 9
    assert [r["status"] for r in pipeline.runs(step="steps.bad")] == ["FAILED", "FAILED"]
    assert "mlwright.retrying" not in pipeline.runs(step="steps.bad")[1]["tags"]


def test_a_timeout_ends_the_program_and_its_children(pipeline: Any) -> None:
    script = f"(sleep 60; touch {pipeline.folder}/late) & trap '' TERM; while true; do sleep 0.1; done"
    document = pipeline.document("slow", command={"script": script}, timeout=0.5)
    begin = time.monotonic()
    ended = pipeline.launch(document, MLWRIGHT_GRACE="0.3")
    assert ended.code == 124
    assert time.monotonic() - begin < 10
    assert pipeline.only(step="steps.slow")["tags"]["mlwright.reason"] == "timed out after 0.5 s"


def test_sigterm_is_forwarded_and_the_run_is_killed(pipeline: Any) -> None:
    mark = pipeline.folder / "trapped"
    script = f"trap 'touch {mark}; exit 0' TERM; touch {pipeline.folder}/up; while true; do sleep 0.05; done"
    process = pipeline.start(pipeline.document("term", command={"script": script}, retries=_retries(3)))
    _until(lambda: (pipeline.folder / "up").exists())
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 143
    assert mark.exists()
    assert pipeline.only(step="steps.term")["status"] == "KILLED"


def test_sigterm_between_attempts_kills_too(pipeline: Any) -> None:
    document = pipeline.document("term", command={"script": "exit 1"}, retries=_retries(3, backoff=60.0))
    process = pipeline.start(document)
    assert process.stderr is not None
    assert b"again in 60 s" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 143
    assert pipeline.only(step="steps.term")["status"] == "KILLED"


def test_a_run_that_a_killed_launcher_left_open_is_closed_by_the_next(pipeline: Any) -> None:
    process = pipeline.start(pipeline.document("gone", command={"script": f"touch {pipeline.folder}/up; sleep 5"}))
    _until(lambda: (pipeline.folder / "up").exists())
    process.kill()
    process.communicate()
    assert pipeline.launch(pipeline.document("gone", command={"argv": [["true"]]})).code == 0
    assert [r["status"] for r in pipeline.runs(step="steps.gone")] == ["FAILED", "FINISHED"]


def test_a_background_process_does_not_hold_the_step_open(pipeline: Any) -> None:
    begin = time.monotonic()
    assert pipeline.launch(pipeline.document("bg", command={"script": "sleep 60 & echo done"})).code == 0
    assert time.monotonic() - begin < 10


def test_autologging_is_turned_on_when_the_library_is_imported(pipeline: Any) -> None:
    program = """
        from sklearn.linear_model import LogisticRegression
        model = LogisticRegression(C=0.5)
        model.fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
        model.fit([[0.0], [1.0], [2.0], [3.0]], [0, 1, 1, 1])
    """
    ended = pipeline.launch(pipeline.document("auto", program=program, autolog=["sklearn"], kind="trial", tuning="t"))
    assert ended.code == 0, ended.err
    run = pipeline.only(step="t.trial")
    assert run["params"]["C"] == "0.5"
    assert run["status"] == "FINISHED"
    (stray,) = (r for r in pipeline.runs() if r["tags"].get("mlwright.kind") == "nested")
    assert stray["tags"]["mlflow.parentRunId"] == run["id"]


def test_autologging_of_a_step_keeps_the_model_too(pipeline: Any) -> None:
    program = """
        from sklearn.linear_model import LogisticRegression
        LogisticRegression(C=0.5).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    """
    ended = pipeline.launch(pipeline.document("auto", program=program, autolog=["sklearn"]))
    assert ended.code == 0, ended.err
    run = pipeline.only(step="steps.auto")
    assert run["metrics"]["training_accuracy_score"] == 1.0
    number = pipeline.rest("GET", "runs/get", run_id=run["id"])["run"]["info"]["experiment_id"]
    (model,) = pipeline.rest("POST", "logged-models/search", {"experiment_ids": [number]})["models"]
    assert (model["info"]["source_run_id"], model["info"]["status"]) == (run["id"], "LOGGED_MODEL_READY")


def test_autologging_chains_to_the_images_own_sitecustomize(pipeline: Any) -> None:
    own = pipeline.folder / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("import builtins\nbuiltins.mark = 'ours'\n")
    document = pipeline.document("site", program="print(mark)", autolog=["xgboost"])
    ended = pipeline.launch(document, PYTHONPATH=str(own))
    assert (ended.code, ended.out) == (0, b"ours\n"), ended.err


def _int(value: int) -> dict[str, Any]:
    return {"type": "int", "default": value}


def _retries(limit: int, backoff: float = 0.05) -> dict[str, Any]:
    return {"limit": limit, "backoff": backoff, "factor": 2.0, "max_backoff": 1.0}


def _until(true: Any, limit: float = 20.0) -> None:
    end = time.monotonic() + limit
    while not true():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)
