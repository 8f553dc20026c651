"""`examples/breast-cancer` on the server that Compose gets by default: SQLite and a volume, nothing else to run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow.sklearn
import pytest
from tests.e2e.compose.engine import Engine
from tests.e2e.compose.records import Records, records
from tests.e2e.compose.stack import Stack, copied, stack

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(1800)]

# One worker and no early stopping: what is found then depends on the seed alone.
OVERLAY = """
  once: &once {platform: compose, tuning: {trials: {max: 6, parallel: 1}, early_stopping: null}}
  here: {<<: *once, platform: local}
"""


@pytest.fixture(scope="module")
def up(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with stack(engine, tmp_path_factory.mktemp("sqlite"), "breast-cancer", "once", OVERLAY) as found:
        found.run("--build")
        yield found


@pytest.fixture
def known(up: Stack) -> Records:
    return records(up.tracking, "once")


def test_the_containers_find_what_mlwright_run_finds(up: Stack, known: Records, tmp_path: Path) -> None:
    project = copied("breast-cancer", tmp_path, OVERLAY)
    summary = ran(project)
    here = records(f"sqlite:///{project}/.mlwright/mlflow.db", "here")
    assert found_by(known) == found_by(here)
    assert len(found_by(here)) > 6
    response = json.loads(summary["endpoints"]["serving.online"]["response"])
    assert up.answer((up.project / "request.json").read_bytes()) == response


def found_by(known: Records) -> dict[str, Any]:
    """By step and trial: the parameters, and every metric from first to last value."""
    found = {}
    for run in known.runs():
        histories = {
            name: [point.value for point in known.client.get_metric_history(run.info.run_id, name)]
            for name in run.data.metrics
        }
        if histories or run.data.params:
            tags = run.data.tags
            found[tags["mlwright.step"] + tags.get("mlwright.trial", "")] = (dict(run.data.params), histories)
    return found


def ran(project: Path) -> dict[str, Any]:
    """The summary of `mlwright run` in a project."""
    env = {name: text for name, text in os.environ.items() if not name.startswith(("MLFLOW_", "MLWRIGHT_"))}
    done = subprocess.run(
        [sys.executable, "-m", "mlwright", "run", "--env", "here"],
        cwd=project,
        env={**env, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (summary,) = (project / ".mlwright" / "runs").glob("*/summary.json")
    return dict(json.loads(summary.read_text()))


def test_the_registered_model_can_be_loaded_from_here(up: Stack, known: Records, tmp_path: Path) -> None:
    mlflow.set_tracking_uri(up.tracking)
    request = json.loads((up.project / "request.json").read_text())
    model = mlflow.sklearn.load_model("models:/breast-cancer@champion", dst_path=str(tmp_path))
    assert model.predict(request["inputs"]).tolist() == up.answer(json.dumps(request).encode())["predictions"]


def test_every_service_of_ours_is_nobody_and_the_system_of_those_that_say_so_is_read_only(up: Stack) -> None:
    containers = {found["Config"]["Labels"]["com.docker.compose.service"]: found for found in up.containers()}
    assert {found["Config"]["User"] for name, found in containers.items() if name != "prepare"} == {"65532:65532"}
    assert containers["prepare"]["HostConfig"]["NetworkMode"] == "none"
    assert all(found["HostConfig"]["CapDrop"] == ["ALL"] for found in containers.values())
    say = (
        "import os; held = 'CapEff:\\t0000000000000000' not in open('/proc/self/status').read();"
        "print(os.getuid(), os.access('/', os.W_OK), held)"
    )
    assert up.compose("exec", "-T", "mlflow", "python3", "-c", say) == "65532 False False"
    write = "open('/usr/new', 'w')"
    assert up.compose("exec", "-T", "--user", "0", "mlflow", "python3", "-c", write, check=False) == ""
    read_only = {name for name in containers if up.file["services"][name].get("read_only")}
    assert {name for name, found in containers.items() if found["HostConfig"]["ReadonlyRootfs"]} == read_only
    assert {"mlflow", "start", "search", "evaluation-gates", "register", "finish"} <= read_only


def test_every_port_is_open_to_this_machine_alone(up: Stack) -> None:
    found = [port for each in up.containers() for port in (each["NetworkSettings"]["Ports"] or {}).values() if port]
    assert {bound["HostIp"] for ports in found for bound in ports} == {"127.0.0.1"}


def test_a_restart_keeps_everything(up: Stack, known: Records) -> None:
    before = known.whole()
    answer = up.answer((up.project / "request.json").read_bytes())
    up.compose("restart", "mlflow", "online")
    up.compose("up", "--detach", "--no-recreate", "--no-deps", "--wait", "mlflow", "online")
    assert known.whole() == before
    assert up.answer((up.project / "request.json").read_bytes()) == answer


def test_a_second_up_trains_and_registers_nothing_again(up: Stack, known: Records) -> None:
    before = known.whole()
    up.run()
    after = known.whole()
    assert after["versions"] == before["versions"]
    assert after["aliases"] == before["aliases"]
    made = {run[3]["mlwright.kind"] for key, run in after["runs"].items() if key not in before["runs"]}
    assert made <= {"gate", "register"}, made


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
