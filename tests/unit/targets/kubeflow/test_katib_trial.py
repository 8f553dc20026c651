"""One trial as Katib runs it: made by the operator, filled in as text, started by a shell, with a tracking server."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from tests.contract.katib import generator
from tests.unit.runtime.conftest import Pipeline
from tests.unit.targets.kubeflow.searches import AUC, DEPTH, LR, objects, profile, project, search

from mlwright import ir
from mlwright.emit.kube import operated, plan
from mlwright.emit.kube.objects import Objects
from mlwright.runner.places import NoPlaces
from mlwright.testing import programs

sys.path.insert(0, str(generator.RUNTIME))
import manifests

NAUGHTY = tuple(text for text in programs.NAUGHTY if text)
KIND = ir.Dimension(param="kind", type="string", values=NAUGHTY)
SHOW = "import json, sys; print(json.dumps(sys.argv[1:])); print('auc 0.5'); print('auc 0.25')"

pytestmark = pytest.mark.server


class Trial:
    """An Experiment that the operator has made, and its trials as processes."""

    def __init__(self, node: ir.Search, server: str, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.seen = Pipeline(address=server, folder=folder, experiment="katib-" + uuid.uuid4().hex)
        made = project(node, tracking=programs.tracking(experiment=self.seen.experiment))
        self.objects: Objects = objects(made, profile(pod_security="baseline"))
        found = operated.manifests(self.objects, made.pipelines[0], node)
        document = plan.operation(made, node, found, NoPlaces())
        given = {
            "MLWRIGHT_RUN": self.seen.run,
            "MLWRIGHT_PARAM_LR": "0.9",
            "MLWRIGHT_PARAM_OTHER": 'x "$(y)" z',
            "MLWRIGHT_EVENT": "",
        }
        maker = manifests.Maker("churn-0a1b2c3d", self.seen.run, None, given)
        (wanted,) = document["objects"]  # type: ignore[misc]
        self.experiment = maker.make(wanted)  # type: ignore[arg-type]

    def begin(self, name: str, **assignments: str) -> subprocess.Popen[bytes]:
        """Starts the primary container of a trial."""
        job = generator.run_spec(self.experiment, name, assignments)
        pod = job["spec"]["template"]["spec"]
        name_of = self.experiment["spec"]["trialTemplate"]["primaryContainerName"]
        container = next(one for one in pod["containers"] if one["name"] == name_of)
        here = self.folder / name
        here.mkdir()
        config = next(one["configMap"]["name"] for one in pod["volumes"] if one["name"] == "document")
        data = self.objects.rendered("ConfigMap", config)["data"]["step.json"]
        (here / "step.json").write_text(json.dumps(data))
        words = generator.here(generator.wrapped(self.experiment, container, str(here / "metrics.log")), here)
        env = {entry["name"]: entry.get("value", "").replace("$$(", "$(") for entry in container["env"]}
        env |= {"MLFLOW_TRACKING_URI": self.server, "HOME": str(here), "PATH": self._path()}
        return subprocess.Popen(words, env=env, start_new_session=True)

    def _path(self) -> str:
        """Programs of an image, in which `python3` is ours."""
        found = self.folder / "bin"
        if not found.exists():
            found.mkdir()
            (found / "python3").symlink_to(sys.executable)
            (found / "sh").symlink_to(shutil.which("sh") or "/bin/sh")
        return f"{found}:/usr/bin:/bin"

    def output(self, name: str) -> list[str]:
        """What Katib reads."""
        file = self.folder / name / "metrics.log"
        return file.read_text().splitlines() if file.exists() else []

    def markers(self, name: str) -> list[str]:
        """What the shell wrote for Katib at its end."""
        return [path.read_text().strip() for path in (self.folder / name).glob("*.pid")]


def shown(*space: ir.Dimension, program: str = SHOW, **changes: Any) -> ir.Search:
    """A search whose trials show their parameters."""
    argv: tuple[ir.Template, ...] = tuple((word,) for word in ("python3", "-c", program))
    argv += tuple((ir.Ref(f"params.{one.param}"),) for one in space)
    step = programs.task("training", container=ir.Container(argv=argv), metrics=(AUC,))
    return search(*space, trial=step, **changes)


@pytest.fixture
def started(mlflow_server: str, tmp_path: Path) -> Any:
    return lambda node: Trial(node, mlflow_server, tmp_path)


def test_texts_and_numbers_reach_the_program_as_they_were_declared(started: Any) -> None:
    trial = started(shown(KIND, DEPTH, LR))
    for place, text in enumerate(NAUGHTY):
        process = trial.begin(f"t-{place}", kind=str(place), depth="3.0", lr="1e-05")
        assert process.wait(120) == 0, trial.output(f"t-{place}")
        lines = trial.output(f"t-{place}")
        assert [text, "3", "0.0001"] in [json.loads(line) for line in lines if line.startswith("[")]
        assert [line for line in lines if line.startswith("val_auc=")] == ["val_auc=0.5", "val_auc=0.25"]
        assert trial.markers(f"t-{place}") == ["completed"]
    runs = trial.seen.runs(kind="trial")
    assert {run["tags"]["mlwright.trial"] for run in runs} == {f"t-{place}" for place in range(len(NAUGHTY))}
    assert {run["status"] for run in runs} == {"FINISHED"}


def test_a_trial_that_fails_fails_for_katib_too(started: Any) -> None:
    trial = started(shown(DEPTH, program="import sys; sys.exit(3)"))
    assert trial.begin("t-1", depth="3").wait(120) == 3
    assert trial.markers("t-1") == []
    stopping = started(shown(DEPTH, program="import sys; sys.exit(3)", early_stopping="medianstop"))
    assert stopping.begin("t-2", depth="3").wait(120) == 1
    assert stopping.markers("t-2") == []


def test_a_trial_that_katib_stops_early_ends_well(started: Any) -> None:
    program = "import time; print('auc 0.1', flush=True); time.sleep(60)"
    trial = started(shown(DEPTH, program=program, early_stopping="medianstop"))
    process = trial.begin("t-1", depth="3")
    end = time.monotonic() + 60
    while not any("val_auc" in line for line in trial.output("t-1")):
        assert time.monotonic() < end
        time.sleep(0.2)
    (trial.folder / "t-1" / f"{process.pid}.pid").write_text("early-stopped\n")
    (child,) = (int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())
    os.kill(child, signal.SIGTERM)
    assert process.wait(60) == 0
    assert trial.markers("t-1") == ["completed"]
    assert trial.seen.only(kind="trial")["status"] == "KILLED"


def test_what_an_engine_hands_on_does_not_take_the_place_of_what_katib_fills_in(started: Any) -> None:
    trial = started(shown(LR))
    entries = generator.run_spec(trial.experiment, "t", {"lr": "0.1"})["spec"]["template"]["spec"]["containers"][0]
    found = {entry["name"]: entry.get("value", "") for entry in entries["env"]}
    assert (found["MLWRIGHT_PARAM_LR"], found["MLWRIGHT_TRIAL"]) == ("0.1", "t")
    assert found["MLWRIGHT_PARAM_OTHER"] == 'x "$$(y)" z'
    assert found["MLWRIGHT_RUN"] == trial.seen.run
    assert {"name": "MLWRIGHT_EVENT"} in entries["env"]  # an empty value would be refused by Katib
    labels = trial.experiment["spec"]["trialTemplate"]["trialSpec"]["spec"]["template"]["metadata"]["labels"]
    assert labels["mlwright.dev/run"] == manifests.mark(trial.seen.run)
