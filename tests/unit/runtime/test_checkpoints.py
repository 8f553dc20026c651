"""Checkpoints: a program that was interrupted goes on where it was, whoever starts it again."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

TRAIN = """
    import os, signal, sys
    path = os.path.join(os.environ["MLWRIGHT_CHECKPOINT_DIR"], "epoch")
    began = int(open(path).read()) if os.path.exists(path) else 0
    for epoch in range(began, 6):
        if epoch == int(os.environ.get("DIES", "-1")) and began == 0:
            os.kill(os.getppid() if os.environ.get("WITH_ALL") else os.getpid(), signal.SIGKILL)
            sys.exit(1)
        open(path, "w").write(str(epoch + 1))
    print("began=%d" % began)
"""
METRICS = {"began": {"goal": None, "pattern": "began=([0-9]+)", "reduce": "last"}}


@pytest.fixture
def training(pipeline: Any) -> Any:
    """A step of six epochs that keeps its state in a folder."""

    def document(**fields: Any) -> Any:
        kept = {"path": [str(pipeline.folder / "kept")], "resume": fields.pop("resume", False)}
        return pipeline.document("train", program=TRAIN, metrics=METRICS, checkpoints=kept, **fields)

    return document


def began(pipeline: Any) -> float:
    """The epoch that the run which ended well began with."""
    runs = pipeline.runs(step="steps.train", run=pipeline.run)
    (run,) = [each for each in runs if each["status"] == "FINISHED"]
    return float(run["metrics"]["began"])


def test_another_attempt_goes_on_where_the_last_was(pipeline: Any, training: Any) -> None:
    ended = pipeline.launch(training(retries={"limit": 1, "backoff": 0}), DIES="4")
    assert ended.code == 0, ended.err
    assert began(pipeline) == 4


def test_a_pod_that_takes_the_place_of_a_killed_one_goes_on_where_it_was(pipeline: Any, training: Any) -> None:
    assert pipeline.launch(training(), DIES="3", WITH_ALL="1").code == -9
    ended = pipeline.launch(training())
    assert ended.code == 0, ended.err
    assert began(pipeline) == 3


def test_a_later_run_starts_anew_unless_it_is_to_resume(pipeline: Any, training: Any) -> None:
    seen = []
    for resume in (False, True):
        for _ in range(2):
            pipeline.run = uuid.uuid4().hex
            assert pipeline.launch(training(resume=resume)).code == 0
            seen.append(began(pipeline))
    assert seen == [0, 0, 0, 6]


def test_all_nodes_have_one_folder(pipeline: Any) -> None:
    kept = {"path": [str(pipeline.folder / "kept")], "resume": False}
    plan = {"nodes": 2, "processes_per_node": 1, "launcher": "none", "max_restarts": 0}
    command = {"argv": [["sh"], ["-c"], ["echo $MLWRIGHT_CHECKPOINT_DIR"]]}
    document = pipeline.document("train", command=command, checkpoints=kept, distributed=plan)
    places = {pipeline.launch(document, JOB_COMPLETION_INDEX=index).out for index in ("1", "0")}
    assert len(places) == 1


def test_an_object_store_is_an_address_which_nobody_makes_a_folder_of(pipeline: Any) -> None:
    kept = {"path": ["s3://acme-ml/kept/"], "resume": True}
    command = {"argv": [["sh"], ["-c"], ["echo $MLWRIGHT_CHECKPOINT_DIR"]]}
    ended = pipeline.launch(pipeline.document("train", command=command, checkpoints=kept))
    assert ended.out.strip() == b"s3://acme-ml/kept/steps.train"
    assert not any("s3" in path.name for path in pipeline.folder.iterdir())
