"""`examples/breast-cancer` on PostgreSQL and an S3 store, two trials at a time; then a database that dies at work."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from tests.e2e.compose.engine import Engine
from tests.e2e.compose.records import Records, records
from tests.e2e.compose.stack import Stack, stack, until

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(1800)]

_STORE = "import boto3, os; store = boto3.client('s3', endpoint_url=os.environ['MLFLOW_S3_ENDPOINT_URL'])"


@pytest.fixture(scope="module")
def up(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with stack(engine, tmp_path_factory.mktemp("team"), "breast-cancer", "team") as found:
        found.run("--build")
        yield found


@pytest.fixture
def known(up: Stack) -> Records:
    return records(up.tracking, "team")


def test_the_runs_are_nested_and_finished(known: Records) -> None:
    (root,) = known.of("root")
    (tuning,) = known.of("tuning")
    trials = known.of("trial")
    assert {run.info.status for run in known.runs()} == {"FINISHED"}
    assert {run.data.tags["mlflow.parentRunId"] for run in trials} == {tuning.info.run_id}
    outside = {run.info.run_id for run in (root, *trials)}
    inner = [run for run in known.runs() if run.info.run_id not in outside]
    assert {run.data.tags["mlflow.parentRunId"] for run in inner} == {root.info.run_id}
    assert sorted(int(run.data.tags["mlwright.trial"]) for run in trials) == list(range(10))


def test_every_trial_has_its_parameters_and_metrics_and_the_best_one_was_trained(known: Records) -> None:
    trials = known.of("trial")
    assert all({"learning_rate", "l2", "epochs"} <= run.data.params.keys() for run in trials)
    best = max(run.data.metrics["val_auc"] for run in trials if run.data.tags.get("mlwright.status") != "stopped")
    tuning, training = known.step("tuning"), known.step("training")
    assert tuning.data.metrics["best.val_auc"] == best
    for name in ("learning_rate", "l2"):
        assert training.data.params[name] == tuning.data.params[f"best.{name}"]
    assert len(known.client.get_metric_history(training.info.run_id, "val_auc")) == 20


def test_trials_ran_in_two_workers_at_once(up: Stack, known: Records) -> None:
    workers = up.containers("trial")
    assert len(workers) == 2
    said = [up.engine.docker("logs", worker["Id"]) for worker in workers]
    assert all("val_auc=" in text for text in said)
    spans = sorted((run.info.start_time, run.info.end_time) for run in known.of("trial"))
    assert any(later < end for (_, end), (later, _) in itertools.pairwise(spans)), spans


def test_the_gates_passed_and_one_version_has_both_aliases(known: Records) -> None:
    evaluation, gates = known.step("evaluation"), known.step("evaluation.gates")
    assert gates.data.tags["mlwright.gate"] == "passed"
    floor = json.loads(evaluation.data.tags["mlwright.gate.floor"])
    assert floor == {"passed": True, "reason": "ok", "threshold": 0.9, "value": evaluation.data.metrics["test_auc"]}
    (version,) = known.versions()
    assert version.status == "READY"
    assert version.tags["mlwright.run"] == "default"
    assert known.aliases() == {"challenger": "1", "champion": "1"}


def test_artifacts_are_objects_in_the_store_and_readable_through_the_server(
    up: Stack, known: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As compose.yaml says at its top: the server hands out addresses of the store, which only containers can reach.
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD", "false")
    features = known.step("steps.features")
    table = known.client.download_artifacts(features.info.run_id, "mlwright/outputs/table/table", str(tmp_path))
    assert Path(table).read_text().startswith("split,benign,")
    found = f"""{_STORE}
for page in store.get_paginator("list_objects_v2").paginate(Bucket="mlflow"):
    print(*(found["Key"] for found in page["Contents"]))
"""
    keys = up.compose("exec", "-T", "mlflow", "python3", "-c", found).split()
    assert any(key.endswith(f"{features.info.run_id}/artifacts/mlwright/outputs/table/table") for key in keys), keys
    assert any(key.endswith("/MLmodel") for key in keys), keys


def test_the_store_refuses_whoever_has_another_key(up: Stack) -> None:
    peek = f"import os; os.environ['AWS_SECRET_ACCESS_KEY'] = 'guessed'\n{_STORE}\nstore.list_buckets()"
    with pytest.raises(AssertionError, match=r"SignatureDoesNotMatch|AccessDenied|InvalidAccessKeyId"):
        up.compose("exec", "-T", "mlflow", "python3", "-c", peek)


def test_the_endpoint_answers_the_smoke_request(up: Stack) -> None:
    assert up.answer((up.project / "request.json").read_bytes()) == {"predictions": [0, 1]}


def test_a_restart_of_everything_that_runs_keeps_everything(up: Stack, known: Records) -> None:
    before = known.whole()
    up.compose("restart", "database", "objects", "mlflow", "online")
    up.compose("up", "--detach", "--no-recreate", "--no-deps", "--wait", "mlflow", "online")
    assert known.whole() == before
    assert up.answer((up.project / "request.json").read_bytes()) == {"predictions": [0, 1]}


def test_a_database_that_is_killed_at_work_loses_nothing_and_registers_nothing_twice(up: Stack, known: Records) -> None:
    before = known.whole()
    again = replace(up, env={**up.env, "MLWRIGHT_RUN": "crashed"})
    first = threading.Thread(target=lambda: again.compose("up", "--detach", check=False))
    first.start()
    until(lambda: len(_trials(known)) >= 3, 300, lambda: f"no third trial: {up.logs()}")
    up.kill("database")
    first.join()
    until(lambda: up.state("finish")[0] == "exited", 300, lambda: f"the run has not ended: {up.logs()}")
    if up.state("finish")[1] != 0:
        assert "failed: " in up.logs("finish")
    again.run()

    after = known.whole()
    assert before["runs"].items() <= after["runs"].items()
    assert before["versions"].items() <= after["versions"].items()
    mine = [run for run in known.runs() if run.data.tags.get("mlwright.run") == "crashed"]
    assert len([run for run in mine if run.data.tags["mlwright.kind"] == "root"]) == 1
    assert not [run for run in mine if run.info.status == "RUNNING"]
    done = Counter(
        run.data.tags["mlwright.trial"] for run in _trials(known) if run.data.tags.get("mlwright.outcome") != "failed"
    )
    assert sorted(map(int, done)) == list(range(10))
    assert {count for number, count in done.items()} == {1}, done
    registered = [found for found in known.versions() if found.tags["mlwright.run"] == "crashed"]
    assert [str(found.version) for found in registered] == ["2"]
    assert known.aliases() == {"challenger": "2", "champion": "1"}


def _trials(known: Records) -> list[Run]:
    with contextlib.suppress(MlflowException):
        return [run for run in known.of("trial") if run.data.tags["mlwright.run"] == "crashed"]
    return []


def test_down_keeps_the_volumes_and_down_volumes_leaves_nothing(up: Stack, known: Records) -> None:
    before = known.whole()
    up.compose("down")
    left = up.left()
    assert not left["container"] and not left["network"]
    assert left["volume"] == sorted(f"{up.name}_{name}" for name in up.file["volumes"])
    up.compose("up", "--detach", "--wait", "mlflow")
    assert known.whole() == before
    up.compose("down", "--volumes")
    assert up.left() == {"container": [], "network": [], "volume": []}
