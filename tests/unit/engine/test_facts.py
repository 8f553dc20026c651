"""What the tracking server says about a run that containers do not: with a real server."""

from __future__ import annotations

import json
import time
import uuid

import pytest

from mlwright import ir
from mlwright.engine import facts
from mlwright.engine.states import Seen
from mlwright.ir import Origin
from mlwright.runner.result import Result
from mlwright.runner.tracking import Client
from tests.unit.passes import factory

ORIGIN = Origin(path=("training",))
NODES = (
    ir.Task(id="steps.a", name="a", container=ir.Container(), origin=ORIGIN),
    ir.Gates(id="evaluation.gates", name="g", step="evaluation", model="m", gates=(), metrics=(), origin=ORIGIN),
    ir.Registration(id="registry", name="r", model="m", step="training", output="model", origin=ORIGIN),
)


def made(client: Client, experiment: str, step: str, status: str = "FINISHED", **tags: str) -> None:
    """A run as a launcher leaves it."""
    pairs = [{"key": "mlwright.run", "value": "r1"}, {"key": "mlwright.step", "value": step}]
    pairs += [{"key": "mlwright." + key.replace("__", "."), "value": value} for key, value in tags.items()]
    now = int(time.time() * 1000)
    body = {"experiment_id": experiment, "start_time": now, "tags": pairs}
    run = client.call("POST", "runs/create", body)["run"]["info"]["run_id"]
    client.call("POST", "runs/update", {"run_id": run, "status": status, "end_time": now})


@pytest.mark.server
def test_the_newest_run_of_each_node_counts(mlflow_server: str) -> None:
    client = Client(url=mlflow_server)
    name = f"facts-{uuid.uuid4().hex}"
    experiment = client.call("POST", "experiments/create", {"name": name})["experiment_id"]
    project = factory.project(tracking=factory.tracking(experiment=name))
    made(client, experiment, "run", kind="root", status="RUNNING")
    made(client, experiment, "steps.a", status="FAILED", reason="the command exited with 3")
    time.sleep(0.01)
    made(client, experiment, "steps.a", seen="1")
    made(client, experiment, "evaluation.gates", gate__close=json.dumps({"passed": True, "value": 0.5}))
    found = facts.read(client, project, NODES, "r1")
    assert found.experiment == experiment
    assert found.root
    assert found.results["steps.a"].outcome == "cached"
    assert found.results["evaluation.gates"].status["gates"] == [{"passed": True, "value": 0.5, "name": "close"}]
    assert "registry" not in found.results
    assert facts.read(client, project, NODES, "another").results == {}


def test_a_server_that_is_away_says_nothing() -> None:
    client = Client(url="http://127.0.0.1:9", patience=0.1)
    assert facts.read(client, factory.project(), NODES, "r1") is facts.NOTHING


def test_a_container_that_failed_has_failed_whatever_was_recorded() -> None:
    known = facts.Facts(results={"a": Result(outcome="finished"), "b": Result(outcome="failed")}, trials={})
    seen = {"a": Seen(state="failed", detail="exit code 137"), "b": Seen(state="running")}
    found = facts.with_failures(known, seen).results
    assert found["a"].outcome == "failed"
    assert found["a"].reason == "exit code 137"
    assert "b" not in found
